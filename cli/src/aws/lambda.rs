//! AWS Lambda: versions of a function, its alias `live`, and calls.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::State;
use restctl_contract::template::LIVE;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::Aws;
use super::error::AwsContext;
use crate::failure::{Failure, Result};

/// In a VPC a new version takes a minute or two to get its network interface.
const READY: Duration = Duration::from_secs(300);

/// What the alias `live` of a function says.
pub(crate) struct Alias {
    pub(crate) version: String,
    pub(crate) description: String,
}

/// Makes a version of the function as it is now; the newest one, where the function has not changed since.
pub(crate) async fn publish(aws: &Aws, function: &str) -> Result<String> {
    let published = aws.lambda.publish_version().function_name(function).send().await;
    let published = published.aws_context(&format!("publish a version of the function {function}"))?;
    published.version.ok_or_else(|| Failure::new("Lambda names no version"))
}

/// Waits until the version can be called. One that nobody has called for weeks has lost its network interfaces, and
/// gets new ones when it is called, which fails that once ("Lambda function states", AWS Lambda Developer Guide);
/// `event` is what it is called with then.
pub(crate) async fn wake(aws: &Aws, function: &str, version: &str, event: &Value) -> Result<()> {
    let deadline = Instant::now() + READY;
    let mut pause = Duration::from_millis(200);
    let not_ready =
        || Failure::new(format!("version {version} of the function {function} does not get ready"));
    loop {
        let request = aws.lambda.get_function_configuration().function_name(function).qualifier(version);
        let state = request
            .send()
            .await
            .aws_context(&format!("look at version {version} of the function {function}"))?;
        match state.state {
            // An emulator may tell none.
            None | Some(State::Active) => return Ok(()),
            Some(State::Failed) => {
                let why = state.state_reason.unwrap_or_else(|| "Lambda gives no reason".to_owned());
                return Err(not_ready().why(why).next("mend what it names, then: restctl deploy"));
            }
            Some(State::Inactive) => {
                let request = aws.lambda.invoke().function_name(function).qualifier(version);
                // It fails as long as the function is not ready, which is what is looked at.
                let _ = request.payload(Blob::new(event.to_string())).send().await;
            }
            Some(_) if Instant::now() >= deadline => {
                let why = format!("it is not active after {} s", READY.as_secs());
                return Err(not_ready().why(why).next("the same command again"));
            }
            Some(_) => {}
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}

/// The environment of a version of a function, or of the function as it is now where none is named.
pub(crate) async fn variables(
    aws: &Aws,
    function: &str,
    version: Option<&str>,
) -> Result<HashMap<String, String>> {
    let request = aws.lambda.get_function_configuration().function_name(function);
    let answer = request.set_qualifier(version.map(str::to_owned)).send().await;
    let answer = answer.aws_context(&format!("look at the environment of the function {function}"))?;
    Ok(answer.environment.and_then(|environment| environment.variables).unwrap_or_default())
}

pub(crate) async fn live(aws: &Aws, function: &str) -> Result<Alias> {
    let alias = aws.lambda.get_alias().function_name(function).name(LIVE).send().await;
    let alias = alias.aws_context(&format!("read the alias {LIVE} of the function {function}"))?;
    Ok(Alias {
        version: alias.function_version.unwrap_or_default(),
        description: alias.description.unwrap_or_default(),
    })
}

/// From now on whoever calls the function by its alias calls this version.
pub(crate) async fn shift(aws: &Aws, function: &str, to: &Alias) -> Result<()> {
    let request = aws.lambda.update_alias().function_name(function).name(LIVE);
    let request = request.function_version(&to.version).description(&to.description);
    request.send().await.aws_context(&format!("shift the alias {LIVE} of the function {function}"))?;
    Ok(())
}

/// How many functions of the account may run at a time, beside those with a reservation.
pub(crate) async fn unreserved_concurrency(aws: &Aws) -> Result<Option<i32>> {
    let answer = aws
        .lambda
        .get_account_settings()
        .send()
        .await
        .aws_context("read the account's settings of Lambda")?;
    Ok(answer.account_limit.and_then(|limit| limit.unreserved_concurrent_executions))
}

/// What a version answers to an event. A function that fails answers nothing: its error is the failure's reason.
pub(crate) async fn call(aws: &Aws, function: &str, version: &str, event: &Value) -> Result<Vec<u8>> {
    let request = aws.lambda.invoke().function_name(function).qualifier(version);
    let answer = request.payload(Blob::new(event.to_string())).send().await;
    let answer = answer.aws_context(&format!("call version {version} of the function {function}"))?;
    let payload = answer.payload.map(Blob::into_inner).unwrap_or_default();
    match answer.function_error {
        None => Ok(payload),
        Some(kind) => Err(Failure::new(format!("version {version} of the function {function} fails"))
            .why(format!("{kind}: {}", String::from_utf8_lossy(&payload)))
            .next("restctl logs, which says what it wrote")),
    }
}

/// How the polling of a queue for a function stands, such as `Enabled`; none where there is no such mapping.
pub(crate) async fn event_source_mapping(aws: &Aws, id: &str) -> Result<Option<String>> {
    let answer = aws.lambda.get_event_source_mapping().uuid(id).send().await;
    if matches!(&answer, Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_not_found_exception()))
    {
        return Ok(None);
    }
    let mapping = answer.aws_context(&format!("look at the event source mapping {id}"))?;
    Ok(Some(mapping.state.unwrap_or_else(|| "unknown".to_owned())))
}
