//! `restctl status --watch`: takes a snapshot every few seconds.

use std::future::Future;
use std::pin::{Pin, pin};
use std::time::Duration;

use restctl_contract::timestamp;
use tokio::time::{Instant, sleep};

use super::history::History;
use super::screen;
use super::scroll::Scroll;
use super::snapshot::Snapshot;
use crate::context::Context;
use crate::failure::{Failure, FailureContext, Result};
use crate::terminal::interrupt;
use crate::terminal::output::{self, Format};
use crate::terminal::screen::{Screen, ScreenEvent, is_available as is_screen_available};

/// On AWS each snapshot costs money: GetMetricData per metric, the ledger by its size.
const AWS_INTERVAL: Duration = Duration::from_secs(5);
const LOCAL_INTERVAL: Duration = Duration::from_secs(1);

/// How often the keyboard is polled.
const KEY_INTERVAL: Duration = Duration::from_millis(50);

pub(super) async fn run(context: &Context) -> Result<()> {
    let interval = if context.local.is_some() { LOCAL_INTERVAL } else { AWS_INTERVAL };
    match (output::chosen_format(), is_screen_available()) {
        (Format::Text, true) => watch_on_screen(context, interval).await,
        _ => watch_as_lines(context, interval).await,
    }
}

/// Runs until q, Escape or Ctrl-C is typed.
async fn watch_on_screen(context: &Context, interval: Duration) -> Result<()> {
    let mut history = History::default();
    // The first snapshot comes before the screen is opened, so that its failure is printed on the normal terminal.
    let mut snapshot = Snapshot::take(context).await?;
    history.add_snapshot(&snapshot, Instant::now());
    let mut screen = Screen::open()?;
    let mut scroll = Scroll::default();
    let mut footer = footer_text(interval, None);
    let mut next_snapshot = pin!(take_later(context, interval));
    loop {
        screen.draw(|frame| screen::draw_snapshot(frame, &snapshot, &history, &footer, &mut scroll))?;
        match wait_for_event(&screen, next_snapshot.as_mut()).await? {
            WatchEvent::Screen(ScreenEvent::Quit) => return Ok(()),
            WatchEvent::Screen(event) => scroll.apply(event),
            WatchEvent::Snapshot(taken) => {
                next_snapshot.set(take_later(context, interval));
                let problem = taken.as_ref().err().map(Failure::to_single_line);
                footer = footer_text(interval, problem.as_deref());
                if let Ok(taken) = taken {
                    snapshot = *taken;
                    history.add_snapshot(&snapshot, Instant::now());
                }
            }
        }
    }
}

enum WatchEvent {
    Screen(ScreenEvent),
    Snapshot(Result<Box<Snapshot>>),
}

async fn take_later(context: &Context, interval: Duration) -> Result<Box<Snapshot>> {
    sleep(interval).await;
    Snapshot::take(context).await.map(Box::new)
}

fn footer_text(interval: Duration, problem: Option<&str>) -> String {
    let now = timestamp::now();
    match problem {
        Some(problem) => format!("{now}  {problem}"),
        None => format!("{now}, every {} s", interval.as_secs()),
    }
}

/// Waits for the user or the next snapshot, whichever comes first.
async fn wait_for_event(
    screen: &Screen,
    mut next_snapshot: Pin<&mut impl Future<Output = Result<Box<Snapshot>>>>,
) -> Result<WatchEvent> {
    loop {
        tokio::select! {
            taken = &mut next_snapshot => return Ok(WatchEvent::Snapshot(taken)),
            () = sleep(KEY_INTERVAL) => {
                if let Some(event) = screen.read_event()? {
                    return Ok(WatchEvent::Screen(event));
                }
            }
        }
    }
}

/// Writes a line for each snapshot, for programs and files. Ctrl-C ends it with success.
async fn watch_as_lines(context: &Context, interval: Duration) -> Result<()> {
    let mut history = History::default();
    let watching = async {
        loop {
            let snapshot = Snapshot::take(context).await?;
            history.add_snapshot(&snapshot, Instant::now());
            match output::chosen_format() {
                Format::Json => {
                    let line = serde_json::to_string(&snapshot).context("cannot write the status as JSON")?;
                    output::print_json_line(&line)?;
                }
                Format::Text => output::print_text(summary_line(&snapshot, &history))?,
            }
            sleep(interval).await;
        }
    };
    tokio::select! {
        failed = watching => failed,
        interrupted = interrupt::ctrl_c() => interrupted,
    }
}

fn summary_line(snapshot: &Snapshot, history: &History) -> String {
    let queue = snapshot
        .queue
        .as_known()
        .map(|queue| format!("{} queued, {} dead", queue.waiting + queue.in_flight, queue.dead_letters));
    let requests = snapshot.traffic.as_known().map(|traffic| {
        let period = traffic.last_complete_period();
        format!("{} requests in {} s from {} UTC", period.requests, traffic.period_seconds, period.time)
    });
    let rows = history.rows_per_second.back().copied().unwrap_or_default();
    let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "unknown".to_owned());
    let (queue, requests) = (or_unknown(queue), or_unknown(requests));
    format!("{} {}: {queue}; {requests}; {rows} rows/s", timestamp::now(), snapshot.stack.status)
}
