//! Waiting for a load, which says what keeps the load from making progress.

use std::time::{Duration, Instant};

use restctl_contract::event::VISIBILITY_TIMEOUT;
use restctl_contract::load::{LedgerEntry, LoadState};
use restctl_contract::template::output as stack_output;

use super::load::Load;
use super::obstacle::{Obstacle, ObstacleFinder};
use super::progress::LoadProgress;
use super::state_text::describe_state;
use crate::aws::cloudformation::Stack;
use crate::aws::{Aws, dynamodb};
use crate::cli::wait::WaitDeadline;
use crate::failure::{Failure, Result};
use crate::terminal::interrupt::unless_interrupted;

/// How long to wait for the bucket's event before the load is queued without it: S3 may send none in the first five
/// minutes of a bucket ("Enabling Amazon EventBridge", Amazon S3 User Guide).
const EVENT_PATIENCE: Duration = Duration::from_secs(15);

/// How long to wait for a load that makes no progress, which is longer than the pause before its next attempt. The load itself
/// continues: others may come first.
const PATIENCE: Duration = VISIBILITY_TIMEOUT.saturating_add(Duration::from_secs(5 * 60));

/// How long a load makes no progress before the wait asks why, and how often it asks.
const LOOK_AFTER: Duration = Duration::from_secs(2);
const OBSTACLE_INTERVAL: Duration = Duration::from_secs(15);

/// The wait for one load.
pub(crate) struct LoadWait<'a> {
    pub(crate) aws: &'a Aws,
    pub(crate) stack: &'a Stack,
    pub(crate) load: &'a Load,
    /// The number of rows, if it is known.
    pub(crate) rows: Option<u64>,
    pub(crate) deadline: WaitDeadline,
}

/// How long the load's entry has been the same, and why.
struct Standstill {
    /// Since when the entry has been the same.
    since: Instant,
    obstacle: Option<Obstacle>,
    /// When the obstacle was looked for.
    looked_at: Option<Instant>,
}

