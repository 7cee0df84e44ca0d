//! Drift that a deployment cannot revert.

use crate::deployment::drift::ResourceDrift;
use crate::failure::Failure;

/// Returns the failure of a deployment that finds these resources changed or deleted by hand.
pub(super) fn to_failure(drifts: &[ResourceDrift]) -> Failure {
    let (what, next) = if drifts.iter().any(ResourceDrift::is_deleted) {
        (
            "a resource of the stack was deleted without restctl",
            "restctl destroy, which keeps the data if you say so; then: restctl deploy",
        )
    } else {
        (
            "the stack was changed without restctl, and restctl cannot revert that",
            "set each property to its expected value in the AWS console or with the AWS CLI, then: restctl deploy",
        )
    };
    Failure::new(format!("nothing went live: {what}"))
        .why_lines(drifts.iter().flat_map(ResourceDrift::to_lines))
        .next(next)
}
