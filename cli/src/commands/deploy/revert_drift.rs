//! Reverts what someone changed without restctl: the functions before their new versions are published, and the other resources
//! before the stack is changed.
//!
//! CloudFormation changes a property only if the template or a parameter changes it, so a change by hand would otherwise stay, and
//! one of a function would go live with the next version. A change set that reverts drift (`REVERT_DRIFT`) would also point the
//! aliases at the first versions.

mod functions;
mod resources;

pub(super) use functions::{CheckedFunction, publish_functions};

use super::request::DeployRequest;
use crate::aws::cloudformation::{self, Stack};
use crate::deployment::drift::additions::find_additions;
use crate::deployment::drift::resources::ComparedResources;
use crate::deployment::drift::{RECREATE, ResourceDrift};
use crate::deployment::packages::Packages;
use crate::failure::{Failure, Result};
use crate::terminal::ndjson::NdjsonReport;
use crate::terminal::output;

/// Compares all resources but the functions with the template, reverts what differs, and returns it. Fails if it cannot. Only names
/// what was added beside the stack.
pub(super) async fn revert_resources(
    request: &DeployRequest<'_>,
    stack: &Stack,
    state: StackState,
) -> Result<Vec<ResourceDrift>> {
    let DeployRequest { aws, report, .. } = *request;
    let resources = cloudformation::list_resources(aws, stack).await?;
    note_additions(&find_additions(aws, stack, &resources).await, report)?;
    let drifts = resources::revert_resources(aws, stack, resources, state).await?;
    report_reverted(drifts, report)
}

/// Names what was added beside the stack, and the command that removes it: someone may have added it on purpose.
fn note_additions(found: &ComparedResources, report: &NdjsonReport) -> Result<()> {
    found.failures.iter().for_each(resources::note_failure);
    for addition in &found.drifts {
        report.write_line("drift", addition)?;
        let remove = addition.remove.as_deref().unwrap_or_default();
        for line in addition.to_lines() {
            output::print_message(format!(
                "note: added beside the stack, and left as it is: {line}; to remove it: {remove}"
            ));
        }
    }
    Ok(())
}

/// Compares the functions with the template and the packages, and reverts what differs. Returns them with what differed. Fails if
/// it cannot. Nothing may change the functions until they are published.
pub(super) async fn revert_functions(
    request: &DeployRequest<'_>,
    stack: &Stack,
    state: StackState,
    packages: &Packages,
) -> Result<([CheckedFunction; 2], Vec<ResourceDrift>)> {
    let (functions, drifts) = functions::revert_functions(request.aws, stack, state, packages).await?;
    Ok((functions, report_reverted(drifts, request.report)?))
}

fn report_reverted(drifts: Vec<ResourceDrift>, report: &NdjsonReport) -> Result<Vec<ResourceDrift>> {
    for drift in &drifts {
        report.write_line("reverted", drift)?;
        for line in drift.to_lines() {
            output::print_message(format!("reverted a change without restctl: {line}"));
        }
    }
    Ok(drifts)
}

/// What the deployment has done to the stack so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StackState {
    Unchanged,
    Updated,
}

/// Returns the failure of a deployment that cannot revert `drifts`.
fn cannot_revert(drifts: &[ResourceDrift], state: StackState) -> Failure {
    let (what, next) = match drifts.iter().any(ResourceDrift::is_deleted) {
        true => ("a resource of the stack was deleted without restctl", RECREATE),
        false => (
            "restctl cannot revert a change that was made without it",
            "set each property to what is expected, in the AWS console or with the AWS CLI; then: restctl deploy",
        ),
    };
    let undone = match state {
        StackState::Unchanged => "nothing went live",
        StackState::Updated => "neither version went live; the stack's other resources were updated",
    };
    Failure::new(format!("{undone}: {what}"))
        .why_lines(drifts.iter().flat_map(ResourceDrift::to_lines))
        .next(next)
}
