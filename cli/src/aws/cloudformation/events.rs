//! AWS CloudFormation: the events of one operation on a stack.

use std::collections::HashSet;
use std::pin::pin;
use std::time::Duration;

use aws_sdk_cloudformation::types::{ResourceStatus, StackEvent};
use serde_json::{Value, json};

use super::Stack;
use crate::aws::error::AwsContext;
use crate::aws::{Aws, cloudformation};
use crate::deployment::progress::Progress;
use crate::deployment::root_cause::RootCause;
use crate::failure::{Failure, Result};
use crate::terminal::interrupt::{self, InterruptChoice};
use crate::terminal::ndjson::NdjsonReport;
use crate::terminal::output;
use crate::timestamp;

/// The longest pause between two looks: events come every few seconds, and the service throttles who looks more often.
const MAX_PAUSE: Duration = Duration::from_secs(4);

/// What CloudFormation was told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Update,
    Delete,
    /// An update back, which cannot be cancelled.
    RollBack,
}

/// Something happened to a resource, or to the stack itself.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// RFC 3339.
    pub(crate) time: Option<String>,
    /// The name in the template.
    pub(crate) resource: String,
    /// Such as `AWS::S3::Bucket`.
    pub(crate) kind: String,
    /// Its physical id, once it has one.
    pub(crate) id: Option<String>,
    pub(crate) status: ResourceStatus,
    /// In the service's words.
    pub(crate) reason: Option<String>,
}

impl Event {
    fn read(event: StackEvent) -> Option<Self> {
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

    pub(crate) fn is_of(&self, stack_id: &str) -> bool {
        self.id.as_deref() == Some(stack_id)
    }

    /// For programs.
    fn json(&self) -> Value {
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

/// The events of one operation on a stack.
pub(crate) struct Events {
    stack_id: String,
    operation: Operation,
    seen: HashSet<String>,
    /// Oldest first.
    history: Vec<Event>,
}

impl Events {
    /// Leaves out all that has happened until now.
    pub(crate) async fn since_now(aws: &Aws, stack: &Stack, operation: Operation) -> Result<Self> {
        let request = aws.cloudformation.describe_stack_events().stack_name(&stack.id);
        let newest =
            request.send().await.aws_context("read the stack's events")?.stack_events.unwrap_or_default();
        let seen = newest.into_iter().filter_map(|event| event.event_id).collect();
        Ok(Self { stack_id: stack.id.clone(), operation, seen, history: Vec::new() })
    }

    /// Shows each resource, until the operation ends; answers the state in which the stack is then.
    ///
    /// The stack's own events tell the end: for a moment after an operation was begun, the stack is still described as
    /// before. After an update, CloudFormation removes what was replaced, which ends with an event of its own.
    ///
    /// Ctrl-C stops nothing in CloudFormation by itself: it asks what is to be done.
    pub(crate) async fn follow(&mut self, aws: &Aws, report: &NdjsonReport) -> Result<ResourceStatus> {
        let progress = Progress::new();
        // Once waited for, it also hears of a Ctrl-C that comes while something else is awaited.
        let mut interrupted = pin!(interrupt::signal());
        let mut pause = Duration::from_millis(200);
        loop {
            let news = self.fetch_new(aws).await;
            // Who cannot see it any more is told that it goes on.
            for event in news.map_err(|failure| failure.then(interrupt::after(self.operation)))? {
                report.line("resource", &event.json())?;
                progress.show(&event);
                let is_end = event.has_ended() && event.is_of(&self.stack_id);
                let status = event.status.clone();
                self.history.push(event);
                if is_end {
                    return Ok(status);
                }
            }
            // Somebody else may have deleted it before this began to look.
            if self.operation == Operation::Delete && cloudformation::is_gone(aws, &self.stack_id).await? {
                return Ok(ResourceStatus::DeleteComplete);
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(MAX_PAUSE),
                signal = &mut interrupted => {
                    signal?;
                    interrupted.set(interrupt::signal());
                    let wish = progress.suspend(|| interrupt::ask(self.can_be_cancelled()))?;
                    self.obey(wish, aws).await?;
                }
            }
        }
    }

    /// CancelUpdateStack takes an update alone, until it cleans up or is on its way back.
    fn can_be_cancelled(&self) -> bool {
        let own = self.history.iter().rev().find(|event| event.is_of(&self.stack_id));
        self.operation == Operation::Update
            && own.is_none_or(|event| event.status == ResourceStatus::UpdateInProgress)
    }

    async fn obey(&mut self, wish: InterruptChoice, aws: &Aws) -> Result<()> {
        match wish {
            InterruptChoice::Wait => Ok(()),
            InterruptChoice::Cancel => {
                match cloudformation::cancel_update(aws, &self.stack_id).await {
                    Ok(()) => self.operation = Operation::RollBack,
                    // It was too late for that. The update goes on.
                    Err(refusal) => output::print_failure(&refusal),
                }
                Ok(())
            }
            InterruptChoice::Leave => Err(interrupt::left_alone(self.operation)),
        }
    }

    /// What CloudFormation was to remove and could not: it is no part of the stack any more.
    pub(crate) fn left_behind(&self) -> impl Iterator<Item = &Event> {
        self.history.iter().filter(|event| event.status == ResourceStatus::DeleteFailed)
    }

    /// What failed first and why, and what to do about it.
    pub(crate) fn failure(&self, what: &str, ended: &ResourceStatus) -> Failure {
        RootCause::of(&self.history, &self.stack_id)
            .failure(&format!("{what}: it ended in {}", ended.as_str()))
    }

    /// Events not seen before, oldest first.
    async fn fetch_new(&mut self, aws: &Aws) -> Result<Vec<Event>> {
        let mut new = Vec::new();
        let mut pages =
            aws.cloudformation.describe_stack_events().stack_name(&self.stack_id).into_paginator().send();
        'pages: while let Some(page) = pages.next().await {
            for event in page.aws_context("read the stack's events")?.stack_events.unwrap_or_default() {
                // They come newest first: behind one that was seen, all were.
                if !self.seen.insert(event.event_id().unwrap_or_default().to_owned()) {
                    break 'pages;
                }
                new.extend(Event::read(event));
            }
        }
        new.reverse();
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_is_cancelled_while_it_goes_forward() {
        let event = |id: &str, status: &str| Event {
            time: None,
            resource: "restctl".to_owned(),
            kind: "AWS::CloudFormation::Stack".to_owned(),
            id: Some(id.to_owned()),
            status: ResourceStatus::from(status),
            reason: None,
        };
        let can = |operation, history: &[Event]| {
            let history = history.to_vec();
            let events = Events { stack_id: "it".to_owned(), operation, seen: HashSet::new(), history };
            events.can_be_cancelled()
        };
        let forward = event("it", "UPDATE_IN_PROGRESS");
        assert!(can(Operation::Update, &[]));
        assert!(can(Operation::Update, &[forward.clone(), event("another", "UPDATE_COMPLETE")]));
        for status in ["UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"] {
            assert!(!can(Operation::Update, &[forward.clone(), event("it", status)]), "{status}");
        }
        for operation in [Operation::Create, Operation::Delete, Operation::RollBack] {
            assert!(!can(operation, &[]));
        }
    }
}
