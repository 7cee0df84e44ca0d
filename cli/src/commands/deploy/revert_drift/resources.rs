//! Reverts the other resources through the Cloud Control API, which changes a resource of any type as CloudFormation does.

use std::slice;
use std::time::Duration;

use serde_json::{Value, json};

use super::{StackState, cannot_revert};
use crate::aws::cloudformation::{Resource, Stack};
use crate::aws::{Aws, cloudcontrol};
use crate::deployment::drift::ResourceDrift;
use crate::deployment::drift::identifier::{cloud_control_id, is_updatable};
use crate::deployment::drift::resources::{ComparedResources, compare_resources};
use crate::failure::{AwsCause, Failure, Result, shell_argument};
use crate::terminal::output;

/// The pause before what a service has just accepted is compared again.
const PAUSE: Duration = Duration::from_secs(5);

/// The types that decide who reaches the data. A deployment fails while one of them differs.
const GUARDS: [&str; 7] = [
    "AWS::EC2::SecurityGroup",
    "AWS::ElasticLoadBalancingV2::Listener",
    "AWS::ElasticLoadBalancingV2::ListenerRule",
    "AWS::IAM::Role",
    "AWS::Lambda::Permission",
    "AWS::S3::BucketPolicy",
    "AWS::SQS::QueuePolicy",
];

fn is_guard(drift: &ResourceDrift) -> bool {
    GUARDS.contains(&drift.kind.as_str())
}

/// Reverts each of these resources that differs from the template, and returns what differed and no longer does. What cannot be
/// compared is only noted, and so is what the service never changes, unless it decides who reaches the data.
pub(super) async fn revert_resources(
    aws: &Aws,
    stack: &Stack,
    mut resources: Vec<Resource>,
    state: StackState,
) -> Result<Vec<ResourceDrift>> {
    let found = compare_resources(aws, stack, &resources).await;
    found.failures.iter().for_each(note_failure);
    let drifts = found.drifts;
    if drifts.iter().any(ResourceDrift::is_deleted) {
        return Err(cannot_revert(&drifts, state));
    }
    let mut accepted = Vec::new();
    for drift in drifts {
        match revert_resource(aws, stack, &drift).await {
            Ok(()) => accepted.push(drift),
            Err(failure) if failure.aws_cause == Some(AwsCause::NotUpdatable) && !is_guard(&drift) => {
                note_failure(&failure);
            }
            Err(failure) => return Err(refuse(&drift, failure, state)),
        }
    }
    resources.retain(|resource| accepted.iter().any(|drift| drift.resource == resource.name));
    let left = compare_reverted(aws, stack, &resources).await;
    if let Some(failure) = left.failures.first() {
        let unverified = failure.during("verify that the changes without restctl were reverted");
        return Err(unverified.next("restctl deploy, which compares them again"));
    }
    let guards: Vec<_> = left.drifts.iter().filter(|drift| is_guard(drift)).cloned().collect();
    if !guards.is_empty() {
        return Err(cannot_revert(&guards, state));
    }
    note_false_differences(&left.drifts);
    accepted.retain(|drift| left.drifts.iter().all(|left| left.resource != drift.resource));
    Ok(accepted)
}

/// Compares resources that were just reverted, and once more after a pause if they still differ.
async fn compare_reverted(aws: &Aws, stack: &Stack, resources: &[Resource]) -> ComparedResources {
    let compared = compare_resources(aws, stack, resources).await;
    if compared.drifts.is_empty() && compared.failures.is_empty() {
        return compared;
    }
    aws.clock.sleep(PAUSE).await;
    compare_resources(aws, stack, resources).await
}

pub(super) fn note_failure(failure: &Failure) {
    output::print_message(format!("note: {}", failure.to_single_line()));
}

/// The service has accepted the expected values.
fn note_false_differences(drifts: &[ResourceDrift]) {
    for line in drifts.iter().flat_map(ResourceDrift::to_lines) {
        output::print_message(format!(
            "note: a false difference, or not reverted, although the service has accepted the expected value: {line}"
        ));
    }
}

async fn revert_resource(aws: &Aws, stack: &Stack, drift: &ResourceDrift) -> Result<()> {
    let reverting = format!("revert the resource {}", drift.resource);
    let identifier = cloud_control_id(stack, &drift.kind, &drift.physical_id);
    let Some(identifier) = identifier.filter(|_| is_updatable(&drift.kind)) else {
        let failure = Failure::new(format!("cannot {reverting}"));
        return Err(failure.why(format!("the Cloud Control API cannot change a {}", drift.kind)));
    };
    cloudcontrol::patch_resource(aws, &drift.kind, &identifier, &patch_to(drift), &reverting).await
}

/// Returns the failure of a deployment for which a resource was not reverted.
fn refuse(drift: &ResourceDrift, failure: Failure, state: StackState) -> Failure {
    let refusal = cannot_revert(slice::from_ref(drift), state).and(Some(failure));
    match set_by_hand(drift) {
        Some(command) => refusal.next(format!("{command}; then: restctl deploy")),
        None => refusal,
    }
}

/// Returns the commands for what the Cloud Control API cannot change.
fn set_by_hand(drift: &ResourceDrift) -> Option<String> {
    let expected =
        |property: &str| shell_argument(drift.expected[property].as_str().unwrap_or_default(), "VALUE");
    match drift.kind.as_str() {
        "AWS::Lambda::Permission" => {
            let (function, id) = (expected("FunctionName"), shell_argument(&drift.physical_id, "ID"));
            let [action, principal, source] = ["Action", "Principal", "SourceArn"].map(expected);
            Some(format!(
                "aws lambda remove-permission --function-name {function} --statement-id {id}; then: \
                 aws lambda add-permission --function-name {function} --statement-id {id} --action {action} \
                 --principal {principal} --source-arn {source}"
            ))
        }
        "AWS::SQS::QueuePolicy" => Some(
            "aws sqs set-queue-attributes --queue-url URL --attributes FILE, with the expected PolicyDocument as Policy"
                .to_owned(),
        ),
        _ => None,
    }
}

/// Returns the JSON patch that gives each property that differs its expected value, as a whole: within a list, CloudFormation's
/// comparison and the service may count differently.
fn patch_to(drift: &ResourceDrift) -> Value {
    let to_operation = |property: &str| {
        let path = format!("/{property}");
        match &drift.expected[property] {
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
            expected: json!({ "RedrivePolicy": { "maxReceiveCount": 1000 }, "FifoQueue": true }),
            remove: None,
        };
        assert_eq!(
            patch_to(&drift),
            json!([
                { "op": "remove", "path": "/Extra" },
                { "op": "add", "path": "/RedrivePolicy", "value": { "maxReceiveCount": 1000 } },
            ])
        );
    }
}
