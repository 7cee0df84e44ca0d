//! `restctl status --watch`: the status again and again, with what went before.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use restctl_contract::timestamp;
use tokio::time::{Instant, sleep};

use super::snapshot::{Part, Status};
use super::{screen, text};
use crate::context::Context;
use crate::failure::{FailureContext, Result};
use crate::terminal::interrupt;
use crate::terminal::output::{self, Format};
use crate::terminal::screen::{Screen, is_available as is_screen_available};

/// Each look of the first kind costs money: GetMetricData by the metric, the ledger by what it holds.
const ON_AWS: Duration = Duration::from_secs(5);
const LOCAL: Duration = Duration::from_secs(1);

/// How soon a key is heard.
const KEYS: Duration = Duration::from_millis(50);

/// Looks that are remembered: more than a screen is wide.
const REMEMBERED: usize = 500;

/// What went before, the oldest first.
#[derive(Default)]
pub(super) struct History {
    pub(super) rows_per_second: VecDeque<u64>,
    pub(super) queue: VecDeque<u64>,
    looked: Option<Instant>,
    rows: HashMap<String, u64>,
}

impl History {
    fn push(&mut self, status: &Status, now: Instant) {
        let mut read = 0;
        for entry in status.loads.known().into_iter().flatten() {
            let rows = text::rows(entry);
            let before = self.rows.insert(entry.load.to_string(), rows);
            // What was loaded before the first look is history.
            let is_new = before.is_none() && self.looked.is_some();
            read += rows.saturating_sub(before.unwrap_or(if is_new { 0 } else { rows }));
        }
        let known = status.loads.known().into_iter().flatten();
        let known: Vec<&str> = known.map(|entry| entry.load.as_str()).collect();
        self.rows.retain(|load, _| known.contains(&load.as_str()));
        if let Some(looked) = self.looked.replace(now) {
            let seconds = (now - looked).as_secs_f64().max(0.001);
            remember(&mut self.rows_per_second, (read as f64 / seconds).round() as u64);
        }
        if let Part::Known(queue) = &status.queue {
            remember(&mut self.queue, queue.waiting + queue.in_flight);
        }
    }
}

fn remember(values: &mut VecDeque<u64>, value: u64) {
    if values.len() == REMEMBERED {
        values.pop_front();
    }
    values.push_back(value);
}

pub(super) async fn run(context: &Context) -> Result<()> {
    let every = if context.local.is_some() { LOCAL } else { ON_AWS };
    match (output::chosen_format(), is_screen_available()) {
        (Format::Text, true) => on_a_screen(context, every).await,
        _ => line_by_line(context, every).await,
    }
}

/// Until q, Escape or Ctrl-C is typed.
async fn on_a_screen(context: &Context, every: Duration) -> Result<()> {
    let mut history = History::default();
    // Before the screen is taken: what ends it at once is read on the terminal as it was.
    let mut status = Status::look(context).await?;
    history.push(&status, Instant::now());
    let mut screen = Screen::open()?;
    let mut problem = None;
    loop {
        let footer = footer(every, problem.as_deref());
        screen.draw(|frame| screen::draw(frame, &status, &history, &footer))?;
        let look = async {
            sleep(every).await;
            Status::look(context).await
        };
        match unless_quit(&screen, look).await? {
            None => return Ok(()),
            Some(Ok(looked)) => {
                problem = None;
                status = looked;
                history.push(&status, Instant::now());
            }
            Some(Err(failure)) => problem = Some(failure.to_single_line()),
        }
    }
}

fn footer(every: Duration, problem: Option<&str>) -> String {
    let now = timestamp::now();
    match problem {
        Some(problem) => format!(" {now}  {problem}"),
        None => format!(" {now}, every {} s   q quits", every.as_secs()),
    }
}

/// None where somebody has typed that it is enough.
async fn unless_quit<T>(screen: &Screen, work: impl Future<Output = T>) -> Result<Option<T>> {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return Ok(Some(done)),
            () = sleep(KEYS) => {
                if screen.quit_requested()? {
                    return Ok(None);
                }
            }
        }
    }
}

/// For programs, and for whoever keeps it in a file. Ctrl-C is how it ends.
async fn line_by_line(context: &Context, every: Duration) -> Result<()> {
    let mut history = History::default();
    let looking = async {
        loop {
            let status = Status::look(context).await?;
            history.push(&status, Instant::now());
            match output::chosen_format() {
                Format::Json => {
                    let line =
                        serde_json::to_string(&status).context("the status cannot be written as JSON")?;
                    output::print_line(&line)?;
                }
                Format::Text => output::print_line(&line(&status, &history))?,
            }
            sleep(every).await;
        }
    };
    tokio::select! {
        failed = looking => failed,
        interrupted = interrupt::ctrl_c() => interrupted,
    }
}

fn line(status: &Status, history: &History) -> String {
    let queue = status.queue.known();
    let queue = queue.map(|it| format!("{} queued, {} dead", it.waiting + it.in_flight, it.dead_letters));
    let traffic = status.traffic.known();
    let requests = traffic.map(|it| format!("{} requests in {} s", last(&it.requests), it.period_seconds));
    let rows = history.rows_per_second.back().copied().unwrap_or_default();
    let or_not_known = |text: Option<String>| text.unwrap_or_else(|| "not known".to_owned());
    let (queue, requests) = (or_not_known(queue), or_not_known(requests));
    format!("{} {}: {queue}; {requests}; {rows} rows/s", timestamp::now(), status.stack.status)
}

/// Of the last period that is over.
fn last(requests: &[u64]) -> u64 {
    requests.iter().rev().nth(1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::commands::status::fixture::{load, status};

    #[test]
    fn rows_are_counted_from_one_look_to_the_next() {
        let now = Instant::now();
        let mut history = History::default();
        // What was loaded before anybody looked is no traffic.
        history.push(&status(vec![load("a", 5_000)]), now);
        assert!(history.rows_per_second.is_empty());
        history.push(&status(vec![load("a", 6_000)]), now + Duration::from_secs(2));
        history.push(&status(vec![load("b", 300), load("a", 6_000)]), now + Duration::from_secs(3));
        // A load that begins anew takes nothing back.
        history.push(&status(vec![load("b", 0), load("a", 6_000)]), now + Duration::from_secs(4));
        assert_eq!(history.rows_per_second, [500, 300, 0]);
        assert_eq!(history.queue, [3, 3, 3, 3]);
        assert_eq!(history.rows.len(), 2);
    }

    #[test]
    fn memory_is_that_of_a_screen() {
        let mut history = History::default();
        for second in 0..2_000 {
            history.push(&status(Vec::new()), Instant::now() + Duration::from_secs(second));
        }
        assert_eq!((history.queue.len(), history.rows_per_second.len()), (REMEMBERED, REMEMBERED));
    }
}
