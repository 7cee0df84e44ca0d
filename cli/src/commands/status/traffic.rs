//! The requests to the API and their latency, period by period.

use std::time::Duration;

use restctl_contract::template::output as stack_output;
use serde::{Deserialize, Serialize, Serializer};

use crate::aws::Aws;
use crate::aws::cloudformation::Stack;
use crate::aws::cloudwatch::{self, Periods};
use crate::aws::cloudwatchlogs::{self, LogEvent};
use crate::context::Context;
use crate::failure::Result;
use crate::timestamp;

/// The metrics in the API's log lines and their dimension; see `lambdas/api/src/access_log.rs`.
const NAMESPACE: &str = "restctl";
const DIMENSION: &str = "stack";

/// As many periods as fit on a screen.
const PERIODS: usize = 60;

/// CloudWatch has no shorter periods for metrics from log lines.
const AWS_PERIOD: Duration = Duration::from_secs(60);
const LOCAL_PERIOD: Duration = Duration::from_secs(5);

/// The periods in which requests may still be missing: the one that has not ended and, because CloudWatch has a metric a minute
/// or two later, the two before it.
const AWS_OPEN_PERIODS: usize = 3;
const LOCAL_OPEN_PERIODS: usize = 1;

/// The most log lines of the local cloud that are counted.
const MAX_LINES: usize = 10_000;

#[derive(Debug, Serialize)]
pub(super) struct Traffic {
    /// When the first period begins, in seconds since 1970. Programs get RFC 3339.
    #[serde(rename = "from", serialize_with = "serialize_time")]
    pub(super) start: u64,
    pub(super) period_seconds: u64,
    /// The oldest period first.
    pub(super) requests: Vec<u64>,
    /// The average; null if there were no requests.
    pub(super) latency_ms: Vec<Option<f64>>,
    /// In how many of the last periods requests may still be missing.
    #[serde(skip)]
    pub(super) open_periods: usize,
}

/// A period in which no request is missing any more.
pub(super) struct CompletePeriod {
    /// When it began: the time of day, UTC.
    pub(super) time: String,
    pub(super) requests: u64,
    pub(super) latency_ms: Option<f64>,
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

    fn new(periods: Periods, open_periods: usize, requests: Vec<u64>, latency_ms: Vec<Option<f64>>) -> Self {
        Self { start: periods.start, period_seconds: periods.seconds, requests, latency_ms, open_periods }
    }

    pub(super) fn total_requests(&self) -> u64 {
        self.requests.iter().sum()
    }

    pub(super) fn last_complete_period(&self) -> CompletePeriod {
        let place = self.requests.len().saturating_sub(self.open_periods + 1);
        CompletePeriod {
            time: self.time_of_day(place),
            requests: self.requests.get(place).copied().unwrap_or_default(),
            latency_ms: self.latency_ms.get(place).copied().flatten(),
        }
    }

    /// Returns when a period began, without seconds if none has any.
    pub(super) fn time_of_day(&self, place: usize) -> String {
        let time =
            timestamp::from_seconds(self.start + place as u64 * self.period_seconds).unwrap_or_default();
        let end = if self.period_seconds.is_multiple_of(60) { 16 } else { 19 };
        time.get(11..end).unwrap_or_default().to_owned()
    }

    /// Returns the average over all requests of all periods.
    pub(super) fn average_latency_ms(&self) -> Option<f64> {
        let weighted = self.requests.iter().zip(&self.latency_ms);
        let sum: f64 = weighted.map(|(requests, latency)| *requests as f64 * latency.unwrap_or(0.0)).sum();
        (self.total_requests() > 0).then(|| sum / self.total_requests() as f64)
    }
}

fn serialize_time<S: Serializer>(seconds: &u64, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    timestamp::from_seconds(*seconds).serialize(serializer)
}

async fn read_metrics(aws: &Aws, stack: &str) -> Result<Traffic> {
    let series = |metric, statistic| cloudwatch::Series {
        namespace: NAMESPACE,
        metric,
        dimension: (DIMENSION, stack),
        statistic,
    };
    let series = [series("requests", "Sum"), series("latency_ms", "Average")];
    let periods = Periods::until_now(PERIODS, AWS_PERIOD);
    let [requests, latency_ms] = cloudwatch::read_metrics(aws, series, periods).await?;
    let requests = requests.into_iter().map(|sum| sum.unwrap_or_default() as u64).collect();
    Ok(Traffic::new(periods, AWS_OPEN_PERIODS, requests, latency_ms))
}

/// The figures of a request in the API's log.
#[derive(Deserialize)]
struct AccessLogLine {
    requests: u64,
    latency_ms: f64,
}

async fn count_log_lines(aws: &Aws, group: &str) -> Result<Traffic> {
    let periods = Periods::until_now(PERIODS, LOCAL_PERIOD);
    let from = i64::try_from(periods.start * 1000).unwrap_or(i64::MAX);
    let mut events = cloudwatchlogs::filter_events(aws, group, from, Some("latency_ms"));
    let mut sums = vec![(0, 0.0); PERIODS];
    for _ in 0..MAX_LINES {
        match events.next().await? {
            Some(event) => add_event(&event, periods, &mut sums),
            None => break,
        }
    }
    let latency = |(requests, sum): &(u64, f64)| (*requests > 0).then(|| sum / *requests as f64);
    let requests = sums.iter().map(|(requests, _)| *requests).collect();
    Ok(Traffic::new(periods, LOCAL_OPEN_PERIODS, requests, sums.iter().map(latency).collect()))
}

fn add_event(event: &LogEvent, periods: Periods, sums: &mut [(u64, f64)]) {
    let line = serde_json::from_str::<AccessLogLine>(&event.message);
    let (Ok(line), Ok(second)) = (line, u64::try_from(event.timestamp / 1000)) else { return };
    if let Some((requests, latency)) = periods.place_of(second).and_then(|place| sums.get_mut(place)) {
        *requests += line.requests;
        *latency += line.latency_ms * line.requests as f64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_complete_period_has_its_own_time_and_latency() {
        // 2026-01-15T09:30:00Z
        let periods = Periods { start: 1_768_469_400, number: 5, seconds: 60 };
        let latency = vec![Some(9.5), None, Some(2.5), Some(7.0), None];
        let traffic = |open| Traffic::new(periods, open, vec![1, 0, 4, 2, 0], latency.clone());
        let period = traffic(3).last_complete_period();
        // The latency of an earlier period would be that of another time.
        assert_eq!((period.time.as_str(), period.requests, period.latency_ms), ("09:31", 0, None));
        let period = traffic(1).last_complete_period();
        assert_eq!((period.time.as_str(), period.requests, period.latency_ms), ("09:33", 2, Some(7.0)));
        let seconds = Traffic { period_seconds: 5, ..traffic(1) };
        assert_eq!(seconds.last_complete_period().time, "09:30:15");
        assert_eq!(serde_json::to_value(seconds).unwrap()["from"], "2026-01-15T09:30:00.000Z");
    }
}
