//! Changes of the unpublished function, each only if nobody else has changed it since it was read.

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::operation::update_function_configuration::builders::UpdateFunctionConfigurationFluentBuilder;
use aws_sdk_lambda::types::{
    DeadLetterConfig, Environment, EphemeralStorage, LastUpdateStatus, LogFormat, LoggingConfig, SnapStart,
    SnapStartApplyOn, TracingConfig, TracingMode, VpcConfig,
};
use aws_sdk_s3::config::http::HttpResponse;
use serde_json::Value;

use crate::aws::Aws;
use crate::aws::error::{AwsContext, RESOURCE_NOT_FOUND};
use crate::failure::{AwsCause, Failure, Result};

/// In a VPC, an update takes a minute or two ("Lambda function states", AWS Lambda Developer Guide).
const UPDATE_TIMEOUT: Duration = Duration::from_secs(300);

const PAUSE: Duration = Duration::from_millis(500);

/// The error codes for a function that has changed since its revision was read, or that is being changed.
const CHANGED_MEANWHILE: [&str; 2] = ["PreconditionFailedException", "ResourceConflictException"];

/// The last update of the unpublished function, which has ended.
#[derive(Default)]
pub(crate) struct EndedUpdate {
    /// The function's revision since. `None` if there is no such function, or if an emulator counts no revisions.
    revision: Option<String>,
    /// `None` if the update succeeded.
    failure: Option<Failure>,
}

impl EndedUpdate {
    pub(crate) fn revision(&self) -> Option<&str> {
        self.revision.as_deref()
    }

    pub(crate) fn check_success(&self) -> Result<()> {
        self.failure.clone().map_or(Ok(()), Err)
    }
}

/// Waits until the last update of the unpublished function has ended, whether or not it succeeded.
pub(crate) async fn wait_until_updated(aws: &Aws, function: &str) -> Result<EndedUpdate> {
    let not_updated = || Failure::new(format!("the function {function} was not updated"));
    let attempt = async || {
        let read = aws.lambda.get_function_configuration().function_name(function).send().await;
        if read.error_code() == Some(RESOURCE_NOT_FOUND) {
            return Ok(Some(EndedUpdate::default()));
        }
        let read = read.aws_context(&format!("read the function {function}"))?;
        let failure = match read.last_update_status {
            Some(LastUpdateStatus::InProgress) => return Ok(None),
            Some(LastUpdateStatus::Failed) => {
                let why = read.last_update_status_reason;
                let why = why.unwrap_or_else(|| "Lambda gave no reason".to_owned());
                Some(not_updated().why(why).next("fix what it names, then: restctl deploy"))
            }
            _ => None,
        };
        Ok(Some(EndedUpdate { revision: read.revision_id, failure }))
    };
    aws.clock.poll(PAUSE, UPDATE_TIMEOUT, attempt).await?.ok_or_else(|| {
        let why = format!("its update has taken more than {} s", UPDATE_TIMEOUT.as_secs());
        not_updated().why(why).next("run the same command again")
    })
}

/// Sets the `properties` of the function, by their names in `AWS::Lambda::Function`; null is what AWS does without the property.
/// Leaves alone what UpdateFunctionConfiguration does not set.
pub(crate) async fn update_configuration(
    aws: &Aws,
    function: &str,
    revision: Option<&str>,
    properties: &[(&str, &Value)],
) -> Result<()> {
    let request = aws
        .lambda
        .update_function_configuration()
        .function_name(function)
        .set_revision_id(revision.map(str::to_owned));
    let set = |request, (name, value): &(&str, &Value)| set_property(request, name, value);
    let request = properties.iter().fold(request, set);
    unless_changed(request.send().await, function, "change the configuration of")?;
    Ok(())
}

