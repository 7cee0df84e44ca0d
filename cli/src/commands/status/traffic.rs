//! The requests to the API and their latency, period by period.

use std::time::Duration;

use restctl_contract::template::output as stack_output;
use serde::{Deserialize, Serialize};

use crate::aws::cloudformation::Stack;
use crate::aws::cloudwatchlogs::{self, LogEvent};
use crate::aws::{Aws, cloudwatch};
use crate::context::Context;
use crate::failure::Result;
use crate::timestamp::seconds_now;

/// The metrics in the API's log lines and their dimension; see `lambdas/api/src/access_log.rs`.
const NAMESPACE: &str = "restctl";
const DIMENSION: &str = "stack";

/// As many periods as fit on a screen.
const PERIODS: usize = 60;

/// CloudWatch has no shorter periods for metrics from log lines.
const AWS_PERIOD: Duration = Duration::from_secs(60);
const LOCAL_PERIOD: Duration = Duration::from_secs(5);

/// The most log lines of the local cloud that are counted.
const MAX_LINES: usize = 10_000;

#[derive(Debug, Serialize)]
pub(super) struct Traffic {
    pub(super) period_seconds: u64,
    /// The oldest period first; the last one is not over yet.
    pub(super) requests: Vec<u64>,
    /// The average; null if there were no requests.
    pub(super) latency_ms: Vec<Option<f64>>,
}

impl Traffic {
    pub(super) async fn read(context: &Context, stack: &Stack) -> Result<Self> {
        let aws = context.aws().await?;
        match &context.local {
            None => read_metrics(aws, context.stack.as_str()).await,
            // The local CloudWatch takes no metrics from log lines.
            Some(_) => count_log_lines(aws, stack.output(stack_output::API_LOGS)?).await,
        }
    }

    pub(super) fn total_requests(&self) -> u64 {
        self.requests.iter().sum()
    }

    /// Returns the requests of the last complete period.
    pub(super) fn requests_of_last_period(&self) -> u64 {
        self.requests.iter().rev().nth(1).copied().unwrap_or_default()
    }

    /// Returns the average over all requests of all periods.
    pub(super) fn average_latency_ms(&self) -> Option<f64> {
        let weighted = self.requests.iter().zip(&self.latency_ms);
        let sum: f64 = weighted.map(|(requests, latency)| *requests as f64 * latency.unwrap_or(0.0)).sum();
        (self.total_requests() > 0).then(|| sum / self.total_requests() as f64)
    }
}

async fn read_metrics(aws: &Aws, stack: &str) -> Result<Traffic> {
    let series = |metric, statistic| cloudwatch::Series {
        namespace: NAMESPACE,
        metric,
        dimension: (DIMENSION, stack),
        statistic,
    };
    let series = [series("requests", "Sum"), series("latency_ms", "Average")];
    let [requests, latency_ms] = cloudwatch::read_metrics(aws, series, PERIODS, AWS_PERIOD).await?;
    let requests = requests.into_iter().map(|sum| sum.unwrap_or_default() as u64).collect();
    Ok(Traffic { period_seconds: AWS_PERIOD.as_secs(), requests, latency_ms })
}

/// The figures of a request in the API's log.
#[derive(Deserialize)]
struct AccessLogLine {
    requests: u64,
    latency_ms: f64,
}

async fn count_log_lines(aws: &Aws, group: &str) -> Result<Traffic> {
    let seconds = LOCAL_PERIOD.as_secs();
    let start = (seconds_now() / seconds + 1).saturating_sub(PERIODS as u64) * seconds;
    let from = i64::try_from(start * 1000).unwrap_or(i64::MAX);
    let mut events = cloudwatchlogs::filter_events(aws, group, from, Some("latency_ms"));
    let mut periods = vec![(0, 0.0); PERIODS];
    for _ in 0..MAX_LINES {
        match events.next().await? {
            Some(event) => add_event(&event, start, &mut periods),
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

fn add_event(event: &LogEvent, start: u64, periods: &mut [(u64, f64)]) {
    let line = serde_json::from_str::<AccessLogLine>(&event.message);
    let (Ok(line), Ok(second)) = (line, u64::try_from(event.timestamp / 1000)) else { return };
    let period = usize::try_from(second.saturating_sub(start) / LOCAL_PERIOD.as_secs()).unwrap_or(usize::MAX);
    if let Some((requests, latency)) = periods.get_mut(period) {
        *requests += line.requests;
        *latency += line.latency_ms * line.requests as f64;
    }
}
