//! AWS CloudFormation: the events of a stack.

use std::collections::HashSet;

use aws_sdk_cloudformation::types::{ResourceStatus, StackEvent};
use serde_json::{Value, json};

use crate::aws::Aws;
use crate::aws::error::AwsContext;
use crate::failure::Result;
use crate::timestamp;

/// A change of state of a resource, or of the stack itself.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// RFC 3339.
    pub(crate) time: Option<String>,
    /// The name in the template.
    pub(crate) resource: String,
    /// Such as `AWS::S3::Bucket`.
    pub(crate) kind: String,
    /// The physical id. `None` until the resource has one.
    pub(crate) id: Option<String>,
    pub(crate) status: ResourceStatus,
    /// In the service's words.
    pub(crate) reason: Option<String>,
}

impl Event {
    fn from_sdk(event: StackEvent) -> Option<Self> {
        Some(Self {
            time: event.timestamp.as_ref().and_then(timestamp::from_sdk),
            resource: event.logical_resource_id?,
            kind: event.resource_type.unwrap_or_default(),
            id: event.physical_resource_id,
            status: event.resource_status?,
            reason: event.resource_status_reason,
        })
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.status.as_str().ends_with("_FAILED")
    }

    pub(crate) fn has_ended(&self) -> bool {
        let status = self.status.as_str();
        self.has_failed() || status.ends_with("_COMPLETE") || status.ends_with("_SKIPPED")
    }

    /// Whether the event is about the stack itself.
    pub(crate) fn is_about_stack(&self, stack_id: &str) -> bool {
        self.id.as_deref() == Some(stack_id)
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

/// The events of a stack. Each is returned once.
pub(crate) struct EventLog {
    stack_id: String,
    seen: HashSet<String>,
}

impl EventLog {
    pub(crate) fn new(stack_id: &str) -> Self {
        Self { stack_id: stack_id.to_owned(), seen: HashSet::new() }
    }

    /// Returns a log that leaves out the events up to now.
    pub(crate) async fn from_now(aws: &Aws, stack_id: &str) -> Result<Self> {
        let request = aws.cloudformation.describe_stack_events().stack_name(stack_id);
        let newest = request.send().await.aws_context("read the stack's events")?.stack_events;
        let seen = newest.unwrap_or_default().into_iter().filter_map(|event| event.event_id).collect();
        Ok(Self { seen, ..Self::new(stack_id) })
    }

    /// Returns the events that were not returned before, oldest first.
    pub(crate) async fn fetch_new(&mut self, aws: &Aws) -> Result<Vec<Event>> {
        let mut new = Vec::new();
        let mut pages =
            aws.cloudformation.describe_stack_events().stack_name(&self.stack_id).into_paginator().send();
        'pages: while let Some(page) = pages.next().await {
            for event in page.aws_context("read the stack's events")?.stack_events.unwrap_or_default() {
                // The newest come first: all events after one that was seen were seen, too.
                if !self.seen.insert(event.event_id().unwrap_or_default().to_owned()) {
                    break 'pages;
                }
                new.extend(Event::from_sdk(event));
            }
        }
        new.reverse();
        Ok(new)
    }
}
