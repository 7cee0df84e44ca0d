//! AWS Lambda: versions of a function, its alias `live`, and calls.

use std::time::Duration;

use aws_sdk_lambda::client::Waiters;
use aws_sdk_lambda::primitives::Blob;
use restctl_contract::template::LIVE;

use super::Aws;
use super::call::Called;
use crate::failure::{During, Failure, Result};

/// In a VPC a new version takes a minute or two to get its network interface.
const READY: Duration = Duration::from_secs(300);

/// What the alias `live` of a function says.
pub(crate) struct Alias {
    pub(crate) version: String,
    pub(crate) description: String,
}

/// Makes a version of the function as it is now, and waits until it can be called; the newest one, where the
/// function has not changed since.
pub(crate) async fn publish(aws: &Aws, function: &str) -> Result<String> {
    let published = aws.lambda.publish_version().function_name(function).send().await;
    let published = published.called(&format!("publish a version of the function {function}"))?;
    let version = published.version.ok_or_else(|| Failure::new("Lambda names no version"))?;
    let ready = aws.lambda.wait_until_published_version_active().function_name(function).qualifier(&version);
    let ready = ready.wait(READY).await;
    ready.during(format!("version {version} of the function {function} does not get ready"))?;
    Ok(version)
}

pub(crate) async fn live(aws: &Aws, function: &str) -> Result<Alias> {
    let alias = aws.lambda.get_alias().function_name(function).name(LIVE).send().await;
    let alias = alias.called(&format!("read the alias {LIVE} of the function {function}"))?;
    Ok(Alias {
        version: alias.function_version.unwrap_or_default(),
        description: alias.description.unwrap_or_default(),
    })
}

/// From now on whoever calls the function by its alias calls this version.
pub(crate) async fn shift(aws: &Aws, function: &str, to: &Alias) -> Result<()> {
    let request = aws.lambda.update_alias().function_name(function).name(LIVE);
    let request = request.function_version(&to.version).description(&to.description);
    request.send().await.called(&format!("shift the alias {LIVE} of the function {function}"))?;
    Ok(())
}

/// How many functions of the account may run at a time, beside those with a reservation.
pub(crate) async fn unreserved_concurrency(aws: &Aws) -> Result<Option<i32>> {
    let answer =
        aws.lambda.get_account_settings().send().await.called("read the account's settings of Lambda")?;
    Ok(answer.account_limit.and_then(|limit| limit.unreserved_concurrent_executions))
}

/// What a version answers to an event. A function that fails answers nothing: its error is the failure's reason.
pub(crate) async fn call(
    aws: &Aws,
    function: &str,
    version: &str,
    event: &serde_json::Value,
) -> Result<Vec<u8>> {
    let request = aws.lambda.invoke().function_name(function).qualifier(version);
    let answer = request.payload(Blob::new(event.to_string())).send().await;
    let answer = answer.called(&format!("call version {version} of the function {function}"))?;
    let payload = answer.payload.map(Blob::into_inner).unwrap_or_default();
    match answer.function_error {
        None => Ok(payload),
        Some(kind) => Err(Failure::new(format!("version {version} of the function {function} fails"))
            .why(format!("{kind}: {}", String::from_utf8_lossy(&payload)))),
    }
}
