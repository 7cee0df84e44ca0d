//! Reverts the other resources through the Cloud Control API, which changes a resource of any type as CloudFormation does.

use serde_json::{Value, json};

use super::{StackState, cannot_revert};
use crate::aws::cloudformation::drift::compare_resource;
use crate::aws::cloudformation::{self, Resource, Stack};
use crate::aws::{Aws, cloudcontrol};
use crate::deployment::drift::ResourceDrift;
use crate::deployment::drift::resources::compare_resources;
use crate::failure::{Failure, Result};
use crate::terminal::output;

/// Reverts each resource that differs from the template, and returns what differed. What cannot be compared is only noted.
pub(super) async fn revert_resources(
    aws: &Aws,
    stack: &Stack,
    state: StackState,
) -> Result<Vec<ResourceDrift>> {
    let mut resources = cloudformation::list_resources(aws, stack).await?;
    let found = compare_resources(aws, stack, &resources).await;
    for failure in &found.failures {
        output::print_message(format!("note: {}", failure.to_single_line()));
    }
    let drifts = found.drifts;
    if drifts.iter().any(ResourceDrift::is_deleted) {
        return Err(cannot_revert(&drifts, state));
    }
    for drift in &drifts {
        if let Err(failure) = revert_resource(aws, stack, drift).await {
            return Err(cannot_revert(&drifts, state).and(Some(failure)));
        }
    }
    let is_reverted = |resource: &Resource| drifts.iter().any(|drift| drift.resource == resource.name);
    resources.retain(is_reverted);
    let left = compare_resources(aws, stack, &resources).await.drifts;
    note_false_differences(&left);
    let is_left = |drift: &ResourceDrift| left.iter().any(|left| left.resource == drift.resource);
    Ok(drifts.into_iter().filter(|drift| !is_left(drift)).collect())
}

/// CloudFormation reports some differences that are none. So what still differs after the service has accepted the expected value
/// does not stop a deployment.
fn note_false_differences(drifts: &[ResourceDrift]) {
    for line in drifts.iter().flat_map(ResourceDrift::to_lines) {
        output::print_message(format!(
            "note: CloudFormation still reports a difference, although the expected value was set: {line}"
        ));
    }
}

async fn revert_resource(aws: &Aws, stack: &Stack, drift: &ResourceDrift) -> Result<()> {
    let reverting = format!("revert the resource {}", drift.resource);
    let compared = compare_resource(aws, stack, &drift.resource).await?;
    let compared = compared.ok_or_else(|| Failure::new(format!("cannot {reverting}")))?;
    let patch = patch_to(&compared.expected, drift);
    cloudcontrol::patch_resource(aws, &drift.kind, &drift.physical_id, &patch, &reverting).await
}

/// Returns the JSON patch that gives each property that differs its expected value, as a whole: within a list, CloudFormation's
/// comparison and the service may count differently.
fn patch_to(expected: &Value, drift: &ResourceDrift) -> Value {
    let to_operation = |property: &str| {
        let path = format!("/{property}");
        match &expected[property] {
            Value::Null => json!({ "op": "remove", "path": path }),
            // "add" also replaces a member that exists.
            value => json!({ "op": "add", "path": path, "value": value }),
        }
    };
    drift.properties().into_iter().map(to_operation).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::drift::Difference;

    fn difference(property: &str) -> Difference {
        Difference { property: property.to_owned(), expected: None, actual: None }
    }

    #[test]
    fn a_patch_sets_whole_properties() {
        let drift = ResourceDrift {
            resource: "LoadQueue".to_owned(),
            kind: "AWS::SQS::Queue".to_owned(),
            physical_id: "url".to_owned(),
            differences: ["RedrivePolicy/maxReceiveCount", "RedrivePolicy/deadLetterTargetArn", "Extra/0"]
                .map(difference)
                .to_vec(),
        };
        let expected = json!({ "RedrivePolicy": { "maxReceiveCount": 1000 }, "FifoQueue": true });
        assert_eq!(
            patch_to(&expected, &drift),
            json!([
                { "op": "remove", "path": "/Extra" },
                { "op": "add", "path": "/RedrivePolicy", "value": { "maxReceiveCount": 1000 } },
            ])
        );
    }
}
