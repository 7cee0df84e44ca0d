//! AWS CloudFormation change sets: the changes that a deployment will make, before it makes them.

mod change;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_cloudformation::types::{Capability, ChangeSetStatus, ChangeSetType, Parameter, Tag};
use restctl_contract::stack::StackName;

pub(crate) use change::Change;

use super::Stack;
use super::events::{self, Event};
use crate::aws::error::AwsContext;
use crate::aws::{Aws, cloudformation, known_failures};
use crate::failure::{Exit, Failure, Result};

/// A change set with at least one change.
pub(crate) struct ChangeSet {
    id: String,
    pub(crate) stack: Stack,
    /// The change set created the stack, which is empty until the change set is executed.
    created_stack: bool,
    pub(crate) changes: Vec<Change>,
    /// What CloudFormation's early validation found that does not stop the changes.
    pub(crate) warnings: Vec<Event>,
}

/// The desired state of a stack.
pub(crate) struct Desired<'a> {
    /// At most 51,200 bytes (CreateChangeSet, `TemplateBody`).
    pub(crate) template: &'a str,
    pub(crate) parameters: &'a [(&'static str, String)],
    /// CloudFormation adds them to each resource that supports tags.
    pub(crate) tags: &'a [(String, String)],
}

/// Creates a change set. Returns `None` if nothing would change.
pub(crate) async fn create_change_set(
    aws: &Aws,
    name: &StackName,
    existing: Option<&Stack>,
    desired: Desired<'_>,
) -> Result<Option<ChangeSet>> {
    let is_new = existing.is_none_or(Stack::is_in_review);
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
        .change_set_type(if is_new { ChangeSetType::Create } else { ChangeSetType::Update })
        .template_body(desired.template)
        .set_parameters(Some(parameters))
        .set_tags(Some(tags.collect()))
        .capabilities(Capability::CapabilityIam);
    let made = request.send().await.aws_context("create a change set")?;
    let id = made.id.ok_or_else(|| Failure::new("CloudFormation returned no change set id"))?;
    let changes = match wait_for_changes(aws, &id).await {
        Ok(Some(changes)) => changes,
        nothing_to_execute => {
            let deleted =
                delete_change_set_or_stack(aws, &id, made.stack_id.filter(|_| existing.is_none())).await;
            // The reason why there is nothing to execute comes before a failure to clean up.
            nothing_to_execute?;
            deleted?;
            return Ok(None);
        }
    };
    let stack = cloudformation::find_own(aws, name).await?;
    let stack = stack.ok_or_else(|| Failure::new(format!("the stack {name} was deleted in the meantime")))?;
    // Without DescribeEvents there are no warnings, and the changes are the same.
    let warnings = events::fetch_findings(aws, &id).await.unwrap_or_default();
    Ok(Some(ChangeSet { id, stack, created_stack: existing.is_none(), changes, warnings }))
}

pub(crate) async fn execute_change_set(aws: &Aws, change_set: &ChangeSet) -> Result<()> {
    let request = aws.cloudformation.execute_change_set().change_set_name(&change_set.id);
    request.send().await.aws_context("execute the change set")?;
    Ok(())
}

/// Deletes the change set, and the stack if the change set created it.
pub(crate) async fn discard_change_set(aws: &Aws, change_set: &ChangeSet) -> Result<()> {
    let ChangeSet { id, stack, created_stack, .. } = change_set;
    delete_change_set_or_stack(aws, id, created_stack.then(|| stack.id.clone())).await
}

/// Deletes the change set `id`, or else the empty `stack` that was created with it.
async fn delete_change_set_or_stack(aws: &Aws, id: &str, stack: Option<String>) -> Result<()> {
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
                    // A change set without resources may still change outputs. An emulator also completes one that
                    // changes nothing at all; CloudFormation fails it.
                    let is_empty = changes.is_empty() && aws.endpoint_url.is_some();
                    return Ok((!is_empty).then_some(changes));
                }
            }
            Some(ChangeSetStatus::Failed) if has_no_changes(reason) => return Ok(None),
            Some(ChangeSetStatus::Failed) => return Err(find_refusal(aws, id, reason).await),
            _ => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(2));
            }
        }
    }
}

/// Returns why CloudFormation refuses the change. After a failed early validation, the reason of the change set itself only
/// says where to read more.
async fn find_refusal(aws: &Aws, id: &str, reason: &str) -> Failure {
    let refused = Failure::new("CloudFormation refuses the change; nothing was changed");
    let (mut findings, bare_reason) = match events::fetch_findings(aws, id).await {
        Ok(findings) => (findings, vec![reason.to_owned()]),
        Err(denied) if denied.exit == Exit::Authentication => {
            (Vec::new(), vec![reason.to_owned(), denied.to_single_line()])
        }
        // Emulators do not validate early.
        Err(_) => (Vec::new(), vec![reason.to_owned()]),
    };
    findings.retain(Event::has_failed);
    let advice = findings.iter().find_map(Event::advice);
    let next = advice
        .or_else(|| known_failures::find_advice("", &bare_reason.join("\n")))
        .unwrap_or_else(|| "leave out the option that it names, then run the same command again".to_owned());
    let described: Vec<_> = findings.iter().map(Event::describe).collect();
    refused.why_lines(if described.is_empty() { bare_reason } else { described }).next(next)
}

/// Whether a change set failed because it has no changes. Only the text of its reason says so.
fn has_no_changes(reason: &str) -> bool {
    reason.contains("didn't contain changes") || reason.contains("No updates are to be performed")
}
