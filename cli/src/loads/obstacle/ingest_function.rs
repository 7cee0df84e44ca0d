//! What keeps the ingest function from running, or from ending a run.

use std::time::Duration;

use aws_sdk_lambda::types::State;
use restctl_contract::template::LIVE;

use super::Obstacle;
use crate::aws::Aws;
use crate::aws::cloudwatch::{self, Periods, Series};
use crate::aws::lambda::concurrency::{add_concurrency, read_reserved_concurrency};
use crate::aws::lambda::{self, FIX_FAILED_VERSION, VersionState};
use crate::failure::{Result, shell_argument};

/// Longer than a run takes to time out and to appear in CloudWatch.
const COUNTED_MINUTES: usize = 10;

/// How many invocations of each minute were throttled, ran, and ended with an error. A minute without any may have no value.
struct InvocationCounts {
    throttled: Vec<Option<f64>>,
    run: Vec<Option<f64>>,
    failed: Vec<Option<f64>>,
}

pub(super) struct IngestFunction<'a> {
    pub(super) aws: &'a Aws,
    pub(super) name: &'a str,
}

impl IngestFunction<'_> {
    /// Returns what is wrong with the function, as far as the caller may see it: what is certain comes first.
    pub(super) async fn find_fault(&self) -> Option<Obstacle> {
        let (concurrency, state, counts) =
            tokio::join!(self.check_concurrency(), self.check_state(), self.count_invocations());
        let runs = counts.map(|counts| counts.find_fault(self.name));
        [concurrency, state, runs].into_iter().find_map(|checked| checked.ok().flatten())
    }

    /// With a reserved concurrency of 0, Lambda throttles each invocation ("Configuring reserved concurrency for a function",
    /// AWS Lambda Developer Guide).
    async fn check_concurrency(&self) -> Result<Option<Obstacle>> {
        if read_reserved_concurrency(self.aws, self.name).await? != Some(0) {
            return Ok(None);
        }
        let reason =
            format!("the function {} has a reserved concurrency of 0, so Lambda does not run it", self.name);
        let name = shell_argument(self.name, "NAME");
        let delete = format!("aws lambda delete-function-concurrency --function-name {name}");
        Ok(Some(Obstacle::new(reason).remedy(delete)))
    }

    /// A version that has been idle for weeks is inactive until it is called ("Lambda function states", AWS Lambda Developer
    /// Guide).
    async fn check_state(&self) -> Result<Option<Obstacle>> {
        let Self { aws, name } = self;
        let VersionState { state, reason } = lambda::read_version_state(aws, name, LIVE).await?;
        Ok(match state {
            Some(State::Failed) => {
                let failed = format!("Lambda cannot run the live version of the function {name}: {reason}");
                Some(Obstacle::new(failed).remedy(FIX_FAILED_VERSION.to_owned()))
            }
            Some(State::Pending | State::Inactive) => Some(Obstacle::new(format!(
                "Lambda is preparing the live version of the function {name}, which takes some minutes"
            ))),
            _ => None,
        })
    }

    async fn count_invocations(&self) -> Result<InvocationCounts> {
        let series = ["Throttles", "Invocations", "Errors"]
            .map(|metric| Series::sum("AWS/Lambda", metric, ("FunctionName", self.name)));
        let minutes = Periods::until_now(COUNTED_MINUTES, Duration::from_secs(60));
        let [throttled, run, failed] = cloudwatch::read_metrics(self.aws, series, minutes).await?;
        Ok(InvocationCounts { throttled, run, failed })
    }
}

impl InvocationCounts {
    /// Returns what is wrong if the last run failed, or if there was none since the last throttle. Lambda counts no run for an
    /// invocation that it throttles, and counts an error when the run began ("Types of metrics for Lambda functions", AWS Lambda
    /// Developer Guide).
    fn find_fault(&self, function: &str) -> Option<Obstacle> {
        let last_run = last_minute(&self.run);
        if last_minute(&self.throttled) > last_run {
            let reason = format!("Lambda throttles the function {function}: no concurrency is left for it");
            let extent = count_recent("throttled invocations", &self.throttled);
            return Some(Obstacle { extent, ..Obstacle::new(reason).remedy(add_concurrency()) });
        }
        last_run.filter(|minute| self.failed[*minute] >= self.run[*minute])?;
        let reason = format!("the last run of the function {function} ended with an error");
        let extent = count_recent("failed runs", &self.failed);
        let logs = format!("restctl logs ingest --since {COUNTED_MINUTES}m");
        Some(Obstacle { extent, ..Obstacle::new(reason).remedy(logs) })
    }
}

