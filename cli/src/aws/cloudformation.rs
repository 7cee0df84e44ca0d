//! AWS CloudFormation: the stack, its parameters, outputs and resources.

mod another_deployment;
pub(crate) mod change_set;
pub(crate) mod drift;
pub(crate) mod events;

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::types::{ResourceStatus, StackDriftStatus, StackStatus};
use restctl_contract::key::Key;
use restctl_contract::stack::{STACK_TAG, StackName};
use restctl_contract::template::{output as stack_output, parameter};
use serde::Serialize;

pub(crate) use self::another_deployment::{check_unchanged, find_idle};
use super::Aws;
use super::error::AwsContext;
use crate::failure::{Exit, Failure, Result};
use crate::timestamp;

/// An empty stack is gone after some seconds.
const EMPTY_STACK_PATIENCE: Duration = Duration::from_secs(120);

const PAUSE: Duration = Duration::from_secs(1);

pub(crate) struct Stack {
    pub(crate) id: String,
    pub(crate) status: StackStatus,
    /// When its last update began, or else its creation, in RFC 3339.
    pub(crate) changed: Option<String>,
    /// The stack cannot be deleted until this is off.
    pub(crate) has_termination_protection: bool,
    pub(crate) tags: Vec<(String, String)>,
    parameters: HashMap<String, String>,
    outputs: HashMap<String, String>,
    resolved: HashMap<String, String>,
    /// CloudFormation's last comparison of the whole stack with its template, if there was one.
    pub(crate) last_comparison: Option<StackComparison>,
}

#[derive(Debug, Serialize)]
pub(crate) struct StackComparison {
    /// `IN_SYNC` or `DRIFTED`.
    pub(crate) status: String,
    /// When it began, or when that of a single resource began since then, in RFC 3339.
    pub(crate) time: String,
}

impl Stack {
    /// Whether the stack was made with a change set that was never executed. Such a stack is empty.
    pub(crate) fn is_in_review(&self) -> bool {
        self.status == StackStatus::ReviewInProgress
    }

    /// Returns the name of the stack, which its id contains.
    pub(crate) fn name(&self) -> &str {
        self.id.split('/').nth(1).unwrap_or_default()
    }

    /// Returns the ARN of something else in the stack's account and region, such as `events` `rule/NAME`.
    pub(crate) fn arn_beside(&self, service: &str, resource: &str) -> String {
        let part = |place| self.id.split(':').nth(place).unwrap_or_default();
        format!("arn:{}:{service}:{}:{}:{resource}", part(1), part(3), self.account())
    }

    /// Returns the account that the stack is in, 12 digits: its id is an ARN.
    pub(crate) fn account(&self) -> &str {
        self.id.split(':').nth(4).unwrap_or_default()
    }

    /// Returns the value of a parameter of `contract::template::parameter` at the last deployment. `None` if the template did
    /// not have it then.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// Whether an operation on the stack is in progress.
    pub(crate) fn is_busy(&self) -> bool {
        self.status.as_str().ends_with("_IN_PROGRESS") && !self.is_in_review()
    }

    /// Whether an operation on the stack is in progress, or has begun since `earlier` was read.
    pub(crate) fn has_changed_since(&self, earlier: &Stack) -> bool {
        self.is_busy() || (&self.id, &self.changed) != (&earlier.id, &earlier.changed)
    }

    /// Whether nothing has happened to the stack since `earlier` was read, as far as DescribeStacks shows.
    fn is_same_as(&self, earlier: &Stack) -> bool {
        (&self.id, &self.status, &self.changed) == (&earlier.id, &earlier.status, &earlier.changed)
    }

    /// Whether the stack is being deleted, and restctl never deployed it: it is empty, or of another tool. A deleted stack has
    /// neither tags nor parameters if it was only reviewed.
    fn frees_its_name(&self) -> bool {
        self.status == StackStatus::DeleteInProgress && !self.is_own()
    }

