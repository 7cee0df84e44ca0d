//! AWS Lambda: versions of a function, its alias `live`, and calls.

pub(crate) mod access;
pub(crate) mod concurrency;
pub(crate) mod configuration;
pub(crate) mod update;

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_lambda::operation::invoke::InvokeOutput;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{AliasRoutingConfiguration, State};
use restctl_contract::template::LIVE;
use serde_json::Value;

use super::Aws;
use super::error::{AwsContext, RESOURCE_NOT_FOUND};
use crate::failure::{Failure, Result, shell_argument};

/// In a VPC, a new version gets its network interface after a minute or two.
const READY_TIMEOUT: Duration = Duration::from_secs(300);

/// The alias `live` of a function.
pub(crate) struct Alias {
    pub(crate) version: String,
    pub(crate) description: String,
    /// Changes with each update of the alias.
    pub(crate) revision: Option<String>,
    /// Other versions that get a share of the calls.
    pub(crate) additional_versions: Vec<String>,
}

/// What to do if Lambda has failed to prepare a version.
pub(crate) const FIX_FAILED_VERSION: &str = "fix what it names, then: restctl deploy";

/// Whether a version can be invoked.
pub(crate) struct VersionState {
    /// An emulator may return none.
    pub(crate) state: Option<State>,
    pub(crate) reason: String,
}

/// Returns the state of a version, or of the version of an alias.
pub(crate) async fn read_version_state(aws: &Aws, function: &str, version: &str) -> Result<VersionState> {
    let request = aws.lambda.get_function_configuration().function_name(function).qualifier(version);
    let answer = request.send().await;
    let read = answer.aws_context(&format!("read version {version} of the function {function}"))?;
    let reason = read.state_reason.unwrap_or_else(|| "Lambda gave no reason".to_owned());
    Ok(VersionState { state: read.state, reason })
}

/// Waits until the version can be invoked. A version that has been idle for weeks has lost its network interfaces. The next
/// call fails and makes new ones ("Lambda function states", AWS Lambda Developer Guide); `event` is the event of that call.
pub(crate) async fn wait_until_active(aws: &Aws, function: &str, version: &str, event: &Value) -> Result<()> {
    let deadline = aws.clock.now() + READY_TIMEOUT;
    let mut pause = Duration::from_millis(200);
    let mut failed_call = None;
    let not_ready =
        || Failure::new(format!("version {version} of the function {function} did not become ready"));
    loop {
        let VersionState { state, reason } = read_version_state(aws, function, version).await?;
        match state {
            None | Some(State::Active) => return Ok(()),
            Some(State::Failed) => return Err(not_ready().why(reason).next(FIX_FAILED_VERSION)),
            Some(_) if aws.clock.now() >= deadline => {
                let failure = not_ready().next("run the same command again");
                let failure = failure.why(format!("it is not active after {} s", READY_TIMEOUT.as_secs()));
                return Err(failure.and(failed_call));
            }
            Some(State::Inactive) => match invoke(aws, function, version, event).await {
                Err(denied) if denied.is_denied() => return Err(denied),
                // The call fails until the function is active, which the next round checks.
                called => failed_call = called.err(),
            },
            Some(_) => {}
        }
        aws.clock.sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}

/// Returns the environment variables of a version, or of the unpublished function if `version` is `None`.
pub(crate) async fn read_environment(
    aws: &Aws,
    function: &str,
    version: Option<&str>,
) -> Result<HashMap<String, String>> {
    let request = aws.lambda.get_function_configuration().function_name(function);
    let answer = request.set_qualifier(version.map(str::to_owned)).send().await;
    let answer = answer.aws_context(&format!("read the environment of the function {function}"))?;
    Ok(answer.environment.and_then(|environment| environment.variables).unwrap_or_default())
}

pub(crate) async fn read_live_alias(aws: &Aws, function: &str) -> Result<Alias> {
    find_live_alias(aws, function).await?.ok_or_else(|| {
        Failure::new(format!("cannot read the alias {LIVE} of the function {function}"))
            .why("it does not exist")
    })
}

/// Returns `None` if the function has no alias `live`.
pub(crate) async fn find_live_alias(aws: &Aws, function: &str) -> Result<Option<Alias>> {
    let alias = aws.lambda.get_alias().function_name(function).name(LIVE).send().await;
    if alias.error_code() == Some(RESOURCE_NOT_FOUND) {
        return Ok(None);
    }
    let alias = alias.aws_context(&format!("read the alias {LIVE} of the function {function}"))?;
    let weights = alias.routing_config.and_then(|routing| routing.additional_version_weights);
    Ok(Some(Alias {
        version: alias.function_version.unwrap_or_default(),
        description: alias.description.unwrap_or_default(),
        revision: alias.revision_id,
        additional_versions: weights.unwrap_or_default().into_keys().collect(),
    }))
}

/// Points the alias `live` at the version of `to` alone, and returns the new revision. If `to` has a revision, fails unless the
/// alias still has it.
pub(crate) async fn update_live_alias(aws: &Aws, function: &str, to: &Alias) -> Result<Option<String>> {
    let request = aws.lambda.update_alias().function_name(function).name(LIVE);
    let request = request.function_version(&to.version).description(&to.description);
    // Without it, Lambda would keep the weights of other versions.
    let no_weights =
        AliasRoutingConfiguration::builder().set_additional_version_weights(Some(HashMap::new()));
    let request = request.routing_config(no_weights.build());
    let answer = request.set_revision_id(to.revision.clone()).send().await;
    if answer.error_code() == Some("PreconditionFailedException") {
        // If the answer to the first attempt was lost, the next one finds the revision that the first has made.
        let now = read_live_alias(aws, function).await?;
        if (&now.version, &now.description) == (&to.version, &to.description) {
            return Ok(now.revision);
        }
        return Err(Failure::new(format!(
            "the live version of the function {function} has changed in the meantime"
        ))
        .why("another deployment or rollback came first"));
    }
    Ok(answer.aws_context(&format!("update the alias {LIVE} of the function {function}"))?.revision_id)
}

/// Invokes a version with an event and returns its answer. If the function fails, its error is the reason of the failure.
pub(crate) async fn invoke_version(
    aws: &Aws,
    function: &str,
    version: &str,
    event: &Value,
) -> Result<Vec<u8>> {
    let answer = invoke(aws, function, version, event).await?;
    let payload = answer.payload.map(Blob::into_inner).unwrap_or_default();
    match answer.function_error {
        None => Ok(payload),
        Some(kind) => Err(Failure::new(format!("version {version} of the function {function} failed"))
            .why(format!("{kind}: {}", String::from_utf8_lossy(&payload)))
            .next("restctl logs, which shows what it logged")),
    }
}

async fn invoke(aws: &Aws, function: &str, version: &str, event: &Value) -> Result<InvokeOutput> {
    let request = aws.lambda.invoke().function_name(function).qualifier(version);
    let answer = request.payload(Blob::new(event.to_string())).send().await;
    answer.aws_context(&format!("invoke version {version} of the function {function}"))
}

/// The type of an event source mapping.
pub(crate) const MAPPING: &str = "AWS::Lambda::EventSourceMapping";

/// An event source mapping, which gives a function the messages of a queue.
pub(crate) struct EventSourceMapping {
    pub(crate) state: MappingState,
    /// Why Lambda has changed the state. `None` if a user has.
    pub(crate) reason: Option<String>,
}

/// Whether a mapping gives the function messages ("EventSourceMappingConfiguration", AWS Lambda API Reference).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MappingState {
    Enabled,
    /// It is about to be enabled. Other states are temporary.
    Changing,
    /// Or about to be.
    Disabled,
    Deleting,
}

