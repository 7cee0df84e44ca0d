//! AWS CloudFormation: the stack, its outputs and its events.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::types::{ResourceStatus, StackEvent, StackStatus};
use restctl_contract::stack::StackName;

use super::Aws;
use super::call::Called;
use crate::failure::{Exit, Failure, Result};
use crate::output;

pub(crate) struct Stack {
    pub(crate) id: String,
    pub(crate) status: StackStatus,
    parameters: HashMap<String, String>,
    outputs: HashMap<String, String>,
    resolved: HashMap<String, String>,
}

impl Stack {
    /// A change set was made for it and never executed: there is nothing in it yet.
    pub(crate) fn is_in_review(&self) -> bool {
        self.status == StackStatus::ReviewInProgress
    }

    /// The value that a parameter of `contract::template::parameter` was deployed with; none where the template
    /// did not have it then.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// An output by its name in `contract::template::output`.
    pub(crate) fn output(&self, name: &str) -> Result<&str> {
        self.outputs.get(name).map(String::as_str).ok_or_else(|| {
            Failure::new(format!("the stack has no output {name}"))
                .why("it was deployed by another version of restctl, or its deployment did not end well")
                .next("restctl deploy")
        })
    }

    /// The value that a parameter read from Systems Manager had at the last deployment, by the parameter's name in
    /// `contract::template::parameter`; none where the service does not tell.
    pub(crate) fn resolved(&self, name: &str) -> Option<&str> {
        self.resolved.get(name).map(String::as_str)
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
    Ok(answer.stacks.unwrap_or_default().into_iter().next().map(read))
}

fn read(stack: aws_sdk_cloudformation::types::Stack) -> Stack {
    let parameters = stack.parameters.unwrap_or_default();
    let outputs = stack.outputs.unwrap_or_default().into_iter();
    let resolved = parameters.iter().cloned();
    Stack {
        id: stack.stack_id.unwrap_or_default(),
        status: stack.stack_status.unwrap_or(StackStatus::from("UNKNOWN")),
        resolved: resolved.filter_map(|each| each.parameter_key.zip(each.resolved_value)).collect(),
        parameters: parameters
            .into_iter()
            .filter_map(|each| each.parameter_key.zip(each.parameter_value))
            .collect(),
        outputs: outputs.filter_map(|output| output.output_key.zip(output.output_value)).collect(),
    }
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
    let ended = events.follow(aws).await?;
    if ended == ResourceStatus::DeleteComplete {
        Ok(())
    } else {
        Err(events.failure("the stack could not be deleted", &ended))
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
        let request = aws.cloudformation.describe_stack_events().stack_name(&stack.id);
        let newest = request.send().await.called("read the stack's events")?.stack_events.unwrap_or_default();
        let seen = newest.into_iter().filter_map(|event| event.event_id).collect();
        Ok(Self { stack_id: stack.id.clone(), seen, first_failure: None })
    }

    /// Says each resource that is done, until the operation ends; answers the state in which the stack is then.
    ///
    /// The stack's own events tell the end: for a moment after an operation was begun, the stack is still
    /// described as before.
    pub(crate) async fn follow(&mut self, aws: &Aws) -> Result<ResourceStatus> {
        let progress = output::spinner("CloudFormation");
        let mut pause = Duration::from_millis(200);
        loop {
            for event in self.fetch_new(aws).await? {
                let Some(status) = event.resource_status().cloned() else { continue };
                let resource = event.logical_resource_id().unwrap_or_default();
                progress.set_message(format!("{} {resource}", status.as_str()));
                if has_ended(&status) {
                    let kind = event.resource_type().unwrap_or_default();
                    progress
                        .suspend(|| output::say(&format!("  {:<16} {resource} ({kind})", status.as_str())));
                }
                if has_ended(&status) && self.is_of_stack(&event) {
                    progress.finish_and_clear();
                    return Ok(status);
                }
                self.note_failure(event);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    /// The first resource that failed and its reason, in the service's words.
    pub(crate) fn failure(&self, what: &str, ended: &ResourceStatus) -> Failure {
        let failure = Failure::new(format!("{what}: it ended in {}", ended.as_str()));
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

    fn is_of_stack(&self, event: &StackEvent) -> bool {
        event.physical_resource_id() == Some(&self.stack_id)
    }

    fn note_failure(&mut self, event: StackEvent) {
        let failed = event.resource_status().is_some_and(|status| status.as_str().ends_with("_FAILED"));
        let reason = event.resource_status_reason().unwrap_or_default();
        // What was cancelled because something else failed is no cause, nor is the stack itself.
        let is_consequence = reason.contains("cancelled") || self.is_of_stack(&event);
        if failed && !is_consequence && self.first_failure.is_none() {
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

fn has_ended(status: &ResourceStatus) -> bool {
    status.as_str().ends_with("_COMPLETE") || status.as_str().ends_with("_FAILED")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(resource: &str, status: ResourceStatus, reason: &str) -> StackEvent {
        StackEvent::builder()
            .logical_resource_id(resource)
            .physical_resource_id(format!("id of {resource}"))
            .resource_type("AWS::Test::Resource")
            .resource_status(status)
            .resource_status_reason(reason)
            .build()
    }

    #[test]
    fn the_first_cause_is_named_and_not_what_followed_from_it() {
        let mut events =
            Events { stack_id: "id of restctl".to_owned(), seen: HashSet::new(), first_failure: None };
        for event in [
            event("restctl", ResourceStatus::CreateInProgress, "User Initiated"),
            event("Vpc", ResourceStatus::CreateFailed, "Resource creation cancelled"),
            event("HttpsListener", ResourceStatus::CreateFailed, "Certificate ARN is not valid"),
            event("ItemsTable", ResourceStatus::CreateFailed, "Something later"),
            event("restctl", ResourceStatus::RollbackFailed, "The following resource(s) failed"),
        ] {
            events.note_failure(event);
        }
        let failure = events.failure("the deployment failed", &ResourceStatus::RollbackComplete).to_string();
        assert!(failure.contains("it ended in ROLLBACK_COMPLETE"), "{failure}");
        assert!(
            failure.contains("HttpsListener (AWS::Test::Resource): Certificate ARN is not valid"),
            "{failure}"
        );
    }
}