    /// Whether restctl made the stack: it has the tag, or it was deployed by a version that did not set the tag yet. An empty
    /// stack may still become restctl's.
    fn is_own(&self) -> bool {
        self.is_in_review() || self.is_deployed_by_restctl()
    }

    fn is_deployed_by_restctl(&self) -> bool {
        self.is_tagged() || self.parameter(parameter::ARTIFACT_BUCKET).is_some()
    }

    /// Whether the tables and the data bucket outlive the stack. Those of a stack with the tag do, and an empty one has none. A
    /// stack that was imported has no tag before its first update, but a parameter that no earlier template had.
    pub(crate) fn keeps_data(&self) -> bool {
        self.is_tagged() || self.is_in_review() || self.parameter(parameter::KEEP_VERSIONS).is_some()
    }

    /// Whether the stack consists of adopted data and nothing else, unless it is being updated: the deployment that adopted it
    /// was not completed. An update follows a creation, which leaves outputs, or an import, which cannot.
    pub(crate) fn has_only_adopted_data(&self) -> bool {
        let is_imported = self.status == StackStatus::ImportComplete;
        self.outputs.is_empty() && (is_imported || self.status.as_str().starts_with("UPDATE_"))
    }

    /// Whether nothing is left of an import into a new stack.
    pub(crate) fn is_failed_import(&self) -> bool {
        use StackStatus::{ImportRollbackComplete, ImportRollbackFailed};
        self.outputs.is_empty() && matches!(self.status, ImportRollbackComplete | ImportRollbackFailed)
    }

    fn is_tagged(&self) -> bool {
        self.tags.iter().any(|(key, _)| key == STACK_TAG)
    }

    /// Returns an output by its name in `contract::template::output`.
    pub(crate) fn output(&self, name: &str) -> Result<&str> {
        self.outputs.get(name).map(String::as_str).ok_or_else(|| {
            Failure::new(format!("the stack has no output {name}"))
                .why("it was deployed by another version of restctl, or its deployment failed")
                .next("restctl deploy")
        })
    }

    pub(crate) fn key(&self) -> Result<Key> {
        let kind = self.output(stack_output::KEY_TYPE)?.parse();
        let kind = kind.map_err(|why: String| Failure::new("cannot use the stack's key").why(why))?;
        Ok(Key { name: self.output(stack_output::KEY_NAME)?.to_owned(), kind })
    }

    /// Returns the value that a parameter read from Systems Manager at the last deployment, by its name in
    /// `contract::template::parameter`. `None` if the service does not return it.
    pub(crate) fn resolved_parameter(&self, name: &str) -> Option<&str> {
        self.resolved.get(name).map(String::as_str)
    }
}

/// Returns the stack of that name, if there is one. Fails if restctl did not make it. [`wait_until_name_is_free`] waits for one
/// that is being deleted and was not deployed by restctl.
pub(crate) async fn find_own(aws: &Aws, name: &StackName) -> Result<Option<Stack>> {
    match find_stack(aws, name.as_str()).await? {
        Some(stack) if stack.frees_its_name() => Ok(None),
        Some(stack) if !stack.is_own() => Err(Failure::new(format!("{} was not made by restctl", stack.id))
            .exit(Exit::Usage)
            .why("it has neither the tag nor the parameters of restctl's stacks, so it was not changed")
            .next(format!("choose a name other than {name}: --stack NAME"))),
        own => Ok(own),
    }
}

/// Waits while a stack of that name that restctl did not deploy is being deleted, as it is after a dry run. `on_wait` is called
/// if there is one.
pub(crate) async fn wait_until_name_is_free(
    aws: &Aws,
    name: &StackName,
    on_wait: impl FnOnce(),
) -> Result<()> {
    match find_stack(aws, name.as_str()).await? {
        Some(stack) if stack.frees_its_name() => {
            on_wait();
            wait_until_deleted(aws, &stack.id).await
        }
        _ => Ok(()),
    }
}

