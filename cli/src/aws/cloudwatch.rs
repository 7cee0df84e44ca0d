//! Amazon CloudWatch: metrics.

use std::time::Duration;

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat, ScanBy};

use super::Aws;
use super::error::AwsContext;
use crate::failure::Result;
use crate::timestamp::seconds_now;

/// One metric and one of its statistics, such as `Sum`.
pub(crate) struct Series<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) metric: &'a str,
    pub(crate) dimension: (&'a str, &'a str),
    pub(crate) statistic: &'a str,
}

/// Returns the values of each series in the last `periods` periods, the oldest first. `None` means that no value was
/// reported in that period. The last period has not ended yet.
pub(crate) async fn read_metrics<const N: usize>(
    aws: &Aws,
    series: [Series<'_>; N],
    periods: usize,
    period: Duration,
) -> Result<[Vec<Option<f64>>; N]> {
    let seconds = period.as_secs().max(1);
    let end = (seconds_now() / seconds + 1) * seconds;
    let start = end - periods as u64 * seconds;
    let at = |seconds: u64| DateTime::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    let queries = series.iter().enumerate().map(|(place, series)| build_query(place, series, seconds));
    let request = aws.cloudwatch.get_metric_data().set_metric_data_queries(Some(queries.collect()));
    let request = request.start_time(at(start)).end_time(at(end)).scan_by(ScanBy::TimestampAscending);
    let mut read = [(); N].map(|()| vec![None; periods]);
    let mut pages = request.into_paginator().send();
    while let Some(page) = pages.next().await {
        for result in page.aws_context("read the metrics in CloudWatch")?.metric_data_results() {
            let place = result.id().and_then(|id| id.strip_prefix("series")?.parse::<usize>().ok());
            let Some(values) = place.and_then(|place| read.get_mut(place)) else { continue };
            for (time, value) in result.timestamps().iter().zip(result.values()) {
                let since_start = u64::try_from(time.secs()).unwrap_or_default().saturating_sub(start);
                let period = usize::try_from(since_start / seconds).unwrap_or(usize::MAX);
                if let Some(place) = values.get_mut(period) {
                    *place = Some(*value);
                }
            }
        }
    }
    Ok(read)
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
