//! Requests and their latency, period by period.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::aws::cloudwatchlogs::{self, LogEvent};
use crate::aws::{Aws, cloudwatch};
use crate::context::Context;
use crate::failure::Result;
use crate::timestamp::seconds_now;

/// The metrics that the API's log lines bear, and their dimension; see `lambdas/api/src/access_log.rs`.
const NAMESPACE: &str = "restctl";
const DIMENSION: &str = "stack";

/// As many as fit on a screen.
const PERIODS: usize = 60;

/// CloudWatch has no finer ones of what a log line bears.
const ON_AWS: Duration = Duration::from_secs(60);
const LOCAL: Duration = Duration::from_secs(5);

/// Log lines that are counted at most, of the local cloud.
const MAX_LINES: usize = 10_000;

#[derive(Debug, Serialize)]
pub(super) struct Traffic {
    pub(super) period_seconds: u64,
    /// The oldest period first; the last one is not over yet.
    pub(super) requests: Vec<u64>,
    /// The average; null where there were no requests.
    pub(super) latency_ms: Vec<Option<f64>>,
}

impl Traffic {
    pub(super) async fn look(context: &Context) -> Result<Self> {
        let aws = context.aws().await?;
        match &context.local {
            None => of_the_metrics(aws, context.stack.as_str()).await,
            // Its CloudWatch takes no metrics from log lines.
            Some(_) => of_the_log(aws, &context.stack.log_group("api")).await,
        }
    }

    pub(super) fn total(&self) -> u64 {
        self.requests.iter().sum()
    }

    /// Over all requests of all periods.
    pub(super) fn average_latency_ms(&self) -> Option<f64> {
        let weighted = self.requests.iter().zip(&self.latency_ms);
        let sum: f64 = weighted.map(|(requests, latency)| *requests as f64 * latency.unwrap_or(0.0)).sum();
        (self.total() > 0).then(|| sum / self.total() as f64)
    }
}

async fn of_the_metrics(aws: &Aws, stack: &str) -> Result<Traffic> {
    let series = |metric, statistic| cloudwatch::Series {
        namespace: NAMESPACE,
        metric,
        dimension: (DIMENSION, stack),
        statistic,
    };
    let series = [series("requests", "Sum"), series("latency_ms", "Average")];
    let [requests, latency_ms] = cloudwatch::read_metrics(aws, series, PERIODS, ON_AWS).await?;
    let requests = requests.into_iter().map(|sum| sum.unwrap_or_default() as u64).collect();
    Ok(Traffic { period_seconds: ON_AWS.as_secs(), requests, latency_ms })
}

/// What a line says of a request.
#[derive(Deserialize)]
struct Line {
    requests: u64,
    latency_ms: f64,
}

async fn of_the_log(aws: &Aws, group: &str) -> Result<Traffic> {
    let seconds = LOCAL.as_secs();
    let start = (seconds_now() / seconds + 1).saturating_sub(PERIODS as u64) * seconds;
    let from = i64::try_from(start * 1000).unwrap_or(i64::MAX);
    let mut events = cloudwatchlogs::filter_events(aws, group, from, Some("latency_ms"));
    let mut periods = vec![(0, 0.0); PERIODS];
    for _ in 0..MAX_LINES {
        match events.next().await? {
            Some(event) => count(&event, start, &mut periods),
            None => break,
        }
    }
    let latency = |(requests, sum): &(u64, f64)| (*requests > 0).then(|| sum / *requests as f64);
    Ok(Traffic {
        period_seconds: seconds,
        requests: periods.iter().map(|(requests, _)| *requests).collect(),
        latency_ms: periods.iter().map(latency).collect(),
    })
}

fn count(event: &LogEvent, start: u64, periods: &mut [(u64, f64)]) {
    let line = serde_json::from_str::<Line>(&event.message);
    let (Ok(line), Ok(second)) = (line, u64::try_from(event.timestamp / 1000)) else { return };
    let period = usize::try_from(second.saturating_sub(start) / LOCAL.as_secs()).unwrap_or(usize::MAX);
    if let Some((requests, latency)) = periods.get_mut(period) {
        *requests += line.requests;
        *latency += line.latency_ms * line.requests as f64;
    }
}
