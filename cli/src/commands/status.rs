//! `restctl status`: shows the whole stack on one screen, or lists all stacks.

mod all;
#[cfg(test)]
mod fixture;
mod history;
mod screen;
mod scroll;
mod snapshot;
mod text;
mod traffic;
mod watch;

use clap::Args;

use self::snapshot::Snapshot;
use crate::context::Context;
use crate::failure::Result;
use crate::terminal::output::{self, Format};

#[derive(Debug, Args)]
#[command(after_help = "\
If a part is unavailable, the reason is shown in its place. To check that everything works, use `restctl doctor`. The \
API counts requests and latency; on AWS, CloudWatch has them a minute or two later. Rows per second and the queue are \
current.

--watch refreshes the screen until you press q or Ctrl-C. On a small terminal, j, k, the arrow keys, PgUp and PgDn \
scroll. Without a terminal it writes one line each time, or one \
JSON document with --output json.

Examples:
  restctl status
  restctl status --watch
  restctl status --output json | jq .queue.dead_letters")]
pub(crate) struct Status {
    /// Refresh the screen every few seconds, with recent values as sparklines
    #[arg(long)]
    watch: bool,

    /// List the stacks of the account and region, and what no stack uses: data of deleted stacks, settings, certificates
    #[arg(long, conflicts_with = "watch")]
    all: bool,
}

pub(crate) async fn run(args: Status, context: &Context) -> Result<()> {
    if args.all {
        return all::run(context).await;
    }
    if args.watch {
        return watch::run(context).await;
    }
    let snapshot = Snapshot::take(context).await?;
    match output::chosen_format() {
        Format::Json => output::print_json(&snapshot),
        Format::Text => output::print_text(text::snapshot_text(&snapshot)),
    }
}