/// Returns the last minute with a count.
fn last_minute(counts: &[Option<f64>]) -> Option<usize> {
    counts.iter().rposition(|count| count.is_some_and(|count| count > 0.0))
}

fn count_recent(what: &str, counts: &[Option<f64>]) -> String {
    let total = counts.iter().flatten().sum::<f64>();
    format!("; {what} in the last {COUNTED_MINUTES} minutes: {total}")
}

#[cfg(test)]
mod tests {
    use axum::extract::Request;
    use axum::http::StatusCode;

    use super::*;
    use crate::aws::test_server;

    /// Returns the fault of a function of which the last three minutes had these numbers.
    fn fault(throttled: [u32; 3], run: [u32; 3], failed: [u32; 3]) -> Option<Obstacle> {
        let counts = |numbers: [u32; 3]| numbers.map(|number| (number > 0).then_some(number.into())).to_vec();
        let counts =
            InvocationCounts { throttled: counts(throttled), run: counts(run), failed: counts(failed) };
        counts.find_fault("ingest")
    }

    #[test]
    fn a_function_is_throttled_if_it_has_not_run_since_a_throttle() {
        for (throttled, run) in [([2, 1, 0], [1, 0, 0]), ([2, 1, 0], [0, 0, 0])] {
            let Obstacle { reason, extent, remedy } = fault(throttled, run, [0, 0, 0]).unwrap();
            assert_eq!(reason, "Lambda throttles the function ingest: no concurrency is left for it");
            assert_eq!(extent, "; throttled invocations in the last 10 minutes: 3");
            assert_eq!(remedy, Some(add_concurrency()));
        }
        // It may have run after the throttle of the same minute.
        for run in [[0, 1, 0], [0, 0, 1]] {
            assert_eq!(fault([2, 1, 0], run, [0, 0, 0]), None);
        }
        assert_eq!(fault([0, 0, 0], [0, 0, 0], [0, 0, 0]), None);
    }

    #[test]
    fn a_function_fails_if_its_last_run_did() {
        let Obstacle { reason, extent, remedy } = fault([0, 0, 0], [1, 1, 0], [1, 1, 0]).unwrap();
        assert_eq!(reason, "the last run of the function ingest ended with an error");
        assert_eq!(extent, "; failed runs in the last 10 minutes: 2");
        assert_eq!(remedy.as_deref(), Some("restctl logs ingest --since 10m"));
        assert_eq!(fault([0, 0, 0], [1, 0, 1], [1, 0, 0]), None, "it has recovered");
        assert_eq!(fault([0, 0, 0], [0, 2, 0], [0, 1, 0]), None, "one of two runs went well");
    }

    /// Returns the fault of a function whose live version is in this state. Its metrics are denied.
    async fn fault_in_state(state: &'static str) -> Option<Obstacle> {
        let aws = test_server::connect(move |request: Request| async move {
            let answer = match request.uri().path() {
                path if path.ends_with("/concurrency") => "{}".to_owned(),
                path if path.ends_with("/configuration") => {
                    format!(r#"{{"State":"{state}","StateReason":"the key was deleted"}}"#)
                }
                _ => return (StatusCode::FORBIDDEN, String::new()),
            };
            (StatusCode::OK, answer)
        })
        .await;
        IngestFunction { aws: &aws, name: "ingest" }.find_fault().await
    }

    #[tokio::test]
    async fn a_function_that_lambda_cannot_run_is_named() {
        let failed = fault_in_state("Failed").await.unwrap();
        assert!(failed.reason.ends_with("of the function ingest: the key was deleted"), "{}", failed.reason);
        assert_eq!(failed.remedy.as_deref(), Some("fix what it names, then: restctl deploy"));
        for state in ["Pending", "Inactive"] {
            let preparing = fault_in_state(state).await.unwrap();
            assert!(preparing.reason.starts_with("Lambda is preparing the live version"), "{state}");
            assert_eq!(preparing.remedy, None);
        }
        assert_eq!(fault_in_state("Active").await, None);
    }
}