impl LoadWait<'_> {
    /// Returns the load's entry when it is settled.
    pub(crate) async fn until_settled(&self) -> Result<LedgerEntry> {
        let id = self.load.id();
        let left = Failure::new(format!("stopped waiting for the load {id}, which continues"))
            .next(format!("restctl loads show {id}"));
        unless_interrupted(left, self.poll_entry()).await
    }

    async fn poll_entry(&self) -> Result<LedgerEntry> {
        let Self { aws, stack, load, deadline, .. } = self;
        let ledger = stack.output(stack_output::LEDGER_TABLE)?;
        let finder = ObstacleFinder::new(aws, stack);
        let mut progress = LoadProgress::new(self.rows);
        let mut pause = Duration::from_millis(100);
        let mut last = None;
        let mut standstill = Standstill::new(aws.clock.now());
        let mut is_queued = false;
        loop {
            let entry = dynamodb::read_ledger_entry(aws, ledger, &load.id()).await?;
            if let Some(settled) = entry.as_ref().filter(|entry| entry.state != LoadState::Loading) {
                progress.update(Some(settled), None);
                return Ok(settled.clone());
            }
            let now = aws.clock.now();
            let reached = entry.as_ref().map(|entry| (entry.progress, entry.attempts, entry.updated.clone()));
            if last != reached {
                (last, standstill) = (reached, Standstill::new(now));
            }
            let idle = now - standstill.since;
            if standstill.is_look_due(now) {
                standstill.obstacle = finder.find_obstacle(&load.id(), entry.as_ref()).await;
                standstill.looked_at = Some(now);
            }
            progress.update(entry.as_ref(), standstill.obstacle.as_ref());
            if entry.is_none() && !is_queued && idle > EVENT_PATIENCE {
                load.queue_if_current(aws, stack).await?;
                (is_queued, standstill.looked_at) = (true, None);
            }
            if deadline.is_over() {
                return Err(self.timeout_failure(entry.as_ref(), standstill.obstacle));
            }
            if idle > PATIENCE {
                return Err(self.stalled_failure(standstill.obstacle));
            }
            aws.clock.sleep(deadline.limit_time(pause)).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    fn timeout_failure(&self, entry: Option<&LedgerEntry>, obstacle: Option<Obstacle>) -> Failure {
        let (id, key) = (self.load.id(), &self.load.key);
        let failure = self.deadline.failure(&format!("the load {id} of {key} continues"));
        let failure = failure.why(describe_state(entry));
        explain_obstacle(failure, obstacle).then(&format!("restctl loads show {id}"))
    }

    fn stalled_failure(&self, obstacle: Option<Obstacle>) -> Failure {
        let id = self.load.id();
        let minutes = PATIENCE.as_secs() / 60;
        let failure = Failure::new(format!("the load {id} has made no progress for {minutes} minutes"))
            .why("it is queued, or it failed and will be retried; the uploaded file is safe in the bucket");
        let next = format!("restctl loads show {id}; to see the loads before it: restctl loads ls");
        explain_obstacle(failure, obstacle).then(&next)
    }
}

impl Standstill {
    fn new(since: Instant) -> Self {
        Self { since, obstacle: None, looked_at: None }
    }

    fn is_look_due(&self, now: Instant) -> bool {
        now - self.since >= LOOK_AFTER && self.looked_at.is_none_or(|at| now - at >= OBSTACLE_INTERVAL)
    }
}

/// Replaces the reason of a failure by a known obstacle.
fn explain_obstacle(failure: Failure, obstacle: Option<Obstacle>) -> Failure {
    match obstacle {
        None => failure,
        Some(Obstacle { reason, extent, remedy: None }) => failure.why(reason + &extent),
        Some(Obstacle { reason, extent, remedy: Some(remedy) }) => failure.why(reason + &extent).next(remedy),
    }
}

#[cfg(test)]
mod tests {
    use axum::extract::Request;

    use super::*;
    use crate::aws::test_server;
    use crate::loads::test_entry::test_stack;

    /// Answers as a cloud without an entry of the load, whose event source mapping is disabled.
    async fn answer_without_entry(request: Request) -> ([(&'static str, &'static str); 1], &'static str) {
        let body = if request.uri().path().contains("/event-source-mappings/") {
            r#"{"State":"Disabled"}"#
        } else if request.headers().contains_key("x-amz-target") {
            "{}"
        } else {
            "<ListStackResourcesResponse><ListStackResourcesResult><StackResourceSummaries><member>\
             <LogicalResourceId>LoadMapping</LogicalResourceId><PhysicalResourceId>m-1</PhysicalResourceId>\
             <ResourceType>AWS::Lambda::EventSourceMapping</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus>\
             </member></StackResourceSummaries></ListStackResourcesResult></ListStackResourcesResponse>"
        };
        ([("x-amz-version-id", "v1")], body)
    }

    #[tokio::test]
    async fn the_failure_of_a_stalled_load_names_what_stalls_it() {
        let (aws, stack) = (test_server::connect(answer_without_entry).await, test_stack());
        let load = Load {
            bucket: "data".to_owned(),
            key: "a.csv".to_owned(),
            version: "v1".to_owned(),
            size: 1,
            uploaded: Some("2026-01-15T09:30:05.000Z".to_owned()),
        };
        let wait =
            LoadWait { aws: &aws, stack: &stack, load: &load, rows: None, deadline: WaitDeadline::NEVER };
        let failure = wait.poll_entry().await.unwrap_err().to_string();
        assert!(failure.contains("no progress for 35 minutes"), "{failure}");
        assert!(failure.contains("the event source mapping m-1 is disabled"), "{failure}");
        assert!(failure.contains("next: aws lambda update-event-source-mapping --uuid m-1"), "{failure}");
    }
}
