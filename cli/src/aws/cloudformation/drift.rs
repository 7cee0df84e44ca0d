//! CloudFormation's own comparison of a resource with the template.

use aws_sdk_cloudformation::types::{
    PropertyDifference, StackResourceDrift as SdkDrift, StackResourceDriftStatus, StackStatus,
};
use serde_json::Value;

use super::Stack;
use crate::aws::Aws;
use crate::aws::error::AwsContext;
use crate::failure::{Failure, Result};

/// A resource as CloudFormation compares it.
pub(crate) struct ComparedResource {
    pub(crate) kind: String,
    pub(crate) physical_id: String,
    /// What the template says, of the properties that it sets. `Null` if the resource was deleted.
    pub(crate) expected: Value,
    pub(crate) is_deleted: bool,
    pub(crate) differences: Vec<Difference>,
}

/// A property whose value differs from the template's. A value is a text, or JSON if it is no text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Difference {
    /// Such as `Environment/Variables/OPENAPI`.
    pub(crate) property: String,
    /// `None` if the template does not set it.
    pub(crate) expected: Option<String>,
    /// `None` if the resource does not have it.
    pub(crate) actual: Option<String>,
}

/// Whether CloudFormation compares resources while the stack is in this state ("Detect unmanaged configuration changes to stacks
/// and resources with drift detection", AWS CloudFormation User Guide).
pub(crate) fn can_compare(stack: &Stack) -> bool {
    use StackStatus::*;
    matches!(stack.status, CreateComplete | UpdateComplete | UpdateRollbackComplete | UpdateRollbackFailed)
}

/// Compares a resource, by its name in the template. Returns `None` if CloudFormation cannot compare resources of its type. The
/// caller needs permission to read the resource.
pub(crate) async fn compare_resource(
    aws: &Aws,
    stack: &Stack,
    name: &str,
) -> Result<Option<ComparedResource>> {
    let request = aws.cloudformation.detect_stack_resource_drift();
    let answer = request.stack_name(&stack.id).logical_resource_id(name).send().await;
    // Which types can be compared, only the documentation says.
    if can_compare(stack) && answer.error_code() == Some("ValidationError") {
        return Ok(None);
    }
    let what = format!("compare the resource {name} with the template");
    let drift = answer.aws_context(&what)?.stack_resource_drift;
    let drift =
        drift.ok_or_else(|| Failure::new(format!("cannot {what}")).why("CloudFormation returned nothing"))?;
    from_sdk(drift).map_err(|why| Failure::new(format!("cannot {what}")).why(why)).map(Some)
}

fn from_sdk(drift: SdkDrift) -> Result<ComparedResource, String> {
    let is_deleted = match drift.stack_resource_drift_status {
        Some(StackResourceDriftStatus::Deleted) => true,
        Some(StackResourceDriftStatus::Modified | StackResourceDriftStatus::InSync) => false,
        _ => {
            return Err(drift
                .drift_status_reason
                .unwrap_or_else(|| "CloudFormation gave no reason".to_owned()));
        }
    };
    let expected = match &drift.expected_properties {
        Some(properties) => serde_json::from_str(properties).map_err(|error| error.to_string())?,
        None => Value::Null,
    };
    Ok(ComparedResource {
        kind: drift.resource_type.unwrap_or_default(),
        physical_id: drift.physical_resource_id.unwrap_or_default(),
        expected,
        is_deleted,
        differences: drift
            .property_differences
            .unwrap_or_default()
            .into_iter()
            .map(difference_from_sdk)
            .collect(),
    })
}

fn difference_from_sdk(difference: PropertyDifference) -> Difference {
    let value = |value: Option<String>| value.filter(|value| value != "null");
    Difference {
        property: difference.property_path.unwrap_or_default().trim_start_matches('/').to_owned(),
        expected: value(difference.expected_value),
        actual: value(difference.actual_value),
    }
}
