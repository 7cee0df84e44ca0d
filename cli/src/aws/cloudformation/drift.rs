//! CloudFormation's own comparison of a resource with the template.

use std::time::Duration;

use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::types::{
    PropertyDifference, StackResourceDrift as SdkDrift, StackResourceDriftStatus, StackStatus,
};
use serde_json::Value;
use tokio::sync::Mutex;

use super::Stack;
use crate::aws::Aws;
use crate::aws::clock::Clock;
use crate::aws::error::AwsContext;
use crate::failure::{AwsCause, Failure, Result};

/// What restores a deleted resource. A deployment would not: CloudFormation changes only what the template changes. Without its
/// stack, `destroy` also deletes what `setup` made.
pub(crate) const RECREATE: &str = "restctl destroy, which keeps the data; then restctl setup and restctl deploy --adopt, with the same options";

const PAUSE: Duration = Duration::from_secs(1);

/// How long a command pauses in all because CloudFormation throttles its comparisons.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A number that the resource may lack, so that its type shows nowhere: a log group without it keeps its lines forever.
const RETENTION: &str = "RetentionInDays";

/// CloudFormation's words for a type that it cannot compare, in a `ValidationError`, which has many other reasons. No call says
/// which types can be compared.
const NOT_SUPPORTED: &str = "Drift detection is not supported";

/// A resource as CloudFormation compares it.
pub(crate) struct ComparedResource {
    pub(crate) kind: String,
    pub(crate) physical_id: String,
    /// What the template says, of the properties that it sets, with the types of the actual values: parameters of a template are
    /// texts. `Null` if the resource was deleted.
    pub(crate) expected: Value,
    pub(crate) is_deleted: bool,
    pub(crate) differences: Vec<Difference>,
}

/// A property whose value differs from the template's. A value is a text, otherwise JSON.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Difference {
    /// Such as `Environment/Variables/OPENAPI`.
    pub(crate) property: String,
    /// `None` if the template does not set it.
    pub(crate) expected: Option<String>,
    /// `None` if the resource does not have it.
    pub(crate) actual: Option<String>,
}

/// The pauses of a command after throttled comparisons. One begins when the other has ended, however many resources are compared at
/// the same time, so that the calls become fewer.
#[derive(Default)]
pub(crate) struct ComparisonPauses(Mutex<Duration>);

impl ComparisonPauses {
    /// Returns whether there was a pause. There is none after [`PATIENCE`].
    async fn pause(&self, clock: &Clock) -> bool {
        let mut paused = self.0.lock().await;
        if *paused >= PATIENCE {
            return false;
        }
        clock.sleep(PAUSE).await;
        *paused += PAUSE;
        true
    }
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
    loop {
        match try_to_compare(aws, stack, name).await {
            Err(failure) if failure.aws_cause == Some(AwsCause::Throttled) => {
                if !aws.comparison_pauses.pause(&aws.clock).await {
                    return Err(Failure::new(format!(
                        "cannot compare the resource {name} with the template"
                    ))
                    .why("CloudFormation refuses so many calls"));
                }
            }
            compared => return compared,
        }
    }
}

async fn try_to_compare(aws: &Aws, stack: &Stack, name: &str) -> Result<Option<ComparedResource>> {
    let request = aws.cloudformation.detect_stack_resource_drift();
    let answer = request.stack_name(&stack.id).logical_resource_id(name).send().await;
    let message = answer.as_ref().err().and_then(|error| error.message());
    if message.is_some_and(|message| message.contains(NOT_SUPPORTED)) {
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
    let mut expected = parse_properties(drift.expected_properties.as_deref())?;
    take_types(&mut expected, &parse_properties(drift.actual_properties.as_deref())?);
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

fn parse_properties(properties: Option<&str>) -> Result<Value, String> {
    properties.map_or(Ok(Value::Null), serde_json::from_str).map_err(|error| error.to_string())
}

/// Makes numbers and booleans of the expected texts whose actual values are some. The objects of a list have the same form.
fn take_types(expected: &mut Value, actual: &Value) {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            for (name, value) in expected {
                let unset = if name == RETENTION { Value::from(0) } else { Value::Null };
                take_types(value, actual.get(name).unwrap_or(&unset));
            }
        }
        (Value::Array(expected), Value::Array(actual)) => {
            let form = actual.first().unwrap_or(&Value::Null);
            expected.iter_mut().for_each(|value| take_types(value, form));
        }
        (value, Value::Number(_) | Value::Bool(_)) => {
            let typed = value.as_str().and_then(|text| serde_json::from_str(text).ok());
            if let Some(typed @ (Value::Number(_) | Value::Bool(_))) = typed {
                *value = typed;
            }
        }
        _ => {}
    }
}

fn difference_from_sdk(difference: PropertyDifference) -> Difference {
    let value = |value: Option<String>| value.filter(|value| value != "null");
    Difference {
        property: difference.property_path.unwrap_or_default().trim_start_matches('/').to_owned(),
        expected: value(difference.expected_value),
        actual: value(difference.actual_value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn expected_texts_get_the_types_of_the_actual_values() {
        let mut expected = json!({
            "RetentionInDays": "30", "Name": "5", "On": "true", "Rules": [{ "Days": "7", "Id": "1" }], "New": "1",
            "Kept": { "RetentionInDays": "14" }
        });
        let actual = json!({
            "RetentionInDays": 14, "Name": "6", "On": false, "Rules": [{ "Days": 8, "Id": "1" }, { "Days": 9 }], "Kept": {}
        });
        take_types(&mut expected, &actual);
        assert_eq!(
            expected,
            json!({
                "RetentionInDays": 30, "Name": "5", "On": true, "Rules": [{ "Days": 7, "Id": "1" }], "New": "1",
                "Kept": { "RetentionInDays": 14 }
            })
        );
    }
}
