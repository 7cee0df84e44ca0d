//! `restctl logs --follow`: prints new lines until Ctrl-C.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::filter::LogFilter;
use super::function::{LogGroup, LoggedFunction, function_names};
use super::merged_logs::MergedLogs;
use super::printer::LogPrinter;
use super::seen_events::SeenEvents;
use super::since::Since;
use crate::context::Context;
use crate::failure::{Exit, Result};
use crate::terminal::{interrupt, output};

/// The slowest regions allow an account five calls of FilterLogEvents per second; this takes one for both logs.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// How long the logs may be unavailable before the command gives up.
const MAX_OUTAGE: Duration = Duration::from_secs(5 * 60);

/// Prints until Ctrl-C, which ends the command with success.
pub(super) async fn run(
    context: &Context,
    groups: &[LogGroup],
    filter: &LogFilter,
    since: i64,
    all: bool,
) -> Result<()> {
    output::print_message(format!("following the log of {}{filter}; Ctrl-C ends it", function_names(groups)));
    tokio::select! {
        failed = follow_logs(context, groups, filter, since, LogPrinter::new(all)) => failed,
        interrupted = interrupt::ctrl_c() => {
            interrupted?;
            // After the ^C that the terminal shows.
            if output::is_interactive() {
                output::print_message("");
            }
            Ok(())
        }
    }
}

/// Reads the logs repeatedly, each time from before the last lines, because lines arrive late.
///
/// A live tail would be faster by a second, but it drops lines beyond 500 per second, ends after three hours, is billed
/// by the minute, and needs its own permission ("StartLiveTail", Amazon CloudWatch Logs API Reference).
async fn follow_logs(
    context: &Context,
    groups: &[LogGroup],
    filter: &LogFilter,
    since: i64,
    mut printer: LogPrinter,
) -> Result<()> {
    let mut seen: HashMap<LoggedFunction, SeenEvents> =
        groups.iter().map(|group| (group.function, SeenEvents::new(since))).collect();
    let mut last_success: Option<Instant> = None;
    let mut is_reported = false;
    loop {
        match print_new_events(context, groups, filter, &mut seen, &mut printer).await {
            Ok(()) => (last_success, is_reported) = (Some(Instant::now()), false),
            Err(failure) => {
                let may_pass = failure.exit == Exit::Failure;
                if !may_pass || last_success.is_none_or(|last_success| last_success.elapsed() > MAX_OUTAGE) {
                    return Err(failure);
                }
                if !is_reported {
                    output::print_message(format!("{}; trying again", failure.to_single_line()));
                }
                is_reported = true;
            }
        }
        sleep(POLL_INTERVAL).await;
    }
}

async fn print_new_events(
    context: &Context,
    groups: &[LogGroup],
    filter: &LogFilter,
    seen: &mut HashMap<LoggedFunction, SeenEvents>,
    printer: &mut LogPrinter,
) -> Result<()> {
    let now = Since::Ago(time::Duration::ZERO).unix_milliseconds();
    let from = |function| seen.get(&function).map_or(now, SeenEvents::start_time);
    let mut merged = MergedLogs::open(context, groups, filter, from).await?;
    while let Some((function, event)) = merged.next().await? {
        if seen.get_mut(&function).is_some_and(|seen| seen.insert(&event)) {
            printer.print_event(function, &event)?;
        }
    }
    seen.values_mut().for_each(|seen| seen.advance_start(now));
    Ok(())
}
