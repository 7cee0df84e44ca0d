//! Shows what a deployment would change, without changing anything.

use super::DeployOutcome;
use super::choices::StackChoices;
use super::drift_preview::{self, DriftPreview};
use super::preview;
use super::request::DeployRequest;
use crate::aws::cloudformation::change_set::{self, ChangeSet};
use crate::failure::{Failure, Result, unless_stopped};
use crate::terminal::output;

pub(super) async fn show_deployment(
    request: &DeployRequest<'_>,
    choices: &StackChoices,
    mut stopped: impl Future<Output = Result<()>> + Unpin,
) -> Result<DeployOutcome> {
    let existing = request.start.stack.as_ref();
    let change_set = choices.create_change_set(request, existing, &mut stopped).await?;
    let (planned, losses) = match change_set {
        Some(change_set) => show_change_set(request, choices, change_set).await?,
        None => (usize::from(choices.ends_rollback), Vec::new()),
    };
    // A stop waits until the change set is deleted.
    let showing = Box::pin(async {
        match existing {
            Some(stack) => drift_preview::print_drift(request.aws, stack, request.report).await,
            None => Ok(DriftPreview::default()),
        }
    });
    let found = unless_stopped(stopped, Failure::interrupted(), showing).await?;
    let changes = planned + found.drifts;
    if changes == 0 {
        found.require_complete()?;
        request.print_no_change();
    }
    Ok(DeployOutcome::Planned { changes, losses })
}

/// Deletes the change set and prints it. Returns the number of its changes, and the resources with data that a deployment would
/// replace or remove without permission.
async fn show_change_set(
    request: &DeployRequest<'_>,
    choices: &StackChoices,
    mut change_set: ChangeSet,
) -> Result<(usize, Vec<String>)> {
    // Before any output, because a closed pipe ends the process.
    change_set::discard_change_set(request.aws, &change_set).await?;
    if let Some(adoption) = &request.adoption {
        // The dry run imports nothing, so its change set would make the resources that a deployment adopts.
        let is_adopted = |name: &str| adoption.adopts(name);
        change_set.changes.retain(|change| !(change.is_addition() && is_adopted(change.resource_name())));
        for resource in adoption.resources() {
            output::print_wrapped_message(format!("  would adopt {resource}"), preview::MARGIN);
        }
    }
    preview::print_preview(request, choices, &change_set)?;
    let losses = preview::unnamed_losses(request, &change_set);
    if !losses.is_empty() {
        output::print_message(format!("a deployment needs {}", preview::allow_flags(&losses)));
    }
    Ok((change_set.changes.len().max(1), losses))
}