async fn wait_until_deleted(aws: &Aws, id: &str) -> Result<()> {
    let attempt = async || Ok(is_deleted(aws, id).await?.then_some(()));
    let gone = aws.clock.poll(PAUSE, EMPTY_STACK_PATIENCE, attempt).await?;
    gone.ok_or_else(|| {
        Failure::new(format!("the stack {id} is still being deleted"))
            .why(format!("its deletion has taken more than {} s", EMPTY_STACK_PATIENCE.as_secs()))
            .next("wait until it is gone, then run the same command again")
    })
}

/// Begins to delete a stack that a change set created. Leaves it alone if another deployment has executed a change set of the
/// same stack since: between this look and the deletion, CloudFormation offers no lock.
pub(crate) async fn delete_empty_stack(aws: &Aws, id: &str) -> Result<()> {
    if find_stack(aws, id).await?.is_none_or(|stack| !stack.is_in_review()) {
        return Ok(());
    }
    let request = aws.cloudformation.delete_stack().stack_name(id);
    request.send().await.aws_context("delete the empty stack of the change set")?;
    Ok(())
}

/// Whether a stack that existed is deleted.
pub(crate) async fn is_deleted(aws: &Aws, id: &str) -> Result<bool> {
    Ok(find_stack(aws, id).await?.is_none_or(|stack| stack.status == StackStatus::DeleteComplete))
}

/// Whether a stack that existed is being deleted.
pub(crate) async fn is_being_deleted(aws: &Aws, id: &str) -> Result<bool> {
    Ok(find_stack(aws, id).await?.is_some_and(|stack| stack.status == StackStatus::DeleteInProgress))
}

/// Returns the stack of that name or id, if there is one.
async fn find_stack(aws: &Aws, name: &str) -> Result<Option<Stack>> {
    let answer = aws.cloudformation.describe_stacks().stack_name(name).send().await;
    if let Err(error) = &answer
        && error.code() == Some("ValidationError")
        && error.message().is_some_and(|message| message.contains("does not exist"))
    {
        return Ok(None);
    }
    let answer = answer.aws_context(&format!("describe the stack {name}"))?;
    Ok(answer.stacks.unwrap_or_default().into_iter().next().map(from_sdk))
}

pub(crate) fn from_sdk(stack: aws_sdk_cloudformation::types::Stack) -> Stack {
    let parameters = stack.parameters.unwrap_or_default();
    let outputs = stack.outputs.unwrap_or_default().into_iter();
    let resolved = parameters.iter().cloned();
    let changed = stack.last_updated_time.or(stack.creation_time);
    let compared =
        stack.drift_information.filter(|it| it.stack_drift_status != Some(StackDriftStatus::NotChecked));
    let last_comparison = compared.and_then(|it| {
        let status = it.stack_drift_status?.as_str().to_owned();
        Some(StackComparison { status, time: timestamp::from_sdk(&it.last_check_timestamp?)? })
    });
    Stack {
        id: stack.stack_id.unwrap_or_default(),
        status: stack.stack_status.unwrap_or(StackStatus::from("UNKNOWN")),
        changed: changed.as_ref().and_then(timestamp::from_sdk),
        has_termination_protection: stack.enable_termination_protection.unwrap_or_default(),
        tags: stack.tags.unwrap_or_default().into_iter().filter_map(|tag| tag.key.zip(tag.value)).collect(),
        resolved: resolved.filter_map(|each| each.parameter_key.zip(each.resolved_value)).collect(),
        parameters: parameters
            .into_iter()
            .filter_map(|each| each.parameter_key.zip(each.parameter_value))
            .collect(),
        last_comparison,
        outputs: outputs.filter_map(|output| output.output_key.zip(output.output_value)).collect(),
    }
}

/// Returns the stack. Fails unless a deployment has completed.
pub(crate) async fn find_deployed(aws: &Aws, name: &StackName) -> Result<Stack> {
    let stack = require_deployed(aws, name, find_own(aws, name).await?)?;
    if stack.has_only_adopted_data() {
        return Err(Failure::new(format!(
            "the stack {name} is not ready: it has adopted data, and nothing else yet"
        ))
        .exit(Exit::NotFound)
        .why("the deployment that adopted the data was not completed")
        .next("restctl deploy"));
    }
    Ok(stack)
}

