//! The AWS Cloud Control API, which reads and changes resources of any type, and so saves a client for each service.

use std::time::Duration;

use aws_sdk_cloudcontrol::types::OperationStatus;
use serde_json::Value;

use super::Aws;
use super::error::{AwsContext, RESOURCE_NOT_FOUND};
use crate::failure::{Failure, FailureContext, Result};

/// Returns the properties of a resource. `None` if there is no such resource.
pub(crate) async fn read_properties(aws: &Aws, kind: &str, id: &str) -> Result<Option<Value>> {
    let answer = aws.cloudcontrol.get_resource().type_name(kind).identifier(id).send().await;
    if answer.error_code() == Some(RESOURCE_NOT_FOUND) {
        return Ok(None);
    }
    let answer = answer.aws_context(&format!("read the resource {id}"))?;
    let properties = answer.resource_description.and_then(|description| description.properties);
    let properties = properties.as_deref().unwrap_or("{}");
    serde_json::from_str(properties).context(format!("cannot read the resource {id}")).map(Some)
}

/// Applies a JSON patch (RFC 6902) to the properties of a resource and waits until that is done. The service sends all other
/// properties as they are, which matters where the operation behind it resets what a request leaves out (UpdateUserPool).
/// `changing` says what the patch is for, such as `change NAME of ID`.
pub(crate) async fn patch_resource(
    aws: &Aws,
    kind: &str,
    id: &str,
    patch: &Value,
    changing: &str,
) -> Result<()> {
    let request = aws.cloudcontrol.update_resource().type_name(kind).identifier(id);
    let begun = request.patch_document(patch.to_string()).send().await.aws_context(changing)?;
    let mut progress = begun.progress_event;
    let mut pause = Duration::from_millis(200);
    loop {
        let Some(event) = &progress else {
            return Err(Failure::new(format!("cannot {changing}: the service returned no status")));
        };
        match event.operation_status() {
            Some(OperationStatus::Success) => return Ok(()),
            Some(OperationStatus::Pending | OperationStatus::InProgress) => {}
            status => {
                let status = status.map_or("unknown", OperationStatus::as_str);
                let why = event.status_message().unwrap_or("the service gave no reason");
                return Err(Failure::new(format!("cannot {changing}")).why(format!("{status}: {why}")));
            }
        }
        aws.clock.sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(4));
        let request = aws.cloudcontrol.get_resource_request_status();
        let status = request.request_token(event.request_token().unwrap_or_default()).send().await;
        progress = status.aws_context(changing)?.progress_event;
    }
}
