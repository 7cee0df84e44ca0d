//! Why an operation on the stack failed: the first resource that failed, its reason in the service's words, and what to
//! do about the reasons that are known.

use aws_sdk_cloudformation::types::ResourceStatus;

use crate::aws::cloudformation::events::Event;
use crate::aws::known_failures;
use crate::failure::Failure;

pub(crate) struct RootCause<'a> {
    first: Option<&'a Event>,
    /// The first failure on the way back, where that failed too.
    on_the_way_back: Option<&'a Event>,
    was_cancelled: bool,
}

impl<'a> RootCause<'a> {
    /// Of the events of one operation, oldest first.
    pub(crate) fn find(events: &'a [Event], stack_id: &str) -> Self {
        let turn = events.iter().position(|event| event.concerns(stack_id) && is_turning_back(&event.status));
        let (there, back) = events.split_at(turn.unwrap_or(events.len()));
        let first = |events: &'a [Event]| events.iter().find(|event| is_cause(event, stack_id));
        let turned = turn.and_then(|turn| events[turn].reason.as_deref());
        Self {
            // An event may be late: what failed before is listed after the stack has turned back.
            first: first(there).or_else(|| first(back)),
            on_the_way_back: first(there).and_then(|_| first(back)),
            // A way back that fails is more to know than that somebody asked for it.
            was_cancelled: turned == Some("User Initiated") && first(back).is_none(),
        }
    }

    /// `what` failed, with all that is known of why.
    pub(crate) fn to_failure(&self, what: &str) -> Failure {
        let failure = Failure::new(what);
        if self.was_cancelled {
            return failure.why("the update was cancelled").next("restctl deploy, when it is to be");
        }
        let Some(first) = self.first else {
            return failure
                .why("CloudFormation named no resource that failed")
                .next("aws cloudformation describe-stack-events, which has all it says");
        };
        let mut why = words(first);
        if let Some(event) = self.on_the_way_back {
            why = format!("{why}\nand on the way back: {}", words(event));
        }
        // The way back has to be free before anything else is tried.
        let mut causes = self.on_the_way_back.into_iter().chain([first]);
        let advice = causes.find_map(|event| {
            known_failures::advice(&event.kind, event.reason.as_deref().unwrap_or_default())
        });
        match advice {
            Some(advice) => failure.why(why).next(advice),
            None => failure.why(why).next("mend what it names, then the same command again"),
        }
    }
}

fn is_turning_back(status: &ResourceStatus) -> bool {
    matches!(status.as_str(), "ROLLBACK_IN_PROGRESS" | "UPDATE_ROLLBACK_IN_PROGRESS")
}

/// Neither the stack, which fails because of its resources, nor what was cancelled because another one had failed.
fn is_cause(event: &Event, stack_id: &str) -> bool {
    let reason = event.reason.as_deref().unwrap_or_default();
    let was_cancelled =
        reason.starts_with("Resource ") && reason.trim_end_matches('.').ends_with(" cancelled");
    event.has_failed() && !was_cancelled && !event.concerns(stack_id)
}

fn words(event: &Event) -> String {
    let reason = event.reason.as_deref().map_or("no reason given", unwrapped);
    format!("{} ({}): {reason}", event.resource, event.kind)
}

/// The service's own words, out of what the handler of the resource puts around them: `Resource handler returned message:
/// "WORDS (Service: …)" (RequestToken: …, HandlerErrorCode: …)`.
fn unwrapped(reason: &str) -> &str {
    let words = reason.strip_prefix("Resource handler returned message: \"").unwrap_or(reason);
    let words = words.split(" (Service: ").next().unwrap_or(words);
    words.split("\" (RequestToken: ").next().unwrap_or(words)
}

#[cfg(test)]
mod tests;
