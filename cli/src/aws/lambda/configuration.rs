//! What a function is made of, in the terms of CloudFormation.

use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use aws_sdk_lambda::types::{EphemeralStorage, FunctionConfiguration, SnapStartApplyOn, VpcConfigResponse};
use serde_json::{Value, json};

use crate::aws::Aws;
use crate::aws::error::{AwsContext, RESOURCE_NOT_FOUND};
use crate::failure::Result;

/// The property with the digest of the package, in Base64. CloudFormation knows the package by its key only.
pub(crate) const CODE_SHA_256: &str = "CodeSha256";

pub(crate) const RESERVED_CONCURRENCY: &str = "ReservedConcurrentExecutions";

/// The size of `/tmp` if nothing sets another one ("CreateFunction", AWS Lambda API Reference).
pub(crate) const DEFAULT_STORAGE_MB: i32 = 512;

/// Returns the properties of a version, or of the unpublished function if `version` is `None`, as `AWS::Lambda::Function`
/// names them ("AWS::Lambda::Function", AWS CloudFormation Template Reference), with [`CODE_SHA_256`]. Those that are not set are
/// null. Returns `None` if there is no such function or version.
pub(crate) async fn read_function_properties(
    aws: &Aws,
    function: &str,
    version: Option<&str>,
) -> Result<Option<Value>> {
    let request = aws.lambda.get_function().function_name(function).set_qualifier(version.map(str::to_owned));
    let answer = request.send().await;
    if answer.error_code() == Some(RESOURCE_NOT_FOUND) {
        return Ok(None);
    }
    Ok(Some(to_properties(answer.aws_context(&format!("read the function {function}"))?)))
}

fn to_properties(function: GetFunctionOutput) -> Value {
    let reserved = function.concurrency.and_then(|concurrency| concurrency.reserved_concurrent_executions);
    let Some(configuration) = function.configuration else { return Value::Null };
    let mut properties = configured_properties(&configuration);
    properties[RESERVED_CONCURRENCY] = json!(reserved);
    properties
}

fn configured_properties(function: &FunctionConfiguration) -> Value {
    let variables = function.environment().and_then(|environment| environment.variables());
    let layers: Vec<_> = function.layers().iter().filter_map(|layer| layer.arn()).collect();
    let mounts = function.file_system_configs().iter();
    let mounts: Vec<_> = mounts
        .map(|mount| json!({ "Arn": mount.arn(), "LocalMountPath": mount.local_mount_path() }))
        .collect();
    // A region may not return what it does not offer.
    let storage = function.ephemeral_storage().map(EphemeralStorage::size);
    let snapshot = function.snap_start().and_then(|snapshot| snapshot.apply_on());
    let architectures: Vec<_> = function.architectures().iter().map(|it| it.as_str()).collect();
    json!({
        CODE_SHA_256: function.code_sha256(),
        "Description": function.description(),
        "Runtime": function.runtime().map(|runtime| runtime.as_str()),
        "Handler": function.handler(),
        "Architectures": architectures,
        "Role": function.role(),
        "Timeout": function.timeout(),
        "MemorySize": function.memory_size(),
        "Environment": variables.map(|variables| json!({ "Variables": variables })),
        "TracingConfig": function.tracing_config().map(|tracing| json!({ "Mode": tracing.mode().map(|mode| mode.as_str()) })),
        "LoggingConfig": function.logging_config().map(|logging| json!({
            "LogFormat": logging.log_format().map(|format| format.as_str()),
            "LogGroup": logging.log_group(),
        })),
        "VpcConfig": function.vpc_config().and_then(network_properties),
        "Layers": (!layers.is_empty()).then_some(layers),
        "FileSystemConfigs": (!mounts.is_empty()).then_some(mounts),
        "DeadLetterConfig": function.dead_letter_config().map(|letters| json!({ "TargetArn": letters.target_arn() })),
        "KmsKeyArn": function.kms_key_arn().filter(|key| !key.is_empty()),
        "EphemeralStorage": { "Size": storage.unwrap_or(DEFAULT_STORAGE_MB) },
        "SnapStart": { "ApplyOn": snapshot.map_or("None", SnapStartApplyOn::as_str) },
    })
}

/// A function that has left a network has an empty one.
fn network_properties(network: &VpcConfigResponse) -> Option<Value> {
    let (subnets, groups) = (network.subnet_ids(), network.security_group_ids());
    (!subnets.is_empty()).then(|| json!({ "SubnetIds": subnets, "SecurityGroupIds": groups }))
}
