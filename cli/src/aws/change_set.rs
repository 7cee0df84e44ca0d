//! AWS CloudFormation change sets: what a deployment will do, seen before it is done.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_cloudformation::types::{
    Capability, ChangeAction, ChangeSetStatus, ChangeSetType, Parameter, Replacement, ResourceChange,
};
use restctl_contract::stack::StackName;

use super::Aws;
use super::call::Called;
use super::cloudformation::{self, Stack};
use crate::failure::{Failure, Result};

/// A change set that has changes.
pub(crate) struct ChangeSet {
    id: String,
    pub(crate) stack: Stack,
    pub(crate) changes: Vec<Change>,
}

/// One resource that will be added, changed or removed.
pub(crate) struct Change(ResourceChange);

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, verb) = match self.0.action() {
            Some(ChangeAction::Add) => ('+', "add"),
            Some(ChangeAction::Modify) => ('~', "change"),
            Some(ChangeAction::Remove) => ('-', "remove"),
            _ => ('?', "touch"),
        };
        let resource = self.0.logical_resource_id().unwrap_or_default();
        write!(f, "  {sign} {verb:<6} {resource} ({})", self.0.resource_type().unwrap_or_default())?;
        match self.0.replacement() {
            Some(Replacement::True) => f.write_str(", REPLACED"),
            Some(Replacement::Conditional) => f.write_str(", perhaps REPLACED"),
            _ => Ok(()),
        }
    }
}

/// Makes a change set of the template at `template_url`; none where nothing would change.
pub(crate) async fn create(
    aws: &Aws,
    name: &StackName,
    existing: Option<&Stack>,
    template_url: &str,
    parameters: &[(&str, String)],
) -> Result<Option<ChangeSet>> {
    let new = existing.is_none_or(Stack::is_in_review);
    let parameters = parameters.iter();
    let parameters = parameters
        .map(|(key, value)| Parameter::builder().parameter_key(*key).parameter_value(value).build())
        .collect();
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let request = aws
        .cloudformation
        .create_change_set()
        .stack_name(name.as_str())
        .change_set_name(format!("restctl-{}", since_epoch.as_millis()))
        .change_set_type(if new { ChangeSetType::Create } else { ChangeSetType::Update })
        .template_url(template_url)
        .set_parameters(Some(parameters))
        .capabilities(Capability::CapabilityIam);
    let made = request.send().await.called("make a change set")?;
    let id = made.id.ok_or_else(|| Failure::new("CloudFormation names no change set"))?;
    let changes = match wait_for_changes(aws, &id).await {
        Ok(Some(changes)) => changes,
        nothing_to_execute => {
            let request = aws.cloudformation.delete_change_set().change_set_name(&id);
            let deleted = request.send().await.called("delete the change set");
            // Why there is nothing to execute comes first.
            nothing_to_execute?;
            deleted?;
            return Ok(None);
        }
    };
    let stack = cloudformation::find(aws, name.as_str()).await?;
    let stack = stack.ok_or_else(|| Failure::new(format!("the stack {name} has gone meanwhile")))?;
    Ok(Some(ChangeSet { id, stack, changes }))
}

pub(crate) async fn execute(aws: &Aws, change_set: &ChangeSet) -> Result<()> {
    let request = aws.cloudformation.execute_change_set().change_set_name(&change_set.id);
    request.send().await.called("execute the change set")?;
    Ok(())
}

async fn wait_for_changes(aws: &Aws, id: &str) -> Result<Option<Vec<Change>>> {
    let mut pause = Duration::from_millis(200);
    let mut changes = Vec::new();
    let mut next_page = None;
    loop {
        let request =
            aws.cloudformation.describe_change_set().change_set_name(id).set_next_token(next_page.clone());
        let page = request.send().await.called("describe the change set")?;
        let reason = page.status_reason().unwrap_or("no reason given");
        match page.status() {
            Some(ChangeSetStatus::CreateComplete) => {
                next_page = page.next_token.clone();
                let found = page.changes.unwrap_or_default().into_iter();
                changes.extend(found.filter_map(|change| change.resource_change).map(Change));
                if next_page.is_none() {
                    // An emulator may complete an empty change set, where CloudFormation fails it.
                    return Ok((!changes.is_empty()).then_some(changes));
                }
            }
            Some(ChangeSetStatus::Failed) if is_empty(reason) => return Ok(None),
            Some(ChangeSetStatus::Failed) => {
                return Err(Failure::new("CloudFormation refuses the change").why(reason));
            }
            _ => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(2));
            }
        }
    }
}

/// A change set without changes fails, and only its reason tells.
fn is_empty(reason: &str) -> bool {
    reason.contains("didn't contain changes") || reason.contains("No updates are to be performed")
}
