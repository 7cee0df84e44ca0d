//! The AWS Cloud Control API, which reads and changes resources of any type, and so saves a client for each service.

use std::time::Duration;

use aws_sdk_cloudcontrol::types::{HandlerErrorCode, OperationStatus};
use serde_json::Value;

use super::Aws;
use super::error::{AwsContext, RESOURCE_NOT_FOUND};
use crate::failure::{AwsCause, Failure, FailureContext, Result};

/// The error codes for a patch that would be refused again: it changes what is fixed at the creation or cannot be changed at all,
/// or it is not valid ("UpdateResource", Cloud Control API Reference).
const REFUSED: [&str; 4] =
    ["NotUpdatableException", "UnsupportedActionException", "InvalidRequestException", "ValidationException"];

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
/// `changing` says what the patch is for, such as `change NAME of ID`. The cause of the failure is [`AwsCause::NotUpdatable`] if
/// the service would refuse the patch again.
pub(crate) async fn patch_resource(
    aws: &Aws,
    kind: &str,
    id: &str,
    patch: &Value,
    changing: &str,
) -> Result<()> {
    let request = aws.cloudcontrol.update_resource().type_name(kind).identifier(id);
    let begun = request.patch_document(patch.to_string()).send().await;
    let is_refused = begun.error_code().is_some_and(|code| REFUSED.contains(&code));
    let begun = begun.aws_context(changing);
    let mut progress = begun.map_err(|failure| refused_if(is_refused, failure))?.progress_event;
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
                use HandlerErrorCode::{InvalidRequest, NotUpdatable};
                let is_refused = matches!(event.error_code(), Some(InvalidRequest | NotUpdatable));
                let failure = Failure::new(format!("cannot {changing}")).why(format!("{status}: {why}"));
                return Err(refused_if(is_refused, failure));
            }
        }
        aws.clock.sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(4));
        let request = aws.cloudcontrol.get_resource_request_status();
        let status = request.request_token(event.request_token().unwrap_or_default()).send().await;
        progress = status.aws_context(changing)?.progress_event;
    }
}

fn refused_if(is_refused: bool, failure: Failure) -> Failure {
    if is_refused { failure.aws_cause(AwsCause::NotUpdatable) } else { failure }
}
