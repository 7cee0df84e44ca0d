//! Why an operation on the stack failed: the first resource that failed, the service's reason, and what to do about known
//! reasons.

use aws_sdk_cloudformation::types::ResourceStatus;

use crate::aws::cloudformation::events::Event;
use crate::failure::Failure;

pub(crate) struct RootCause<'a> {
    first: Option<&'a Event>,
    /// The first failure of the rollback, if that failed too.
    during_rollback: Option<&'a Event>,
    was_cancelled: bool,
}

impl<'a> RootCause<'a> {
    /// Finds the cause in the events of one operation, oldest first.
    pub(crate) fn find(events: &'a [Event], stack_id: &str) -> Self {
        let rollback_start =
            events.iter().position(|event| event.is_about_stack(stack_id) && begins_rollback(&event.status));
        let (before_rollback, rollback) = events.split_at(rollback_start.unwrap_or(events.len()));
        let first = |events: &'a [Event]| events.iter().find(|event| is_cause(event, stack_id));
        let rollback_reason = rollback_start.and_then(|start| events[start].reason.as_deref());
        let forward = first(before_rollback);
        // An operation that only rolls back lists its failures on both sides.
        let is_another = |event: &&Event| forward.is_some_and(|it| it.describe() != event.describe());
        Self {
            // Events may be late: an earlier failure can be listed after the rollback has begun.
            first: forward.or_else(|| first(rollback)),
            during_rollback: first(rollback).filter(is_another),
            // A failed rollback matters more than the cancellation that started it.
            was_cancelled: rollback_reason == Some("User Initiated") && first(rollback).is_none(),
        }
    }

    /// Returns the failure of `what`, with its causes.
    pub(crate) fn to_failure(&self, what: &str) -> Failure {
        let failure = Failure::new(what);
        if self.was_cancelled {
            return failure.why("the update was cancelled").next("restctl deploy, to try again");
        }
        let Some(first) = self.first else {
            return failure
                .why("CloudFormation named no failed resource")
                .next("aws cloudformation describe-stack-events, which lists all events");
        };
        let mut why = vec![first.describe()];
        if let Some(event) = self.during_rollback {
            why.push(format!("and during the rollback: {}", event.describe()));
        }
        // The rollback has to succeed before anything else can be tried.
        match self.during_rollback.into_iter().chain([first]).find_map(Event::advice) {
            Some(advice) => failure.why_lines(why).next(advice),
            None => failure.why_lines(why).next("fix what it names, then run the same command again"),
        }
    }
}

fn begins_rollback(status: &ResourceStatus) -> bool {
    matches!(status.as_str(), "ROLLBACK_IN_PROGRESS" | "UPDATE_ROLLBACK_IN_PROGRESS")
}

/// Whether the event is a failure with a cause of its own: not of the stack, which fails because of its resources, nor of a
/// resource that was cancelled because another one failed.
fn is_cause(event: &Event, stack_id: &str) -> bool {
    let reason = event.reason.as_deref().unwrap_or_default();
    let was_cancelled =
        reason.starts_with("Resource ") && reason.trim_end_matches('.').ends_with(" cancelled");
    event.has_failed() && !was_cancelled && !event.is_about_stack(stack_id)
}

#[cfg(test)]
mod tests;
