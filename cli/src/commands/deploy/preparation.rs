//! Prepares a deployment up to the first change of the stack, except that it adopts what a deleted stack left.

use super::artifact_bucket::fill_artifact_bucket;
use super::choices::StackChoices;
use super::import::import_adopted;
use super::preview;
use super::request::DeployRequest;
use super::revert_drift::{StackState, revert_resources};
use crate::aws::cloudformation::change_set::{self, ChangeSet};
use crate::deployment::drift::ResourceDrift;
use crate::deployment::operation::{Operation, OperationKind};
use crate::failure::{Failure, Result, unless_stopped};
use crate::terminal::output;

/// A deployment that can be executed.
pub(super) struct ReadyDeployment {
    /// `None` if CloudFormation has nothing to change.
    pub(super) update: Option<(ChangeSet, Operation)>,
    /// The resources that were reverted.
    pub(super) reverted: Vec<ResourceDrift>,
}

/// If `stopped` completes first, the stack stays as it was, unless it has already adopted data.
pub(super) async fn prepare_deployment(
    request: &DeployRequest<'_>,
    choices: &StackChoices,
    mut stopped: impl Future<Output = Result<()>> + Unpin,
) -> Result<ReadyDeployment> {
    let imported = match &request.adoption {
        Some(adoption) => Some(import_adopted(request, adoption, &choices.parameters, &mut stopped).await?),
        None => None,
    };
    let existing = imported.as_ref().or(request.start.stack.as_ref());
    let change_set = choices.create_change_set(request, existing, &mut stopped).await?;
    let preparing = Box::pin(prepare_execution(request, choices, change_set.as_ref()));
    let prepared = unless_stopped(stopped, Failure::interrupted(), preparing).await;
    if prepared.is_err()
        && let Some(change_set) = &change_set
        && let Err(discarding) = change_set::discard_change_set(request.aws, change_set).await
    {
        output::print_failure(&discarding);
    }
    let (operation, reverted) = prepared?;
    Ok(ReadyDeployment { update: change_set.zip(operation), reverted })
}

/// Does what comes before the execution of the change set, if there is one: shows the changes, uploads the packages, and reverts
/// what was changed without restctl. Returns the operation that will execute the change set, and what was reverted.
async fn prepare_execution(
    request: &DeployRequest<'_>,
    choices: &StackChoices,
    change_set: Option<&ChangeSet>,
) -> Result<(Option<Operation>, Vec<ResourceDrift>)> {
    if let Some(change_set) = change_set {
        preview::print_preview(request, choices, change_set)?;
        preview::refuse_losses(&preview::unnamed_losses(request, change_set))?;
        fill_artifact_bucket(request.aws, choices).await?;
    }
    let reverted = match request.comparable_stack() {
        Some(stack) => revert_resources(request, stack, StackState::Unchanged).await?,
        None => Vec::new(),
    };
    let operation = match change_set {
        Some(ChangeSet { stack, .. }) => {
            let kind = if stack.is_in_review() { OperationKind::Create } else { OperationKind::Update };
            Some(Operation::prepare(request.aws, stack, kind).await?)
        }
        None => None,
    };
    Ok((operation, reverted))
}
