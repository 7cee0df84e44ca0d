//! `restctl logs --follow`

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::merged::Merged;
use super::printer::Printer;
use super::seen::Seen;
use super::since::Since;
use super::wanted::Wanted;
use super::{Function, names};
use crate::context::Context;
use crate::failure::{Exit, Result};
use crate::terminal::{interrupt, output};

/// Of the five calls of FilterLogEvents a second that the slowest regions allow an account, one takes both logs.
const PAUSE: Duration = Duration::from_secs(2);

/// For how long the logs may be out of reach before they are given up.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// Prints until Ctrl-C, which is how this ends well.
pub(super) async fn run(
    context: &Context,
    functions: &[Function],
    wanted: &Wanted,
    since: i64,
) -> Result<()> {
    output::print_message(&format!("following the log of {}{wanted}; Ctrl-C ends this", names(functions)));
    tokio::select! {
        failed = follow(context, functions, wanted, since) => failed,
        interrupted = interrupt::ctrl_c() => {
            interrupted?;
            // Behind the ^C that the terminal shows.
            if output::is_interactive() {
                output::print_message("");
            }
            Ok(())
        }
    }
}

/// Reads what may have come, again and again: each time with what came last once more, since lines come late.
///
/// A live tail would be quicker by a second, and leaves out what is beyond 500 lines a second, ends after three hours,
/// is billed by the minute, and needs a permission of its own ("StartLiveTail", Amazon CloudWatch Logs API Reference).
async fn follow(context: &Context, functions: &[Function], wanted: &Wanted, since: i64) -> Result<()> {
    let mut printer = Printer::new();
    let mut seen: HashMap<Function, Seen> =
        functions.iter().map(|function| (*function, Seen::since(since))).collect();
    let mut reached: Option<Instant> = None;
    let mut said = false;
    loop {
        match read(context, functions, wanted, &mut seen, &mut printer).await {
            Ok(()) => (reached, said) = (Some(Instant::now()), false),
            Err(failure) => {
                let may_pass = failure.exit == Exit::Failure;
                if !may_pass || reached.is_none_or(|reached| reached.elapsed() > PATIENCE) {
                    return Err(failure);
                }
                if !said {
                    output::print_message(&format!("{}; trying again", failure.to_single_line()));
                }
                said = true;
            }
        }
        sleep(PAUSE).await;
    }
}

async fn read(
    context: &Context,
    functions: &[Function],
    wanted: &Wanted,
    seen: &mut HashMap<Function, Seen>,
    printer: &mut Printer,
) -> Result<()> {
    let now = Since::Ago(time::Duration::ZERO).milliseconds();
    let from = |function| seen.get(&function).map_or(now, Seen::from);
    let mut merged = Merged::since(context, functions, wanted, from).await?;
    while let Some((function, event)) = merged.next().await? {
        if seen.get_mut(&function).is_some_and(|seen| seen.is_new(&event)) {
            printer.print(function, &event)?;
        }
    }
    seen.values_mut().for_each(|seen| seen.move_on(now));
    Ok(())
}