/// An empty list, key or ARN removes the setting (the patterns of "UpdateFunctionConfiguration", AWS Lambda API Reference).
fn set_property(
    request: UpdateFunctionConfigurationFluentBuilder,
    name: &str,
    value: &Value,
) -> UpdateFunctionConfigurationFluentBuilder {
    let (text, number) = (text_of(value), number_of(value));
    let member = |name: &str| text_of(&value[name]);
    match name {
        "Description" => request.description(text),
        "Runtime" => request.runtime(text.as_str().into()),
        "Handler" => request.handler(text),
        "Role" => request.role(text),
        "Timeout" => request.set_timeout(number),
        "MemorySize" => request.set_memory_size(number),
        "KmsKeyArn" => request.kms_key_arn(text),
        "Layers" => request.set_layers(Some(texts_of(value))),
        "FileSystemConfigs" if value.is_null() => request.set_file_system_configs(Some(Vec::new())),
        "DeadLetterConfig" => {
            request.dead_letter_config(DeadLetterConfig::builder().target_arn(member("TargetArn")).build())
        }
        "Environment" => {
            let variables = value["Variables"].as_object().into_iter().flatten();
            let variables: HashMap<_, _> =
                variables.map(|(name, value)| (name.clone(), text_of(value))).collect();
            request.environment(Environment::builder().set_variables(Some(variables)).build())
        }
        "TracingConfig" => {
            let mode = value["Mode"].as_str().map_or(TracingMode::PassThrough, TracingMode::from);
            request.tracing_config(TracingConfig::builder().mode(mode).build())
        }
        "LoggingConfig" => {
            let format = value["LogFormat"].as_str().map_or(LogFormat::Text, LogFormat::from);
            let group = value["LogGroup"].as_str().map(str::to_owned);
            let logging = LoggingConfig::builder().log_format(format).set_log_group(group);
            request.logging_config(logging.build())
        }
        "VpcConfig" => {
            let network = VpcConfig::builder().set_subnet_ids(Some(texts_of(&value["SubnetIds"])));
            let groups = Some(texts_of(&value["SecurityGroupIds"]));
            request.vpc_config(network.set_security_group_ids(groups).build())
        }
        "EphemeralStorage" => {
            let size = number_of(&value["Size"]).unwrap_or(512);
            request.set_ephemeral_storage(EphemeralStorage::builder().size(size).build().ok())
        }
        "SnapStart" => {
            let apply_on = value["ApplyOn"].as_str().map_or(SnapStartApplyOn::None, SnapStartApplyOn::from);
            request.snap_start(SnapStart::builder().apply_on(apply_on).build())
        }
        _ => request,
    }
}

/// Replaces the code by the package in S3, and sets the architecture that it was built for.
pub(crate) async fn update_code(
    aws: &Aws,
    function: &str,
    revision: Option<&str>,
    (bucket, key): (&str, &str),
    architecture: &str,
) -> Result<()> {
    let request = aws
        .lambda
        .update_function_code()
        .function_name(function)
        .set_revision_id(revision.map(str::to_owned));
    let request = request.s3_bucket(bucket).s3_key(key).architectures(architecture.into());
    unless_changed(request.send().await, function, "change the code of")?;
    Ok(())
}

/// Reserves concurrency for the function, or none.
pub(crate) async fn set_reserved_concurrency(aws: &Aws, function: &str, reserved: &Value) -> Result<()> {
    let what = format!("change the reserved concurrency of the function {function}");
    match number_of(reserved) {
        Some(number) => {
            let request = aws.lambda.put_function_concurrency().function_name(function);
            request.reserved_concurrent_executions(number).send().await.aws_context(&what)?;
        }
        None => {
            aws.lambda
                .delete_function_concurrency()
                .function_name(function)
                .send()
                .await
                .aws_context(&what)?;
        }
    }
    Ok(())
}

/// Publishes the function as it was read: with that `revision`, and with that digest of its package in Base64. If the function
/// has not changed since the newest version, returns that one.
pub(crate) async fn publish_version(
    aws: &Aws,
    function: &str,
    revision: Option<&str>,
    code_sha256: Option<&str>,
) -> Result<String> {
    let request = aws.lambda.publish_version().function_name(function);
    let request =
        request.set_revision_id(revision.map(str::to_owned)).set_code_sha256(code_sha256.map(str::to_owned));
    let published = unless_changed(request.send().await, function, "publish a version of")?;
    published.version.ok_or_else(|| Failure::new("Lambda returned no version"))
}

/// Fails with [`AwsCause::Outdated`] if the function has another revision. That alone does not prove that someone else has changed
/// it: a request whose answer was lost has changed it, too.
fn unless_changed<T, E>(
    answer: Result<T, SdkError<E, HttpResponse>>,
    function: &str,
    doing: &str,
) -> Result<T>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    if answer.error_code().is_some_and(|code| CHANGED_MEANWHILE.contains(&code)) {
        return Err(Failure::new(format!("cannot {doing} the function {function}: it has just been changed"))
            .aws_cause(AwsCause::Outdated)
            .why("someone else changed it during this deployment; neither version went live")
            .next("find out who (CloudTrail: UpdateFunctionConfiguration, UpdateFunctionCode), then: restctl deploy"));
    }
    answer.aws_context(&format!("{doing} the function {function}"))
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts_of(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(text_of).collect()
}

