//! Amazon CloudWatch: metrics and alarms.

use std::time::Duration;

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    Dimension, Metric, MetricAlarm, MetricDataQuery, MetricDataResult, MetricStat, ScanBy, StateValue,
    StatusCode,
};

use super::Aws;
use super::error::AwsContext;
use crate::failure::{Failure, Result};
use crate::timestamp::{self, seconds_now};

/// One metric and one of its statistics, such as `Sum`.
pub(crate) struct Series<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) metric: &'a str,
    pub(crate) dimension: (&'a str, &'a str),
    pub(crate) statistic: &'a str,
}

impl<'a> Series<'a> {
    pub(crate) fn sum(namespace: &'a str, metric: &'a str, dimension: (&'a str, &'a str)) -> Self {
        Self { namespace, metric, dimension, statistic: "Sum" }
    }
}

/// Periods of the same length, up to now. The last one has not ended yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Periods {
    /// When the first one begins, in seconds since 1970: a multiple of their length.
    pub(crate) start: u64,
    pub(crate) number: usize,
    /// The length of each.
    pub(crate) seconds: u64,
}

impl Periods {
    pub(crate) fn until_now(number: usize, length: Duration) -> Self {
        let seconds = length.as_secs().max(1);
        let end = (seconds_now() / seconds + 1) * seconds;
        Self { start: end.saturating_sub(number as u64 * seconds), number, seconds }
    }

    /// Returns the minutes of the last hour. Periods start at a multiple of their length, so one of an hour would start at the
    /// clock hour.
    pub(crate) fn last_hour() -> Self {
        Self::until_now(60, Duration::from_secs(60))
    }

    /// Returns when a period begins, or when the one before it ends, in seconds since 1970.
    pub(crate) fn start_of(&self, place: usize) -> u64 {
        self.start + place as u64 * self.seconds
    }

    /// Returns which period has this second.
    pub(crate) fn place_of(&self, second: u64) -> Option<usize> {
        let place = usize::try_from(second.checked_sub(self.start)? / self.seconds).ok()?;
        (place < self.number).then_some(place)
    }
}

/// Returns the values of each series in each period. `None` means that no value was reported in that period.
pub(crate) async fn read_metrics<const N: usize>(
    aws: &Aws,
    series: [Series<'_>; N],
    periods: Periods,
) -> Result<[Vec<Option<f64>>; N]> {
    let at = |seconds: u64| DateTime::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    let queries = series.iter().enumerate();
    let queries = queries.map(|(place, series)| build_query(place, series, periods.seconds));
    let request = aws.cloudwatch.get_metric_data().set_metric_data_queries(Some(queries.collect()));
    let request = request.start_time(at(periods.start)).end_time(at(periods.start_of(periods.number)));
    let mut read = [(); N].map(|()| vec![None; periods.number]);
    let mut incomplete = [const { None }; N];
    let mut pages = request.scan_by(ScanBy::TimestampAscending).into_paginator().send();
    while let Some(page) = pages.next().await {
        for result in page.aws_context("read the metrics in CloudWatch")?.metric_data_results() {
            let place = result.id().and_then(|id| id.strip_prefix("series")?.parse::<usize>().ok());
            let Some(place) = place.filter(|place| *place < N) else { continue };
            incomplete[place] = incomplete_reason(result);
            for (time, value) in result.timestamps().iter().zip(result.values()) {
                let second = u64::try_from(time.secs()).unwrap_or_default();
                if let Some(slot) = periods.place_of(second).and_then(|period| read[place].get_mut(period)) {
                    *slot = Some(*value);
                }
            }
        }
    }
    match incomplete.into_iter().flatten().next() {
        Some(reason) => Err(Failure::new("cannot read the metrics in CloudWatch").why(reason)),
        None => Ok(read),
    }
}

/// Returns why values of the series are missing. A page with a part of them may be followed by another page
/// ("MetricDataResult", Amazon CloudWatch API Reference).
fn incomplete_reason(result: &MetricDataResult) -> Option<String> {
    let status = result.status_code().filter(|status| **status != StatusCode::Complete)?;
    let messages = result.messages().iter().filter_map(|message| message.value());
    let parts: Vec<_> = [status.as_str()].into_iter().chain(messages).collect();
    Some(format!("{}: {}", result.label().unwrap_or("a metric"), parts.join(": ")))
}

fn build_query(place: usize, series: &Series<'_>, seconds: u64) -> MetricDataQuery {
    let (name, value) = series.dimension;
    let metric = Metric::builder()
        .namespace(series.namespace)
        .metric_name(series.metric)
        .dimensions(Dimension::builder().name(name).value(value).build())
        .build();
    let period = i32::try_from(seconds).unwrap_or(i32::MAX);
    let statistic = MetricStat::builder().metric(metric).period(period).stat(series.statistic).build();
    MetricDataQuery::builder().id(format!("series{place}")).metric_stat(statistic).build()
}

/// An alarm and its state.
pub(crate) struct Alarm {
    pub(crate) name: String,
    pub(crate) metric: String,
    pub(crate) state: StateValue,
    /// Since when it has been in this state, RFC 3339.
    pub(crate) since: Option<String>,
    /// CloudWatch's words.
    pub(crate) reason: String,
    /// Whether its actions are carried out when its state changes.
    pub(crate) has_actions_enabled: bool,
}

impl From<MetricAlarm> for Alarm {
    fn from(alarm: MetricAlarm) -> Self {
        let since = alarm.state_transitioned_timestamp.or(alarm.state_updated_timestamp);
        Self {
            name: alarm.alarm_name.unwrap_or_default(),
            metric: alarm.metric_name.unwrap_or_default(),
            state: alarm.state_value.unwrap_or(StateValue::InsufficientData),
            since: since.as_ref().and_then(timestamp::from_sdk),
            reason: alarm.state_reason.unwrap_or_default(),
            has_actions_enabled: alarm.actions_enabled.unwrap_or(true),
        }
    }
}

/// Returns the alarms with these names, at most 100. An alarm that was deleted is left out.
pub(crate) async fn read_alarms(aws: &Aws, names: Vec<String>) -> Result<Vec<Alarm>> {
    let mut alarms = Vec::new();
    let mut pages = aws.cloudwatch.describe_alarms().set_alarm_names(Some(names)).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.aws_context("read the alarms in CloudWatch")?;
        alarms.extend(page.metric_alarms.unwrap_or_default().into_iter().map(Alarm::from));
    }
    Ok(alarms)
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::types::MessageData;

    use super::*;

    #[test]
    fn values_that_are_missing_are_not_zero() {
        let result = |status| MetricDataResult::builder().label("Throttles").status_code(status);
        assert_eq!(incomplete_reason(&result(StatusCode::Complete).build()), None);
        let denied = MessageData::builder().value("you may not read it").build();
        let denied = result(StatusCode::Forbidden).messages(denied).build();
        assert_eq!(incomplete_reason(&denied).unwrap(), "Throttles: Forbidden: you may not read it");
        let part = incomplete_reason(&result(StatusCode::PartialData).build());
        assert_eq!(part.unwrap(), "Throttles: PartialData");
    }
}
