//! AWS CloudFormation change sets: the changes that a deployment will make, before it makes them.

mod change;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_cloudformation::types::{
    Capability, ChangeSetStatus, ChangeSetType, ExecutionStatus, Parameter, ResourceToImport, Tag,
};
use restctl_contract::stack::StackName;

pub(crate) use change::Change;

use super::Stack;
use super::another_deployment::{another_deployment_failure, explain_another_deployment};
use super::events::{self, Event};
use crate::aws::error::AwsContext;
use crate::aws::{Aws, cloudformation, known_failures};
use crate::failure::{Failure, Result, unless_stopped};

/// The error codes of a change set that CloudFormation has deleted, or will not execute, because it has executed another one of
/// the same stack ("ExecuteChangeSet", AWS CloudFormation API Reference).
const SUPERSEDED: [&str; 2] = ["ChangeSetNotFound", "InvalidChangeSetStatus"];

/// A change set with at least one change.
pub(crate) struct ChangeSet {
    id: String,
    /// Identifies the requests to create and to execute it: one that is sent twice because its answer was lost counts once.
    token: String,
    pub(crate) stack: Stack,
    /// The change set created the stack, which is empty until the change set is executed.
    created_stack: bool,
    pub(crate) changes: Vec<Change>,
    /// What CloudFormation's early validation found that does not stop the changes, or why that is unknown.
    pub(crate) warnings: Result<Vec<Event>>,
}

/// The desired state of a stack.
pub(crate) struct Desired<'a> {
    /// At most 51,200 bytes (CreateChangeSet, `TemplateBody`).
    pub(crate) template: &'a str,
    pub(crate) parameters: &'a [(&'static str, String)],
    /// CloudFormation adds them to each resource that supports tags.
    pub(crate) tags: &'a [(String, String)],
    /// Existing resources that become part of a new stack, which then consists of nothing else and has neither tags nor
    /// outputs. Empty if the change set imports nothing.
    pub(crate) imports: Vec<ResourceToImport>,
}

/// Creates a change set. Returns `None` if nothing would change. If `stopped` completes first, the change set is deleted, and so
/// is the empty stack that it created. The request itself is not cut off: its change set would stay.
pub(crate) async fn create_change_set(
    aws: &Aws,
    name: &StackName,
    existing: Option<&Stack>,
    desired: Desired<'_>,
    stopped: impl Future<Output = Result<()>>,
) -> Result<Option<ChangeSet>> {
    let kind = match existing {
        _ if !desired.imports.is_empty() => ChangeSetType::Import,
        Some(stack) if !stack.is_in_review() => ChangeSetType::Update,
        _ => ChangeSetType::Create,
    };
    let parameters = desired.parameters.iter();
    let parameters = parameters
        .map(|(key, value)| Parameter::builder().parameter_key(*key).parameter_value(value).build())
        .collect();
    let tags = desired.tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
    // An import cannot set them: "As part of the import operation, you cannot modify or add [Tags]".
    let tags = Some(tags.collect()).filter(|tags: &Vec<_>| !tags.is_empty());
    // Two deployments may make change sets of one stack at once, which must not share a name.
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let token = format!("restctl-{}", since_epoch.as_nanos());
    let request = aws
        .cloudformation
        .create_change_set()
        .stack_name(name.as_str())
        .change_set_name(&token)
        .client_token(&token)
        .change_set_type(kind)
        .template_body(desired.template)
        .set_parameters(Some(parameters))
        .set_tags(tags)
        .set_resources_to_import(Some(desired.imports).filter(|imports| !imports.is_empty()))
        .capabilities(Capability::CapabilityIam);
    let made = match request.send().await.aws_context("create a change set") {
        Ok(made) => made,
        Err(refusal) => return Err(explain_refusal(aws, name, existing, refusal).await),
    };
    let id = made.id.ok_or_else(|| Failure::new("CloudFormation returned no change set id"))?;
    let created_stack = made.stack_id.filter(|_| existing.is_none());
    let described = Box::pin(async {
        let Some(changes) = wait_for_changes(aws, name, &id).await? else { return Ok(None) };
        let stack = cloudformation::find_own(aws, name).await?;
        // Emulators do not validate early.
        let warnings = match events::fetch_findings(aws, &id).await {
            Err(_) if aws.endpoint_url.is_some() => Ok(Vec::new()),
            warnings => warnings,
        };
        Ok(Some((changes, stack, warnings)))
    });
    match unless_stopped(stopped, Failure::interrupted(), described).await {
        Ok(Some((changes, Some(stack), warnings))) if is_as_read(existing, Some(&stack)) => {
            Ok(Some(ChangeSet { id, token, stack, created_stack: existing.is_none(), changes, warnings }))
        }
        // The change set would undo what the other deployment did: options that were left out have the values that were read.
        Ok(Some((_, now, _))) => {
            // When CloudFormation executes a change set, it deletes the others itself.
            if now.as_ref().is_some_and(|stack| !stack.is_busy()) {
                delete_change_set_or_stack(aws, &id, None).await?;
            }
            Err(another_deployment_failure(name, now.as_ref()))
        }
        nothing_to_execute => {
            let deleted = delete_change_set_or_stack(aws, &id, created_stack.as_deref()).await;
            // The reason why there is nothing to execute comes before a failure to clean up.
            nothing_to_execute?;
            deleted?;
            Ok(None)
        }
    }
}

