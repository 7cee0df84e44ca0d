//! `restctl status`: all that there is of a stack, on one screen.

#[cfg(test)]
mod fixture;
mod screen;
mod snapshot;
mod text;
mod traffic;
mod watch;

use clap::Args;

use super::status::snapshot::Status;
use crate::context::Context;
use crate::failure::Result;
use crate::terminal::output::{self, Format};

#[derive(Debug, Args)]
#[command(after_help = "\
What cannot be had just now says why in its place; whether all is well is what `restctl doctor` says. Requests and \
latency are those that the API counts: on AWS, CloudWatch has them a minute or two later. Rows per second and the queue \
are as of now.

--watch refreshes it until q or Ctrl-C is typed. Off a terminal it writes a line each time, or with --output json a \
document.

Examples:
  restctl status
  restctl status --watch
  restctl status --output json | jq .queue.dead_letters")]
pub(crate) struct Command {
    /// Refresh it every few seconds, with what went before as sparklines
    #[arg(long)]
    watch: bool,
}

pub(crate) async fn run(args: Command, context: &Context) -> Result<()> {
    if args.watch {
        return watch::run(context).await;
    }
    let status = Status::look(context).await?;
    match output::chosen_format() {
        Format::Json => output::print_json(&status),
        Format::Text => output::print_line(&text::of(&status)),
    }
}
