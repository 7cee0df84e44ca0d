//! AWS CloudFormation: the stack, its outputs and its events.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::types::{StackEvent, StackStatus};
use restctl_contract::stack::StackName;

use super::Aws;
use super::call::Called;
use crate::failure::{Exit, Failure, Result};
use crate::output;

pub(crate) struct Stack {
    pub(crate) id: String,
    pub(crate) status: StackStatus,
    outputs: HashMap<String, String>,
}

impl Stack {
    /// An output by its name in `contract::template::output`.
    pub(crate) fn output(&self, name: &str) -> Result<&str> {
        self.outputs.get(name).map(String::as_str).ok_or_else(|| {
            Failure::new(format!("the stack has no output {name}"))
                .why("it was deployed by another version of restctl, or its deployment did not end well")
                .next("restctl deploy")
        })
    }
}

/// The stack of that name (or id), if there is one.
pub(crate) async fn find(aws: &Aws, name: &str) -> Result<Option<Stack>> {
    let answer = aws.cloudformation.describe_stacks().stack_name(name).send().await;
    if let Err(error) = &answer
        && error.code() == Some("ValidationError")
        && error.message().is_some_and(|message| message.contains("does not exist"))
    {
        return Ok(None);
    }
    let answer = answer.called(&format!("describe the stack {name}"))?;
    Ok(answer.stacks.unwrap_or_default().into_iter().next().map(|stack| Stack {
        id: stack.stack_id.unwrap_or_default(),
        status: stack.stack_status.unwrap_or(StackStatus::from("UNKNOWN")),
        outputs: stack
            .outputs
            .unwrap_or_default()
            .into_iter()
            .filter_map(|output| output.output_key.zip(output.output_value))
            .collect(),
    }))
}

/// The stack, where `deploy` has brought it up.
pub(crate) async fn deployed(aws: &Aws, name: &StackName) -> Result<Stack> {
    match find(aws, name.as_str()).await? {
        Some(stack) if is_up(&stack.status) => Ok(stack),
        Some(stack) => {
            Err(Failure::new(format!("the stack {name} is not ready: it is in {}", stack.status.as_str()))
                .exit(Exit::NotFound)
                .next("restctl deploy"))
        }
        None => Err(Failure::new(format!("there is no stack {name} in {}", aws.region))
            .exit(Exit::NotFound)
            .next("restctl deploy; or name another --stack, --region or --profile")),
    }
}

fn is_up(status: &StackStatus) -> bool {
    use StackStatus::*;
    matches!(
        status,
        CreateComplete
            | UpdateComplete
            | UpdateCompleteCleanupInProgress
            | UpdateInProgress
            | UpdateRollbackComplete
            | UpdateRollbackCompleteCleanupInProgress
            | UpdateRollbackInProgress
    )
}

/// The physical ids of the stack's resources of one type, such as `AWS::S3::Bucket`.
pub(crate) async fn resources(aws: &Aws, stack: &Stack, kind: &str) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    let mut pages = aws.cloudformation.list_stack_resources().stack_name(&stack.id).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.called("list the stack's resources")?;
        let found = page.stack_resource_summaries.unwrap_or_default().into_iter();
        ids.extend(
            found
                .filter(|resource| resource.resource_type() == Some(kind))
                .filter_map(|r| r.physical_resource_id),
        );
    }
    Ok(ids)
}

pub(crate) async fn delete(aws: &Aws, stack: &Stack) -> Result<()> {
    let mut events = Events::since_now(aws, stack).await?;
    aws.cloudformation.delete_stack().stack_name(&stack.id).send().await.called("delete the stack")?;
    match events.follow(aws).await? {
        Some(StackStatus::DeleteComplete) | None => Ok(()),
        Some(status) => Err(events.failure("the stack could not be deleted", &status)),
    }
}

/// The events of one operation on a stack.
pub(crate) struct Events {
    stack_id: String,
    seen: HashSet<String>,
    first_failure: Option<StackEvent>,
}

impl Events {
    /// Leaves out all that has happened until now.
    pub(crate) async fn since_now(aws: &Aws, stack: &Stack) -> Result<Self> {
        let mut events = Self { stack_id: stack.id.clone(), seen: HashSet::new(), first_failure: None };
        events.fetch_new(aws).await?;
        Ok(events)
    }

    /// Says each resource that is done, until the operation ends; answers the state in which it ended, or nothing
    /// where the stack is gone.
    pub(crate) async fn follow(&mut self, aws: &Aws) -> Result<Option<StackStatus>> {
        let progress = output::spinner("CloudFormation");
        let mut pause = Duration::from_millis(200);
        loop {
            let stack = find(aws, &self.stack_id).await?;
            for event in self.fetch_new(aws).await? {
                let status = event.resource_status().map_or("", |status| status.as_str());
                let resource = event.logical_resource_id().unwrap_or_default();
                progress.set_message(format!("{status} {resource}"));
                if status.ends_with("_COMPLETE") || status.ends_with("_FAILED") {
                    let kind = event.resource_type().unwrap_or_default();
                    progress.suspend(|| output::say(&format!("  {status:<16} {resource} ({kind})")));
                }
                self.note_failure(event);
            }
            match stack {
                Some(stack) if stack.status.as_str().ends_with("_IN_PROGRESS") => {}
                ended => {
                    progress.finish_and_clear();
                    return Ok(ended.map(|stack| stack.status));
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    /// The first resource that failed and its reason, in the service's words.
    pub(crate) fn failure(&self, what: &str, status: &StackStatus) -> Failure {
        let failure = Failure::new(format!("{what}: it ended in {}", status.as_str()));
        match &self.first_failure {
            Some(event) => failure.why(format!(
                "{} ({}): {}",
                event.logical_resource_id().unwrap_or_default(),
                event.resource_type().unwrap_or_default(),
                event.resource_status_reason().unwrap_or("no reason given"),
            )),
            None => failure.why("CloudFormation named no resource that failed"),
        }
    }

    fn note_failure(&mut self, event: StackEvent) {
        let failed = event.resource_status().is_some_and(|status| status.as_str().ends_with("_FAILED"));
        let reason = event.resource_status_reason().unwrap_or_default().to_lowercase();
        // What was cancelled because something else failed is no cause, nor is the stack itself.
        let consequence =
            reason.contains("cancelled") || event.physical_resource_id() == Some(&self.stack_id);
        if failed && !consequence && self.first_failure.is_none() {
            self.first_failure = Some(event);
        }
    }

    /// Events not seen before, oldest first.
    async fn fetch_new(&mut self, aws: &Aws) -> Result<Vec<StackEvent>> {
        let mut new = Vec::new();
        let mut pages =
            aws.cloudformation.describe_stack_events().stack_name(&self.stack_id).into_paginator().send();
        'pages: while let Some(page) = pages.next().await {
            for event in page.called("read the stack's events")?.stack_events.unwrap_or_default() {
                // They come newest first: behind one that was seen, all were.
                if !self.seen.insert(event.event_id().unwrap_or_default().to_owned()) {
                    break 'pages;
                }
                new.push(event);
            }
        }
        new.reverse();
        Ok(new)
    }
}
