//! AWS CloudFormation: the events of a stack. DescribeStackEvents lists the changes of state of all its operations.
//! DescribeEvents lists the events of one operation or change set, with what validations and Hooks found. Emulators and
//! callers may lack it, so nothing depends on it.

mod event;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use aws_sdk_cloudformation::operation::describe_events::builders::DescribeEventsFluentBuilder;
use aws_sdk_cloudformation::types::EventFilter;

pub(crate) use event::Event;

use crate::aws::Aws;
use crate::aws::error::AwsContext;
use crate::failure::Result;

/// The events of a stack. Each is returned once.
pub(crate) struct EventLog {
    stack_id: String,
    seen: HashSet<String>,
    /// The operations that ended before. Their events may be listed late.
    ended: HashSet<String>,
}

impl EventLog {
    pub(crate) fn new(stack_id: &str) -> Self {
        Self { stack_id: stack_id.to_owned(), seen: HashSet::new(), ended: HashSet::new() }
    }

    /// Returns a log that leaves out the events up to now, and later ones of operations that have ended.
    pub(crate) async fn from_now(aws: &Aws, stack_id: &str) -> Result<Self> {
        let mut log = Self::new(stack_id);
        let request = aws.cloudformation.describe_stack_events().stack_name(stack_id);
        let newest = request.send().await.aws_context("read the stack's events")?.stack_events;
        for event in newest.unwrap_or_default() {
            log.seen.extend(event.event_id.clone());
            if let Some(event) = Event::from_stack_event(event)
                && event.has_ended()
                && event.is_about_stack(stack_id)
            {
                log.ended.extend(event.operation);
            }
        }
        Ok(log)
    }

    /// Returns the events that were not returned before, oldest first.
    pub(crate) async fn fetch_new(&mut self, aws: &Aws) -> Result<Vec<Event>> {
        // Only what is returned counts as seen: a later page may fail.
        let (mut new, mut fetched) = (Vec::new(), HashSet::new());
        let mut pages =
            aws.cloudformation.describe_stack_events().stack_name(&self.stack_id).into_paginator().send();
        'pages: while let Some(page) = pages.next().await {
            for event in page.aws_context("read the stack's events")?.stack_events.unwrap_or_default() {
                let id = event.event_id().unwrap_or_default().to_owned();
                // The newest come first: all events after one that was seen were seen, too.
                if self.seen.contains(&id) {
                    break 'pages;
                }
                if fetched.insert(id) {
                    new.extend(Event::from_stack_event(event));
                }
            }
        }
        self.seen.extend(fetched);
        new.retain(|event| !event.operation.as_ref().is_some_and(|id| self.ended.contains(id)));
        new.reverse();
        Ok(new)
    }
}

/// Returns what failed in an operation, oldest first. Nothing if the service or its permissions do not allow it: the events of
/// the stack have most of it.
pub(crate) async fn fetch_failures(aws: &Aws, operation: &str) -> Vec<Event> {
    let filter = EventFilter::builder().failed_events(true).build();
    let request = aws.cloudformation.describe_events().operation_id(operation).filters(filter);
    let mut failures = fetch_all(request).await.unwrap_or_default();
    failures.retain(Event::has_failed);
    failures
}

/// Returns what validations and Hooks found in a change set, oldest first.
pub(crate) async fn fetch_findings(aws: &Aws, change_set: &str) -> Result<Vec<Event>> {
    let mut findings = fetch_all(aws.cloudformation.describe_events().change_set_name(change_set)).await?;
    findings.retain(|event| event.has_failed() || event.is_warning());
    Ok(findings)
}

async fn fetch_all(request: DescribeEventsFluentBuilder) -> Result<Vec<Event>> {
    let mut events = Vec::new();
    let mut pages = request.into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.aws_context("read what CloudFormation found")?;
        events.extend(
            page.operation_events.unwrap_or_default().into_iter().filter_map(Event::from_operation_event),
        );
    }
    // The newest come first.
    events.reverse();
    Ok(events)
}
