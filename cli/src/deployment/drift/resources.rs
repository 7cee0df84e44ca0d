//! Compares the other resources that decide what is served, what is loaded, and who reaches it.

use futures_util::{StreamExt, stream};

use super::identifier::cloud_control_id;
use super::{Difference, ResourceDrift};
use crate::aws::cloudformation::drift::compare_resource;
use crate::aws::cloudformation::{Resource, Stack};
use crate::aws::{Aws, cloudcontrol, s3};
use crate::failure::{Failure, Result};

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

/// What differs, and what could not be compared.
#[derive(Default)]
pub(crate) struct ComparedResources {
    pub(crate) drifts: Vec<ResourceDrift>,
    pub(crate) failures: Vec<Failure>,
    /// How many resources were compared.
    pub(crate) compared: usize,
    /// How many resources have a type that CloudFormation cannot compare.
    pub(crate) not_comparable: usize,
}

impl ComparedResources {
    fn add(&mut self, comparison: Result<Comparison>) {
        match comparison {
            Ok(Comparison::NotComparable) => self.not_comparable += 1,
            Ok(Comparison::Unchanged) => self.compared += 1,
            Ok(Comparison::Drifted(drift)) => {
                self.compared += 1;
                self.drifts.push(drift);
            }
            Err(failure) => self.failures.push(failure),
        }
    }

    /// Adds what pauses loads, unless CloudFormation has found the same resource to be deleted.
    pub(super) fn add_load_path(&mut self, compared: Result<Option<ResourceDrift>>) {
        match compared {
            Ok(drift) => {
                let is_new =
                    |it: &ResourceDrift| self.drifts.iter().all(|known| known.resource != it.resource);
                self.drifts.extend(drift.filter(is_new));
            }
            Err(failure) => self.failures.push(failure),
        }
    }
}

/// The result for one resource.
enum Comparison {
    /// CloudFormation cannot compare resources of its type.
    NotComparable,
    Unchanged,
    Drifted(ResourceDrift),
}

/// Compares these resources of the stack, as far as they count. One that cannot be compared hides no other.
pub(crate) async fn compare_resources(aws: &Aws, stack: &Stack, resources: &[Resource]) -> ComparedResources {
    let counting = resources.iter().filter(|resource| COMPARED.contains(&resource.name.as_str()));
    let compared = stream::iter(counting).map(|resource| compare(aws, stack, resource)).buffered(CONCURRENCY);
    let compared: Vec<Result<Comparison>> = compared.collect().await;
    let mut found = ComparedResources::default();
    compared.into_iter().for_each(|comparison| found.add(comparison));
    found
}

async fn compare(aws: &Aws, stack: &Stack, resource: &Resource) -> Result<Comparison> {
    let Some(compared) = compare_resource(aws, stack, &resource.name).await? else {
        return Ok(Comparison::NotComparable);
    };
    let mut differences = compared.differences;
    differences.retain(|difference| counts(&resource.name, difference));
    if compared.is_deleted {
        confirm_deletion(aws, stack, resource).await?;
    } else if resource.name == "DataBucket" && !s3::sends_events(aws, &resource.id).await? {
        differences.push(Difference {
            property: "NotificationConfiguration/EventBridgeConfiguration".to_owned(),
            expected: Some("enabled".to_owned()),
            actual: None,
        });
    }
    if !compared.is_deleted && differences.is_empty() {
        return Ok(Comparison::Unchanged);
    }
    Ok(Comparison::Drifted(ResourceDrift {
        resource: resource.name.clone(),
        kind: compared.kind,
        physical_id: compared.physical_id,
        differences,
        expected: compared.expected,
        remove: None,
    }))
}

/// Fails if a resource is there, or cannot be read: a deleted one stops a deployment, and CloudFormation may report one that is
/// not.
async fn confirm_deletion(aws: &Aws, stack: &Stack, resource: &Resource) -> Result<()> {
    let Resource { name, kind, id } = resource;
    let unconfirmed = || Failure::new(format!("CloudFormation reports that {name} ({id}) was deleted"));
    let Some(identifier) = cloud_control_id(stack, kind, id) else {
        return Err(unconfirmed().why("restctl cannot confirm that: no call reads such a resource"));
    };
    match cloudcontrol::read_properties(aws, kind, &identifier).await {
        Ok(None) => Ok(()),
        Ok(Some(_)) => Err(unconfirmed().why("its service says that it exists")),
        Err(failure) => Err(failure.during(&format!("confirm that {name} was deleted"))),
    }
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
