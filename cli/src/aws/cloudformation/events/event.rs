//! An event, and what it says in either of the two APIs.

use aws_sdk_cloudformation::types::{
    EventType, HookFailureMode, HookStatus, OperationEvent, ResourceStatus, StackEvent, ValidationStatus,
};
use serde_json::{Value, json};

use crate::aws::known_failures;
use crate::timestamp;

/// A change of state of a resource, or of the stack itself; or what a validation or a Hook found.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// RFC 3339.
    pub(crate) time: Option<String>,
    /// The operation that it belongs to. Emulators have none.
    pub(crate) operation: Option<String>,
    /// The name in the template.
    pub(crate) resource: String,
    /// Such as `AWS::S3::Bucket`.
    pub(crate) kind: String,
    /// The physical id. `None` until the resource has one.
    pub(crate) id: Option<String>,
    /// A finding has a status such as `VALIDATION_FAILED`, or `VALIDATION_WARNING` if it stops nothing.
    pub(crate) status: ResourceStatus,
    /// In the service's words.
    pub(crate) reason: Option<String>,
}

impl Event {
    pub(super) fn from_stack_event(event: StackEvent) -> Option<Self> {
        // A Hook that fails says why in an event of its own, which repeats the resource's state.
        let hook_failed =
            matches!(event.hook_status, Some(HookStatus::HookCompleteFailed | HookStatus::HookFailed))
                && event.hook_failure_mode != Some(HookFailureMode::Warn)
                && event.physical_resource_id != event.stack_id;
        let (status, reason) = if hook_failed {
            (ResourceStatus::from("HOOK_FAILED"), prefix_hook(event.hook_type, event.hook_status_reason))
        } else {
            (event.resource_status?, event.resource_status_reason)
        };
        Some(Self {
            time: event.timestamp.as_ref().and_then(timestamp::from_sdk),
            operation: event.operation_id,
            resource: event.logical_resource_id?,
            kind: event.resource_type.unwrap_or_default(),
            id: physical_id(event.physical_resource_id),
            status,
            reason,
        })
    }

    /// Returns `None` if the event is only about the operation, or about a validation that was skipped.
    pub(super) fn from_operation_event(event: OperationEvent) -> Option<Self> {
        let name = |finding: &str, mode: &Option<HookFailureMode>| {
            let outcome = if *mode == Some(HookFailureMode::Warn) { "WARNING" } else { "FAILED" };
            ResourceStatus::from(format!("{finding}_{outcome}").as_str())
        };
        let (status, reason, id) = match event.event_type {
            Some(EventType::ValidationError) => {
                if event.validation_status == Some(ValidationStatus::Skipped) {
                    return None;
                }
                let reason = append_path(event.validation_status_reason, event.validation_path.as_deref());
                (name("VALIDATION", &event.validation_failure_mode), reason, None)
            }
            Some(EventType::HookInvocationError) => {
                let reason = prefix_hook(event.hook_type, event.hook_status_reason);
                (name("HOOK", &event.hook_failure_mode), reason, None)
            }
            // The service names its progress events in a way of its own ("PROGRESS").
            _ => (
                event.resource_status?,
                event.resource_status_reason,
                physical_id(event.physical_resource_id),
            ),
        };
        Some(Self {
            time: event.timestamp.as_ref().and_then(timestamp::from_sdk),
            operation: event.operation_id,
            resource: event.logical_resource_id.unwrap_or_else(|| "the template".to_owned()),
            kind: event.resource_type.unwrap_or_default(),
            id,
            status,
            reason,
        })
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.status.as_str().ends_with("_FAILED")
    }

    /// Whether a validation or a Hook found something that stops nothing.
    pub(super) fn is_warning(&self) -> bool {
        self.status.as_str().ends_with("_WARNING")
    }

    pub(crate) fn has_ended(&self) -> bool {
        let status = self.status.as_str();
        self.has_failed() || status.ends_with("_COMPLETE") || status.ends_with("_SKIPPED")
    }

    /// Whether the event is about the stack itself.
    pub(crate) fn is_about_stack(&self, stack_id: &str) -> bool {
        self.id.as_deref() == Some(stack_id)
    }

    /// Returns the resource, its type and the reason, without what the resource handler adds.
    pub(crate) fn describe(&self) -> String {
        let reason = self.reason.as_deref().map_or("no reason given", unwrap_handler_message);
        if self.kind.is_empty() {
            return format!("{}: {reason}", self.resource);
        }
        format!("{} ({}): {reason}", self.resource, self.kind)
    }

    /// Returns what to do about it, if the reason is known.
    pub(crate) fn advice(&self) -> Option<String> {
        known_failures::find_advice(&self.kind, self.reason.as_deref().unwrap_or_default())
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "time": self.time,
            "resource": self.resource,
            "resource_type": self.kind,
            "physical_id": self.id,
            "status": self.status.as_str(),
            "reason": self.reason,
        })
    }
}

/// Returns the physical id. CloudFormation gives an empty one until the resource has one.
fn physical_id(id: Option<String>) -> Option<String> {
    id.filter(|id| !id.is_empty())
}

/// Adds where in the template the validation found it, unless that is a whole resource.
fn append_path(reason: Option<String>, path: Option<&str>) -> Option<String> {
    let path = path.filter(|path| path.split('/').count() > 3);
    match (reason, path) {
        (Some(reason), Some(path)) => Some(format!("{reason} (at {path})")),
        (reason, path) => reason.or_else(|| path.map(|path| format!("at {path}"))),
    }
}

fn prefix_hook(hook: Option<String>, reason: Option<String>) -> Option<String> {
    let hook = hook.unwrap_or_default();
    Some(format!("found by the Hook {hook}: {}", reason.as_deref().unwrap_or("no reason given")))
}

/// Returns the service's own words, without what the resource handler adds: `Resource handler returned message:
/// "WORDS (Service: …)" (RequestToken: …, HandlerErrorCode: …)`.
fn unwrap_handler_message(reason: &str) -> &str {
    let words = reason.strip_prefix("Resource handler returned message: \"").unwrap_or(reason);
    let words = words.split(" (Service: ").next().unwrap_or(words);
    words.split("\" (RequestToken: ").next().unwrap_or(words)
}
