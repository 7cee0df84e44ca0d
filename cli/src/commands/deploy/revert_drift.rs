//! Reverts what someone changed without restctl, before the new versions are published.
//!
//! CloudFormation changes a property only if the template or a parameter changes it, so a change by hand would otherwise stay, and
//! one of a function would go live with the next version. A change set that reverts drift (`REVERT_DRIFT`) would also point the
//! aliases at the first versions.

mod functions;
mod resources;

pub(super) use functions::CheckedFunction;

use crate::aws::Aws;
use crate::aws::cloudformation::Stack;
use crate::deployment::drift::{RECREATE, ResourceDrift};
use crate::deployment::packages::Packages;
use crate::failure::{Failure, Result};
use crate::terminal::ndjson::NdjsonReport;
use crate::terminal::output;

/// A stack that is as the template and the packages describe it.
pub(super) struct RevertedStack {
    pub(super) api: CheckedFunction,
    pub(super) ingest: CheckedFunction,
    /// What was reverted.
    pub(super) drifts: Vec<ResourceDrift>,
}

/// Compares the stack with the template and the packages, and reverts what differs. Fails if it cannot.
pub(super) async fn revert_drift(
    aws: &Aws,
    stack: &Stack,
    packages: &Packages,
    report: &NdjsonReport,
) -> Result<RevertedStack> {
    // The functions come last: nothing may change between their comparison and their publication.
    let mut drifts = resources::revert_resources(aws, stack).await?;
    let ([api, ingest], mut of_functions) = functions::revert_functions(aws, stack, packages).await?;
    drifts.append(&mut of_functions);
    for drift in &drifts {
        report.write_line("reverted", drift)?;
        for line in drift.to_lines() {
            output::print_message(format!("reverted a change without restctl: {line}"));
        }
    }
    Ok(RevertedStack { api, ingest, drifts })
}

/// Returns the failure of a deployment that cannot revert `drifts`.
fn cannot_revert(drifts: &[ResourceDrift]) -> Failure {
    let (what, next) = match drifts.iter().any(ResourceDrift::is_deleted) {
        true => ("a resource of the stack was deleted without restctl", RECREATE),
        false => (
            "the stack was changed without restctl, which cannot revert that",
            "set each property to what is expected, in the AWS console or with the AWS CLI; then: restctl deploy",
        ),
    };
    Failure::new(format!("nothing went live: {what}"))
        .why_lines(drifts.iter().flat_map(ResourceDrift::to_lines))
        .next(next)
}
