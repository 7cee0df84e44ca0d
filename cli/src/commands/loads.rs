//! `restctl loads`: lists, shows and retries the loads of a stack, including those of files that other tools uploaded.

mod known_load;
mod ls;
mod rejects;
mod retry;
mod show;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Loads {
    /// List every load, the newest upload first
    Ls(ls::Ls),

    /// Print everything about a load
    Show(show::Show),

    /// Print the rejected rows of a load as CSV
    Rejects(rejects::Rejects),

    /// Retry a load that failed or stopped
    Retry(retry::Retry),
}

pub(crate) async fn run(command: Loads, context: &Context) -> Result<()> {
    match command {
        Loads::Ls(args) => ls::run(args, context).await,
        Loads::Show(args) => show::run(args, context).await,
        Loads::Rejects(args) => rejects::run(args, context).await,
        Loads::Retry(args) => retry::run(args, context).await,
    }
}