/// Executes the change set. Fails if another deployment of the stack `name` has come first.
pub(crate) async fn execute_change_set(aws: &Aws, name: &StackName, change_set: &ChangeSet) -> Result<()> {
    let ChangeSet { id, token, stack, .. } = change_set;
    let request = aws.cloudformation.execute_change_set().change_set_name(id).client_request_token(token);
    let answer = request.send().await;
    let code = answer.error_code().unwrap_or_default();
    if code == "TokenAlreadyExistsException" {
        return Ok(());
    }
    if SUPERSEDED.contains(&code) {
        return match is_executed(aws, id).await? {
            true => Ok(()),
            false => Err(explain_another_deployment(aws, name).await),
        };
    }
    match answer.aws_context("execute the change set") {
        Ok(_) => Ok(()),
        Err(refusal) => Err(explain_refusal(aws, name, Some(stack), refusal).await),
    }
}

/// Whether an earlier attempt, whose answer was lost, has executed the change set.
async fn is_executed(aws: &Aws, id: &str) -> Result<bool> {
    use ExecutionStatus::{ExecuteComplete, ExecuteFailed, ExecuteInProgress};
    let answer = aws.cloudformation.describe_change_set().change_set_name(id).send().await;
    if answer.error_code().is_some_and(|code| SUPERSEDED.contains(&code)) {
        return Ok(false);
    }
    let status = answer.aws_context("describe the change set")?.execution_status;
    Ok(matches!(status, Some(ExecuteInProgress | ExecuteComplete | ExecuteFailed)))
}

/// Returns why CloudFormation refused a request: another deployment came first if the stack is not as it was `read`.
async fn explain_refusal(aws: &Aws, name: &StackName, read: Option<&Stack>, refusal: Failure) -> Failure {
    match cloudformation::find_own(aws, name).await {
        Ok(now) if !is_as_read(read, now.as_ref()) => another_deployment_failure(name, now.as_ref()),
        _ => refusal,
    }
}

/// Whether the stack is still the one that the deployment started from. A change set creates a stack that did not exist.
fn is_as_read(read: Option<&Stack>, now: Option<&Stack>) -> bool {
    match (read, now) {
        (Some(read), Some(now)) => !now.has_changed_since(read),
        (Some(_), None) => false,
        (None, now) => now.is_none_or(Stack::is_in_review),
    }
}

/// Deletes the change set, and the stack if the change set created it.
pub(crate) async fn discard_change_set(aws: &Aws, change_set: &ChangeSet) -> Result<()> {
    let ChangeSet { id, stack, created_stack, .. } = change_set;
    delete_change_set_or_stack(aws, id, created_stack.then_some(stack.id.as_str())).await
}

/// Deletes the change set `id`, or else the empty `stack` that was created with it.
async fn delete_change_set_or_stack(aws: &Aws, id: &str, stack: Option<&str>) -> Result<()> {
    if let Some(stack) = stack {
        return cloudformation::delete_empty_stack(aws, stack).await;
    }
    let answer = aws.cloudformation.delete_change_set().change_set_name(id).send().await;
    // With the change set of another deployment, CloudFormation deletes this one.
    if !answer.error_code().is_some_and(|code| SUPERSEDED.contains(&code)) {
        answer.aws_context("delete the change set")?;
    }
    Ok(())
}

async fn wait_for_changes(aws: &Aws, name: &StackName, id: &str) -> Result<Option<Vec<Change>>> {
    let mut pause = Duration::from_millis(200);
    let mut changes = Vec::new();
    let mut next_page = None;
    loop {
        let request =
            aws.cloudformation.describe_change_set().change_set_name(id).set_next_token(next_page.clone());
        let answer = request.send().await;
        if answer.error_code().is_some_and(|code| SUPERSEDED.contains(&code)) {
            return Err(explain_another_deployment(aws, name).await);
        }
        let page = answer.aws_context("describe the change set")?;
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
                aws.clock.sleep(pause).await;
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
        Err(denied) if denied.is_denied() => (Vec::new(), vec![reason.to_owned(), denied.to_single_line()]),
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