impl MappingState {
    fn parse(state: Option<&str>) -> Self {
        match state {
            Some("Enabled") => Self::Enabled,
            Some("Disabled" | "Disabling") => Self::Disabled,
            Some("Deleting") => Self::Deleting,
            _ => Self::Changing,
        }
    }
}

/// Returns the event source mapping, or `None` if there is no such mapping.
pub(crate) async fn find_event_source_mapping(aws: &Aws, id: &str) -> Result<Option<EventSourceMapping>> {
    let answer = aws.lambda.get_event_source_mapping().uuid(id).send().await;
    if answer.error_code() == Some(RESOURCE_NOT_FOUND) {
        return Ok(None);
    }
    let mapping = answer.aws_context(&format!("read the event source mapping {id}"))?;
    Ok(Some(EventSourceMapping {
        state: MappingState::parse(mapping.state.as_deref()),
        reason: mapping
            .state_transition_reason
            .filter(|reason| !matches!(reason.as_str(), "USER_INITIATED" | "User action")),
    }))
}

/// Returns the command that enables an event source mapping.
pub(crate) fn enable_mapping_command(id: &str) -> String {
    format!("aws lambda update-event-source-mapping --uuid {} --enabled", shell_argument(id, "UUID"))
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use axum::extract::Request;
    use axum::http::StatusCode;

    use super::*;
    use crate::aws::test_server;

    /// Waits for a version that stays inactive, and whose calls fail with this error code.
    async fn wait_for_inactive(code: &str) -> (Aws, Failure) {
        let refusal = format!(r#"{{"__type":"{code}","message":"not now"}}"#);
        let aws = test_server::connect(move |request: Request| {
            ready(if request.uri().path().ends_with("/invocations") {
                (StatusCode::BAD_REQUEST, refusal.clone())
            } else {
                (StatusCode::OK, r#"{"State":"Inactive"}"#.to_owned())
            })
        })
        .await;
        let failure = wait_until_active(&aws, "api", "7", &Value::Null).await.unwrap_err();
        (aws, failure)
    }

    #[tokio::test]
    async fn a_version_that_stays_inactive_is_given_up() {
        let (_, failure) = wait_for_inactive("ResourceConflictException").await;
        let failure = failure.to_string();
        assert!(failure.contains("version 7 of the function api did not become ready"), "{failure}");
        assert!(failure.contains("it is not active after 300 s"), "{failure}");
        assert!(failure.contains("ResourceConflictException: not now"), "{failure}");
    }

    #[tokio::test]
    async fn a_version_that_may_not_be_called_is_not_waited_for() {
        let (aws, failure) = wait_for_inactive("AccessDeniedException").await;
        assert!(failure.is_denied(), "{failure}");
        assert_eq!(aws.clock.slept(), Duration::ZERO);
    }
}