fn require_deployed(aws: &Aws, name: &StackName, found: Option<Stack>) -> Result<Stack> {
    match found {
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
            | ImportComplete
            | ImportRollbackComplete
            | UpdateComplete
            | UpdateCompleteCleanupInProgress
            | UpdateInProgress
            | UpdateRollbackComplete
            | UpdateRollbackCompleteCleanupInProgress
            | UpdateRollbackInProgress
    )
}

/// Returns the stacks of the account and region that restctl deployed.
pub(crate) async fn list_own(aws: &Aws) -> Result<Vec<Stack>> {
    let mut own = Vec::new();
    let mut pages = aws.cloudformation.describe_stacks().into_paginator().send();
    while let Some(page) = pages.next().await {
        let stacks = page.aws_context("list the stacks")?.stacks.unwrap_or_default();
        own.extend(stacks.into_iter().map(from_sdk).filter(Stack::is_deployed_by_restctl));
    }
    Ok(own)
}

/// A resource of a stack.
pub(crate) struct Resource {
    /// Its name in the template.
    pub(crate) name: String,
    /// Such as `AWS::S3::Bucket`.
    pub(crate) kind: String,
    /// Its physical id.
    pub(crate) id: String,
}

impl Resource {
    /// Returns the first resource of this type.
    pub(crate) fn find<'a>(resources: &'a [Self], kind: &str) -> Option<&'a Self> {
        resources.iter().find(|resource| resource.kind == kind)
    }
}

/// Lists the resources of the stack.
pub(crate) async fn list_resources(aws: &Aws, stack: &Stack) -> Result<Vec<Resource>> {
    let mut resources = Vec::new();
    let mut pages = aws.cloudformation.list_stack_resources().stack_name(&stack.id).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.aws_context("list the stack's resources")?;
        let found = page.stack_resource_summaries.unwrap_or_default().into_iter();
        let found = found.filter(|it| it.resource_status() != Some(&ResourceStatus::DeleteComplete));
        resources.extend(found.filter_map(|it| {
            Some(Resource {
                name: it.logical_resource_id?,
                kind: it.resource_type?,
                id: it.physical_resource_id?,
            })
        }));
    }
    Ok(resources)
}

pub(crate) async fn set_termination_protection(aws: &Aws, stack: &Stack, on: bool) -> Result<()> {
    let request = aws.cloudformation.update_termination_protection().stack_name(&stack.id);
    request
        .enable_termination_protection(on)
        .send()
        .await
        .aws_context("change the stack's termination protection")?;
    Ok(())
}

/// Retries the rollback of a failed update.
pub(crate) async fn continue_rollback(aws: &Aws, stack: &Stack) -> Result<()> {
    let request = aws.cloudformation.continue_update_rollback().stack_name(&stack.id);
    request.send().await.aws_context("continue the stack's rollback")?;
    Ok(())
}

/// Cancels the update. CloudFormation rolls the stack back.
pub(crate) async fn cancel_update(aws: &Aws, stack: &str) -> Result<()> {
    aws.cloudformation
        .cancel_update_stack()
        .stack_name(stack)
        .send()
        .await
        .aws_context("cancel the update")?;
    Ok(())
}

/// Begins to delete the stack, and switches termination protection off first if it is on.
pub(crate) async fn begin_deletion(aws: &Aws, stack: &Stack) -> Result<()> {
    if stack.has_termination_protection {
        set_termination_protection(aws, stack, false).await?;
    }
    let begun = aws.cloudformation.delete_stack().stack_name(&stack.id).send().await;
    let Err(failure) = begun.aws_context("delete the stack") else { return Ok(()) };
    let restored = match stack.has_termination_protection {
        true => set_termination_protection(aws, stack, true).await.err(),
        false => None,
    };
    Err(failure.and(restored))
}

#[cfg(test)]
mod tests;
