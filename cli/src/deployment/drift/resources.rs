//! Compares the other resources that decide what is served, what is loaded, and who reaches it.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};

use super::{Difference, ResourceDrift};
use crate::aws::cloudformation::drift::{ComparedResource, compare_resource};
use crate::aws::cloudformation::{Resource, Stack};
use crate::aws::{Aws, s3};
use crate::failure::{AwsCause, Failure, Result};

/// What CloudFormation compares, by the names in the template. The functions have a comparison of their own. Their aliases move
/// with each deployment; networks, alarms and the dashboard decide nothing that is served. A stack has those of its options.
///
/// CloudFormation compares most of these types ("Resource type support for imports and drift detection", AWS CloudFormation User
/// Guide), and an emulator fewer.
pub(crate) const COMPARED: [&str; 23] = [
    "HttpsListener",
    "OpenPaths",
    "ApiTargetGroup",
    "LoadBalancer",
    "LoadBalancerSecurityGroup",
    "ApiInvokePermission",
    "ApiRole",
    "ApiLogs",
    "DataBucket",
    "DataBucketPolicy",
    "ObjectCreatedRule",
    "LoadQueue",
    "LoadQueuePolicy",
    "DeadLetterQueue",
    "DeadLetterQueuePolicy",
    "LoadMapping",
    "IngestRole",
    "IngestLogs",
    "ItemsTable",
    "LedgerTable",
    "FunctionSecurityGroup",
    "S3Endpoint",
    "DynamoDbEndpoint",
];

/// Properties whose differences do not count. The numbers are those of issues of the CloudFormation coverage roadmap.
const IGNORED: [(&str, &str); 4] = [
    // CloudFormation misses it although it is there (1072): restctl reads it itself.
    ("DataBucket", "NotificationConfiguration"),
    // Likewise (2554). S3 encrypts every object, and nothing turns that off.
    ("DataBucket", "BucketEncryption"),
    // Likewise (1317).
    ("DataBucket", "LifecycleConfiguration"),
    // The check of the target reads it.
    ("ApiTargetGroup", "Targets"),
];

/// How many resources are compared at the same time.
const CONCURRENCY: usize = 4;

const PAUSE: Duration = Duration::from_secs(1);

/// How long comparisons that are throttled are tried again, all of them together.
const PATIENCE: Duration = Duration::from_secs(20);

/// What differs, and what could not be compared.
#[derive(Default)]
pub(crate) struct ComparedResources {
    pub(crate) drifts: Vec<ResourceDrift>,
    pub(crate) failures: Vec<Failure>,
    /// How many resources were compared.
    pub(crate) compared: usize,
}

/// Compares these resources of the stack, as far as they count. One that cannot be compared hides no other.
pub(crate) async fn compare_resources(aws: &Aws, stack: &Stack, resources: &[Resource]) -> ComparedResources {
    let counting = resources.iter().filter(|resource| COMPARED.contains(&resource.name.as_str()));
    let patient_until = aws.clock.now() + PATIENCE;
    let compared = stream::iter(counting)
        .map(|resource| compare(aws, stack, resource, patient_until))
        .buffered(CONCURRENCY);
    let compared: Vec<Result<Option<ResourceDrift>>> =
        compared.filter_map(async |result| result.transpose()).collect().await;
    let mut found = ComparedResources { compared: compared.len(), ..ComparedResources::default() };
    for result in compared {
        match result {
            Ok(drift) => found.drifts.extend(drift),
            Err(failure) => found.failures.push(failure),
        }
    }
    found.compared -= found.failures.len();
    found
}

/// Returns `None` if CloudFormation cannot compare such a resource.
async fn compare(
    aws: &Aws,
    stack: &Stack,
    resource: &Resource,
    patient_until: Instant,
) -> Result<Option<Option<ResourceDrift>>> {
    let compared = compare_unthrottled(aws, stack, &resource.name, patient_until).await?;
    let Some(compared) = compared else { return Ok(None) };
    let mut differences = compared.differences;
    differences.retain(|difference| counts(&resource.name, difference));
    if resource.name == "DataBucket" && !compared.is_deleted && !s3::sends_events(aws, &resource.id).await? {
        differences.push(Difference {
            property: "NotificationConfiguration/EventBridgeConfiguration".to_owned(),
            expected: Some("enabled".to_owned()),
            actual: None,
        });
    }
    let has_drifted = compared.is_deleted || !differences.is_empty();
    Ok(Some(has_drifted.then(|| ResourceDrift {
        resource: resource.name.clone(),
        kind: compared.kind,
        physical_id: compared.physical_id,
        differences,
    })))
}

async fn compare_unthrottled(
    aws: &Aws,
    stack: &Stack,
    name: &str,
    patient_until: Instant,
) -> Result<Option<ComparedResource>> {
    let attempt = async || match compare_resource(aws, stack, name).await {
        Err(failure) if failure.aws_cause == Some(AwsCause::Throttled) => Ok(None),
        compared => compared.map(Some),
    };
    let throttled = || {
        Failure::new(format!("cannot compare the resource {name} with the template"))
            .why("CloudFormation refuses so many calls")
    };
    let patience = patient_until.saturating_duration_since(aws.clock.now());
    aws.clock.poll(PAUSE, patience, attempt).await?.ok_or_else(throttled)
}

/// Tags change nothing that runs. Of a list of attributes, services return those with their defaults, too ("Detect unmanaged
/// configuration changes to stacks and resources with drift detection", AWS CloudFormation User Guide), and restctl protects the
/// load balancer from deletion with one.
pub(super) fn counts(resource: &str, difference: &Difference) -> bool {
    let top = difference.top_property();
    let is_default = top.ends_with("Attributes") && difference.expected.is_none();
    top != "Tags" && !is_default && !IGNORED.contains(&(resource, top))
}

#[cfg(test)]
mod tests;
