use aws_sdk_cloudformation::types::{Output, Stack as SdkStack};
use axum::extract::Request;
use axum::http::StatusCode;
use serde_json::json;

use super::*;
use crate::aws::{cloudformation, test_server};
use crate::failure::AwsCause;

fn stack() -> Stack {
    let output = |name: &str, value: &str| Output::builder().output_key(name).output_value(value).build();
    cloudformation::from_sdk(
        SdkStack::builder()
            .stack_id("arn:aws:cloudformation:us-east-1:123456789012:stack/restctl/1")
            .outputs(output(stack_output::API_FUNCTION, "api"))
            .outputs(output(stack_output::INGEST_FUNCTION, "ingest"))
            .outputs(output(
                stack_output::LOAD_QUEUE,
                "https://sqs.us-east-1.amazonaws.com/123456789012/loads",
            ))
            .build(),
    )
}

/// Returns resources whose ids are their names.
fn resources() -> Vec<Resource> {
    let names =
        ["LoadBalancer", "HttpsListener", "ApiInvokePermission", "LoadMapping", "ApiRole", "IngestRole"];
    let resource = |name: &str| Resource { name: name.to_owned(), kind: String::new(), id: name.to_owned() };
    names.map(resource).into()
}

/// Finds the additions, with these answers of Lambda's API by the end of their paths. The other services list nothing.
async fn find_with(answers: fn(&str) -> Option<Value>) -> ComparedResources {
    let aws = test_server::connect(move |request: Request| async move {
        let uri = request.uri().to_string();
        match answers(&uri) {
            Some(answer) => (StatusCode::OK, answer.to_string()),
            None if uri == "/" => (StatusCode::OK, "<Answer/>".to_owned()),
            None => (StatusCode::NOT_FOUND, json!({ "__type": "ResourceNotFoundException" }).to_string()),
        }
    })
    .await;
    find_additions(&aws, &stack(), &resources()).await
}

fn mapping(id: &str, function: &str, queue: &str) -> Value {
    json!({
        "UUID": id,
        "FunctionArn": format!("arn:aws:lambda:us-east-1:123456789012:function:{function}"),
        "EventSourceArn": format!("arn:aws:sqs:us-east-1:123456789012:{queue}"),
    })
}

#[tokio::test]
async fn the_url_of_an_alias_is_removed_from_the_alias() {
    let found = find_with(|uri| {
        uri.contains("/functions/api/urls").then(|| {
            let url = |alias: &str, auth: &str| {
                json!({
                    "FunctionUrl": format!("https://{auth}.lambda-url.us-east-1.on.aws/"),
                    "FunctionArn": format!("arn:aws:lambda:us-east-1:123456789012:function:api{alias}"),
                    "AuthType": auth, "CreationTime": "", "LastModifiedTime": "",
                })
            };
            json!({ "FunctionUrlConfigs": [url(":live", "NONE"), url("", "AWS_IAM")] })
        })
    })
    .await;
    let commands: Vec<_> = found.drifts.iter().filter_map(|drift| drift.remove.as_deref()).collect();
    let command = "aws lambda delete-function-url-config --function-name api";
    assert_eq!(commands, [&*format!("{command} --qualifier live"), command]);
    assert_eq!(found.drifts.iter().map(is_open).collect::<Vec<_>>(), [true, false]);
}

#[tokio::test]
async fn a_mapping_counts_if_it_takes_loads_or_calls_the_ingest_function() {
    let found = find_with(|uri| {
        uri.contains("/event-source-mappings").then(|| {
            json!({ "EventSourceMappings": [
                mapping("LoadMapping", "ingest:live", "loads"),
                mapping("to-ingest", "ingest:live", "others"),
                mapping("from-queue", "other", "loads"),
                mapping("of-others", "ingest2", "others"),
            ] })
        })
    })
    .await;
    let ids: Vec<_> = found.drifts.iter().map(|drift| drift.physical_id.as_str()).collect();
    assert_eq!(ids, ["to-ingest", "from-queue"]);
}

#[tokio::test]
async fn a_permission_of_the_stack_is_no_addition() {
    let found = find_with(|uri| {
        uri.contains("/functions/api/policy").then(|| {
            let alias = if uri.contains("Qualifier=live") { ":live" } else { "" };
            let statement = |id: &str, principal: Value| {
                json!({
                    "Sid": id, "Principal": principal,
                    "Resource": format!("arn:aws:lambda:us-east-1:123456789012:function:api{alias}"),
                })
            };
            let statements = match alias {
                "" => vec![statement("everyone", json!("*"))],
                _ => vec![
                    statement(
                        "ApiInvokePermission",
                        json!({ "Service": "elasticloadbalancing.amazonaws.com" }),
                    ),
                    statement("other", json!({ "AWS": "arn:aws:iam::210987654321:root" })),
                ],
            };
            json!({ "Policy": json!({ "Statement": statements }).to_string() })
        })
    })
    .await;
    let lines: Vec<_> = found.drifts.iter().flat_map(ResourceDrift::to_lines).collect();
    assert_eq!(
        lines,
        [
            "permission everyone on ApiFunction: Principal: expected nothing, actual *",
            "permission other on ApiFunction: Principal: expected nothing, actual arn:aws:iam::210987654321:root",
        ]
    );
}

#[tokio::test]
async fn a_call_that_is_denied_is_not_no_addition() {
    let aws = test_server::connect(|| async {
        (StatusCode::FORBIDDEN, json!({ "__type": "AccessDeniedException" }).to_string())
    })
    .await;
    let found = find_additions(&aws, &stack(), &resources()).await;
    assert_eq!((found.drifts.len(), found.failures.len()), (0, 9));
    let lambda = found.failures.iter().filter(|failure| failure.aws_cause == Some(AwsCause::Denied));
    assert_eq!(lambda.count(), 5);
}