/// CloudFormation may write a number as a text, such as that of a parameter.
fn number_of(value: &Value) -> Option<i32> {
    match value {
        Value::String(text) => text.parse().ok(),
        number => number.as_i64().and_then(|number| number.try_into().ok()),
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};

    use axum::extract::Request;
    use axum::http::StatusCode;
    use serde_json::json;

    use super::*;
    use crate::aws::test_server;

    #[tokio::test]
    async fn what_the_template_leaves_out_is_removed() {
        let sent: Arc<Mutex<String>> = Arc::default();
        let kept = Arc::clone(&sent);
        let aws = test_server::connect(move |body: String| {
            *kept.lock().unwrap() = body;
            ready("{}")
        })
        .await;
        let names = [
            "Layers",
            "FileSystemConfigs",
            "DeadLetterConfig",
            "KmsKeyArn",
            "EphemeralStorage",
            "SnapStart",
            "VpcConfig",
            "TracingConfig",
            "Environment",
        ];
        let properties = names.map(|name| (name, &Value::Null));
        update_configuration(&aws, "api", Some("r1"), &properties).await.unwrap();
        let sent: Value = serde_json::from_str(&sent.lock().unwrap()).unwrap();
        let expected = json!({
            "RevisionId": "r1", "Layers": [], "FileSystemConfigs": [], "DeadLetterConfig": { "TargetArn": "" },
            "KMSKeyArn": "", "EphemeralStorage": { "Size": 512 }, "SnapStart": { "ApplyOn": "None" },
            "VpcConfig": { "SubnetIds": [], "SecurityGroupIds": [] }, "TracingConfig": { "Mode": "PassThrough" },
            "Environment": { "Variables": {} },
        });
        assert_eq!(sent, expected);
    }

    #[tokio::test]
    async fn a_function_that_someone_else_has_changed_is_not_published() {
        for code in CHANGED_MEANWHILE {
            let answer = format!(r#"{{"__type":"{code}"}}"#);
            let aws = test_server::connect(move || {
                let answer = answer.clone();
                async { (StatusCode::PRECONDITION_FAILED, answer) }
            })
            .await;
            let failure =
                publish_version(&aws, "api", Some("r1"), Some("sha")).await.unwrap_err().to_string();
            assert!(failure.contains("the function api: it has just been changed"), "{failure}");
            assert!(failure.contains("then: restctl deploy"), "{failure}");
        }
    }

    #[tokio::test]
    async fn an_update_is_waited_for_and_its_failure_is_told() {
        let looks = AtomicUsize::new(0);
        let aws = test_server::connect({
            let looks = Arc::new(looks);
            move |_: Request| {
                let status =
                    if looks.fetch_add(1, Ordering::SeqCst) < 3 { "InProgress" } else { "Successful" };
                ready(format!(r#"{{"LastUpdateStatus":"{status}","RevisionId":"r2"}}"#))
            }
        })
        .await;
        let ended = wait_until_updated(&aws, "api").await.unwrap();
        assert_eq!((ended.revision(), ended.check_success().is_ok()), (Some("r2"), true));
        assert_eq!(aws.clock.slept(), 3 * PAUSE);

        let failed =
            r#"{"LastUpdateStatus":"Failed","LastUpdateStatusReason":"no subnet","RevisionId":"r3"}"#;
        let aws = test_server::connect(move || ready(failed)).await;
        let ended = wait_until_updated(&aws, "api").await.unwrap();
        assert_eq!(ended.revision(), Some("r3"), "it can be updated again");
        let failure = ended.check_success().unwrap_err().to_string();
        assert!(failure.contains("no subnet"), "{failure}");

        let aws = test_server::connect(|| ready(r#"{"LastUpdateStatus":"InProgress"}"#)).await;
        let failure = wait_until_updated(&aws, "api").await.err().unwrap().to_string();
        assert!(failure.contains("more than 300 s"), "{failure}");
    }
}
