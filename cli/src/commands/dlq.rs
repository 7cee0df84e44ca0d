//! `restctl dlq`: lists, redrives and drops dead letters, the messages of loads that kept failing.

mod drop;
mod handled_letter;
mod letter_queue;
mod ls;
mod redrive;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::Result;

#[derive(Debug, Subcommand)]
#[command(after_help = "\
If a load fails too often, its message becomes a dead letter, and the loads after it continue. The file stays in the \
data bucket. SQS keeps a dead letter for 14 days.")]
pub(crate) enum Dlq {
    /// List the dead letters, the oldest first
    Ls(ls::Ls),

    /// Queue the loads of dead letters again
    Redrive(redrive::Redrive),

    /// Delete dead letters
    Drop(drop::Drop),
}

pub(crate) async fn run(command: Dlq, context: &Context) -> Result<()> {
    match command {
        Dlq::Ls(args) => ls::run(args, context).await,
        Dlq::Redrive(args) => redrive::run(args, context).await,
        Dlq::Drop(args) => drop::run(args, context).await,
    }
}
