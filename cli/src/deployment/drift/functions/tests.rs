use aws_sdk_cloudformation::types::{Output, Parameter, StackStatus};
use axum::http::{StatusCode, Uri};

use super::*;
use crate::aws::cloudformation;
use crate::aws::test_server;

const ISSUERS: &str = r#"[{"issuer":"https://id.example.com/"}]"#;

fn package(name: &str) -> String {
    format!("{name}-{}.zip", digest::sha256_hex(name.as_bytes()))
}

fn stack() -> Stack {
    let parameter = |name: &str, value: &str| {
        Parameter::builder().parameter_key(name).parameter_value(value).resolved_value(ISSUERS).build()
    };
    let output = |name: &str, value: &str| Output::builder().output_key(name).output_value(value).build();
    let stack = aws_sdk_cloudformation::types::Stack::builder()
        .stack_name("restctl")
        .creation_time(aws_sdk_cloudformation::primitives::DateTime::from_secs(0))
        .stack_status(StackStatus::UpdateComplete)
        .parameters(parameter(parameter::API_PACKAGE, &package("api")))
        .parameters(parameter(parameter::INGEST_PACKAGE, &package("ingest")))
        .parameters(parameter(parameter::API_CONCURRENCY, "450"))
        .parameters(parameter(parameter::OPENAPI, "token"))
        .parameters(parameter(parameter::ISSUERS, "/restctl/restctl/issuers"))
        .outputs(output(stack_output::API_FUNCTION, "api"))
        .outputs(output(stack_output::INGEST_FUNCTION, "ingest"))
        .outputs(output(stack_output::ITEMS_TABLE, "items"));
    cloudformation::from_sdk(stack.build())
}

/// The function as Lambda describes it, with the defaults that it adds.
fn function(name: &str) -> Value {
    json!({
        "Configuration": {
            "FunctionName": name, "Runtime": "provided.al2023", "Timeout": 15, "Version": "$LATEST",
            "CodeSha256": digest::sha256_base64(name.as_bytes()), "Layers": [],
            "Environment": { "Variables": { "ITEMS_TABLE": "items", "ISSUERS": ISSUERS, "OPENAPI": "token" } },
            "VpcConfig": {
                "SubnetIds": [], "SecurityGroupIds": [], "VpcId": "", "Ipv6AllowedForDualStack": false
            },
            "EphemeralStorage": { "Size": 512 }, "SnapStart": { "ApplyOn": "None", "OptimizationStatus": "Off" },
            "LoggingConfig": {
                "LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO", "LogGroup": "logs"
            },
        },
        "Tags": { "team": "items" },
        "Concurrency": if name == "api" { json!({ "ReservedConcurrentExecutions": 450 }) } else { Value::Null },
    })
}

/// CloudFormation's comparison, as if it did not know the value of a parameter of Systems Manager.
fn comparison() -> String {
    let expected = json!({
        "Runtime": "provided.al2023", "Timeout": "15",
        "LoggingConfig": { "LogFormat": "JSON", "LogGroup": "logs" },
        "Environment": { "Variables": {
            "ITEMS_TABLE": "items", "ISSUERS": "/restctl/restctl/issuers", "OPENAPI": "token"
        } },
        "Tags": [{ "Key": "restctl:stack", "Value": "restctl" }],
    });
    format!(
        "<DetectStackResourceDriftResponse><DetectStackResourceDriftResult><StackResourceDrift>\
         <ResourceType>AWS::Lambda::Function</ResourceType><Timestamp>2026-12-01T12:00:00Z</Timestamp>\
         <StackResourceDriftStatus>IN_SYNC</StackResourceDriftStatus>\
         <ExpectedProperties>{}</ExpectedProperties><ActualProperties>{{}}</ActualProperties>\
         </StackResourceDrift></DetectStackResourceDriftResult></DetectStackResourceDriftResponse>",
        expected.to_string().replace('"', "&quot;")
    )
}

/// Compares the functions after `change` of the unpublished API function.
async fn compare_after(change: impl Fn(&mut Value) + Clone + Send + Sync + 'static) -> [ComparedFunction; 2] {
    let aws = test_server::connect(move |uri: Uri| {
        let path = uri.path().to_owned();
        let is_version = uri.query().is_some_and(|query| query.contains("Qualifier"));
        let answer = if path.ends_with("/aliases/live") {
            json!({ "FunctionVersion": "1", "Description": "" }).to_string()
        } else if path.contains("/functions/api") {
            let mut function = function("api");
            if !is_version {
                change(&mut function);
            }
            function.to_string()
        } else if path.contains("/functions/") {
            function("ingest").to_string()
        } else {
            comparison()
        };
        std::future::ready((StatusCode::OK, answer))
    })
    .await;
    compare_functions(&aws, &stack()).await.unwrap()
}

#[tokio::test]
async fn what_lambda_adds_is_no_drift() {
    let functions = compare_after(|_| {}).await;
    let drifts: Vec<_> = functions.iter().flat_map(ComparedFunction::drifts).collect();
    assert_eq!(drifts, []);
    assert_eq!(functions[0].expected["Environment"]["Variables"]["ISSUERS"], ISSUERS);
}

#[tokio::test]
async fn what_the_template_leaves_out_is_compared() {
    for (property, value, line) in [
        ("Layers", json!([{ "Arn": "l" }]), r#"Layers: expected nothing, actual ["l"]"#),
        (
            "FileSystemConfigs",
            json!([{ "Arn": "f", "LocalMountPath": "/mnt/f" }]),
            r#"FileSystemConfigs: expected nothing, actual [{"Arn":"f","LocalMountPath":"/mnt/f"}]"#,
        ),
        ("EphemeralStorage", json!({ "Size": 1024 }), "EphemeralStorage/Size: expected 512, actual 1024"),
        ("KMSKeyArn", json!("k"), "KmsKeyArn: expected nothing, actual k"),
        (
            "VpcConfig",
            json!({ "SubnetIds": ["s"], "SecurityGroupIds": ["g"] }),
            r#"VpcConfig: expected nothing, actual {"SubnetIds":["s"],"SecurityGroupIds":["g"]}"#,
        ),
        ("CodeSha256", json!("other"), "actual other"),
    ] {
        let functions =
            compare_after(move |function| function["Configuration"][property] = value.clone()).await;
        let lines = functions[0].function_drift().unwrap().to_lines();
        assert!(lines.len() == 1 && lines[0].contains(line), "{property}: {lines:?}");
        assert_eq!(functions[1].function_drift(), None);
        assert_eq!(functions[0].version_drift(), None);
    }
}

#[tokio::test]
async fn a_function_without_concurrency_has_drifted() {
    let functions =
        compare_after(|function| function["Concurrency"]["ReservedConcurrentExecutions"] = json!(0)).await;
    let lines = functions[0].function_drift().unwrap().to_lines();
    assert_eq!(lines, ["ApiFunction: ReservedConcurrentExecutions: expected 450, actual 0"]);
}

#[test]
fn the_key_of_a_package_has_its_digest() {
    assert_eq!(package_digest(&package("api")), Some(digest::sha256_base64(b"api")));
    assert_eq!(package_digest("restctl-api.zip"), None);
}
