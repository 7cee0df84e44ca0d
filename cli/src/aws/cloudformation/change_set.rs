//! AWS CloudFormation change sets: what a deployment will do, seen before it is done.

mod change;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_cloudformation::types::{
    Capability, ChangeSetStatus, ChangeSetType, EventFilter, Parameter, Tag,
};
use restctl_contract::stack::StackName;

pub(crate) use change::Change;

use super::Stack;
use crate::aws::error::AwsContext;
use crate::aws::{Aws, cloudformation, known_failures};
use crate::failure::{Failure, Result};

/// A change set that has changes.
pub(crate) struct ChangeSet {
    id: String,
    pub(crate) stack: Stack,
    came_with_stack: bool,
    pub(crate) changes: Vec<Change>,
}

/// What a stack is to be.
pub(crate) struct Desired<'a> {
    /// At most 51,200 bytes (CreateChangeSet, `TemplateBody`).
    pub(crate) template: &'a str,
    pub(crate) parameters: &'a [(&'static str, String)],
    /// CloudFormation passes them on to each resource that can bear tags.
    pub(crate) tags: &'a [(String, String)],
}

/// Makes a change set; none where nothing would change.
pub(crate) async fn create(
    aws: &Aws,
    name: &StackName,
    existing: Option<&Stack>,
    desired: Desired<'_>,
) -> Result<Option<ChangeSet>> {
    let new = existing.is_none_or(Stack::is_in_review);
    let parameters = desired.parameters.iter();
    let parameters = parameters
        .map(|(key, value)| Parameter::builder().parameter_key(*key).parameter_value(value).build())
        .collect();
    let tags = desired.tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let request = aws
        .cloudformation
        .create_change_set()
        .stack_name(name.as_str())
        .change_set_name(format!("restctl-{}", since_epoch.as_millis()))
        .change_set_type(if new { ChangeSetType::Create } else { ChangeSetType::Update })
        .template_body(desired.template)
        .set_parameters(Some(parameters))
        .set_tags(Some(tags.collect()))
        .capabilities(Capability::CapabilityIam);
    let made = request.send().await.aws_context("make a change set")?;
    let id = made.id.ok_or_else(|| Failure::new("CloudFormation names no change set"))?;
    let changes = match wait_for_changes(aws, &id).await {
        Ok(Some(changes)) => changes,
        nothing_to_execute => {
            let deleted = undo(aws, &id, made.stack_id.filter(|_| existing.is_none())).await;
            // Why there is nothing to execute comes first.
            nothing_to_execute?;
            deleted?;
            return Ok(None);
        }
    };
    let stack = cloudformation::find_own(aws, name).await?;
    let stack = stack.ok_or_else(|| Failure::new(format!("the stack {name} has gone meanwhile")))?;
    Ok(Some(ChangeSet { id, stack, came_with_stack: existing.is_none(), changes }))
}

pub(crate) async fn execute(aws: &Aws, change_set: &ChangeSet) -> Result<()> {
    let request = aws.cloudformation.execute_change_set().change_set_name(&change_set.id);
    request.send().await.aws_context("execute the change set")?;
    Ok(())
}

/// Makes as if it had never been made.
pub(crate) async fn discard(aws: &Aws, change_set: &ChangeSet) -> Result<()> {
    let ChangeSet { id, stack, came_with_stack, .. } = change_set;
    undo(aws, id, came_with_stack.then(|| stack.id.clone())).await
}

/// Removes a change set, and the stack that was made with it: nothing is in it yet.
async fn undo(aws: &Aws, id: &str, stack: Option<String>) -> Result<()> {
    if let Some(stack) = stack {
        let request = aws.cloudformation.delete_stack().stack_name(stack);
        request.send().await.aws_context("delete the empty stack of the change set")?;
    } else {
        let request = aws.cloudformation.delete_change_set().change_set_name(id);
        request.send().await.aws_context("delete the change set")?;
    }
    Ok(())
}

async fn wait_for_changes(aws: &Aws, id: &str) -> Result<Option<Vec<Change>>> {
    let mut pause = Duration::from_millis(200);
    let mut changes = Vec::new();
    let mut next_page = None;
    loop {
        let request =
            aws.cloudformation.describe_change_set().change_set_name(id).set_next_token(next_page.clone());
        let page = request.send().await.aws_context("describe the change set")?;
        let reason = page.status_reason().unwrap_or("no reason given");
        match page.status() {
            Some(ChangeSetStatus::CreateComplete) => {
                next_page = page.next_token.clone();
                let found = page.changes.unwrap_or_default().into_iter();
                changes.extend(found.filter_map(|change| change.resource_change).map(Change::new));
                if next_page.is_none() {
                    // Without a resource it may still change outputs. An emulator also completes one that changes
                    // nothing at all, where CloudFormation fails it.
                    let is_empty = changes.is_empty() && aws.endpoint_url.is_some();
                    return Ok((!is_empty).then_some(changes));
                }
            }
            Some(ChangeSetStatus::Failed) if is_empty(reason) => return Ok(None),
            Some(ChangeSetStatus::Failed) => return Err(refusal(aws, id, reason).await),
            _ => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(2));
            }
        }
    }
}

/// What CloudFormation validates early fails the change set, whose own reason only says where to read more.
async fn refusal(aws: &Aws, id: &str, reason: &str) -> Failure {
    let filter = EventFilter::builder().failed_events(true).build();
    let events = aws.cloudformation.describe_events().change_set_name(id).filters(filter).send().await;
    // Who may not read them has the reason alone.
    let events = events.ok().and_then(|events| events.operation_events).unwrap_or_default();
    let mut why = vec![reason.to_owned()];
    why.extend(events.iter().filter_map(|event| {
        let said = event.validation_status_reason().or(event.resource_status_reason())?;
        Some(format!("{}: {said}", event.logical_resource_id().unwrap_or("the template")))
    }));
    let why = why.join("\n");
    let refused = Failure::new("CloudFormation refuses the change, and nothing was changed");
    let next = known_failures::advice("", &why)
        .unwrap_or_else(|| "leave out the option that it speaks of, then the same command again".to_owned());
    refused.why(why).next(next)
}

/// A change set without changes fails, and only its reason tells.
fn is_empty(reason: &str) -> bool {
    reason.contains("didn't contain changes") || reason.contains("No updates are to be performed")
}
