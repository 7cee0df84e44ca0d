use std::future::ready;

use axum::http::{HeaderMap, StatusCode, Uri};

use super::*;
use crate::aws::cloudformation;
use crate::aws::test_server;
use crate::failure::AwsCause;

/// The form of the example of `DetectStackResourceDrift` (AWS CloudFormation API Reference).
fn drift_answer(status: &str, more: &str) -> String {
    format!(
        "<DetectStackResourceDriftResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\">\
         <DetectStackResourceDriftResult><StackResourceDrift>\
         <StackId>arn:aws:cloudformation:us-east-1:123456789012:stack/restctl/1</StackId>\
         <LogicalResourceId>R</LogicalResourceId><PhysicalResourceId>r-1</PhysicalResourceId>\
         <ResourceType>AWS::X::Y</ResourceType><Timestamp>2026-12-01T12:00:00.000Z</Timestamp>\
         <StackResourceDriftStatus>{status}</StackResourceDriftStatus>{more}\
         </StackResourceDrift></DetectStackResourceDriftResult></DetectStackResourceDriftResponse>"
    )
}

fn modified(path: &str, kind: &str, expected: &str, actual: &str) -> String {
    let properties = "<ExpectedProperties>{}</ExpectedProperties><ActualProperties>{}</ActualProperties>";
    drift_answer(
        "MODIFIED",
        &format!(
            "{properties}<PropertyDifferences><member><PropertyPath>{path}</PropertyPath><DifferenceType>{kind}\
             </DifferenceType><ExpectedValue>{expected}</ExpectedValue><ActualValue>{actual}</ActualValue></member>\
             </PropertyDifferences>"
        ),
    )
}

fn stack() -> Stack {
    let stack = aws_sdk_cloudformation::types::Stack::builder().stack_name("restctl").stack_id("restctl");
    let complete = aws_sdk_cloudformation::types::StackStatus::UpdateComplete;
    cloudformation::from_sdk(
        stack
            .stack_status(complete)
            .creation_time(aws_sdk_cloudformation::primitives::DateTime::from_secs(0))
            .build(),
    )
}

/// Compares one resource, to which CloudFormation answers so.
async fn compare_with(name: &str, status: u16, answer: String) -> (Aws, ComparedResources) {
    compare_with_service(name, "AWS::X::Y", status, answer, GONE).await
}

/// The Cloud Control API's answers for a resource that does not exist, and for one that does.
const GONE: (u16, &str) = (400, r#"{"__type":"ResourceNotFoundException"}"#);
const THERE: (u16, &str) = (200, r#"{"ResourceDescription":{"Properties":"{}"}}"#);

/// Likewise, where the Cloud Control API answers the `reading` of the resource.
async fn compare_with_service(
    name: &str,
    kind: &str,
    status: u16,
    answer: String,
    reading: (u16, &'static str),
) -> (Aws, ComparedResources) {
    let aws = test_server::connect(move |uri: Uri, headers: HeaderMap| {
        let is_reading = headers.contains_key("x-amz-target");
        // S3 names the bucket in the path.
        let answer =
            if uri.path().len() > 1 { "<NotificationConfiguration/>".to_owned() } else { answer.clone() };
        let (status, answer) = if is_reading { (reading.0, reading.1.to_owned()) } else { (status, answer) };
        async move { (StatusCode::from_u16(status).unwrap(), answer) }
    })
    .await;
    let resource = Resource { name: name.to_owned(), kind: kind.to_owned(), id: "r-1".to_owned() };
    let compared = compare_resources(&aws, &stack(), &[resource]).await;
    (aws, compared)
}

#[tokio::test]
async fn a_difference_is_named_with_both_values() {
    let certificate = modified("/Certificates/0/CertificateArn", "NOT_EQUAL", "arn:one", "arn:other");
    let (_, found) = compare_with("HttpsListener", 200, certificate).await;
    let lines = found.drifts[0].to_lines();
    assert_eq!(lines, ["HttpsListener: Certificates/0/CertificateArn: expected arn:one, actual arn:other"]);
    assert_eq!(found.drifts[0].kind, "AWS::X::Y");
    let added =
        modified("/SecurityGroupIngress/1", "ADD", "null", "{&quot;CidrIp&quot;:&quot;0.0.0.0/0&quot;}");
    let (_, found) = compare_with("LoadBalancerSecurityGroup", 200, added).await;
    assert_eq!(found.drifts[0].differences[0].expected, None);
}

#[tokio::test]
async fn a_deleted_resource_has_drifted() {
    let (_, found) = compare_with("LoadQueue", 200, drift_answer("DELETED", "")).await;
    assert!(found.drifts[0].is_deleted());
    let (_, found) = compare_with("LoadQueue", 200, drift_answer("IN_SYNC", "")).await;
    assert_eq!((found.drifts, found.compared), (Vec::new(), 1));
}

#[tokio::test]
async fn a_deletion_counts_only_if_it_is_confirmed() {
    let deleted = || drift_answer("DELETED", "");
    for (kind, reading, why) in [
        ("AWS::SQS::Queue", THERE, "its service says that it exists"),
        (
            "AWS::SQS::Queue",
            (403, r#"{"__type":"AccessDeniedException"}"#),
            "cannot confirm that LoadQueue was deleted",
        ),
        ("AWS::SQS::QueuePolicy", GONE, "no call reads such a resource"),
    ] {
        let (_, found) = compare_with_service("LoadQueue", kind, 200, deleted(), reading).await;
        assert_eq!(found.drifts, [], "{why}");
        let failure = found.failures[0].to_single_line();
        assert!(failure.contains(why), "{failure}");
    }
}

#[tokio::test]
async fn what_does_not_count_is_no_drift() {
    for (name, path, expected) in [
        ("LoadQueue", "/Tags/0", "x"),
        ("LoadBalancer", "/LoadBalancerAttributes/3", "null"),
        ("ApiTargetGroup", "/Targets/0/Id", "x"),
    ] {
        let (_, found) = compare_with(name, 200, modified(path, "ADD", expected, "y")).await;
        assert_eq!(found.drifts, [], "{path}");
    }
    let attribute = modified("/LoadBalancerAttributes/0/Value", "NOT_EQUAL", "true", "false");
    assert_eq!(compare_with("LoadBalancer", 200, attribute).await.1.drifts.len(), 1);
}

#[tokio::test]
async fn a_bucket_without_events_has_drifted_even_if_cloudformation_sees_nothing() {
    let (_, found) = compare_with("DataBucket", 200, drift_answer("IN_SYNC", "")).await;
    assert_eq!(
        found.drifts[0].to_lines(),
        ["DataBucket: NotificationConfiguration/EventBridgeConfiguration: expected enabled, actual nothing"]
    );
}

#[tokio::test]
async fn what_cannot_be_compared_is_told_apart() {
    let refusal = |code: &str, message: &str| {
        format!(
            "<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        )
    };
    let error = |code: &str| refusal(code, "no");
    let message = "Drift detection is not supported for the specified ResourceType";
    let (_, unsupported) = compare_with("LoadQueuePolicy", 400, refusal("ValidationError", message)).await;
    assert_eq!((unsupported.compared, unsupported.not_comparable, unsupported.failures.len()), (0, 1, 0));
    let message = "Stack [restctl] does not exist";
    let (_, gone) = compare_with("LoadQueuePolicy", 400, refusal("ValidationError", message)).await;
    assert_eq!((gone.compared, gone.not_comparable, gone.failures.len()), (0, 0, 1));
    let (_, denied) = compare_with("LoadQueue", 403, error("AccessDenied")).await;
    assert_eq!(denied.failures[0].aws_cause, Some(AwsCause::Denied));
    let unknown =
        drift_answer("UNKNOWN", "<DriftStatusReason>sqs:GetQueueAttributes is denied</DriftStatusReason>");
    let (_, unknown) = compare_with("LoadQueue", 200, unknown).await;
    assert!(unknown.failures[0].to_string().contains("sqs:GetQueueAttributes is denied"));
}

#[tokio::test]
async fn all_resources_together_are_waited_for_if_cloudformation_throttles() {
    let refusal =
        "<ErrorResponse><Error><Code>Throttling</Code><Message>no</Message></Error></ErrorResponse>";
    let aws = test_server::connect(move || ready((StatusCode::BAD_REQUEST, refusal))).await;
    let resources = COMPARED.map(|name| Resource {
        name: name.to_owned(),
        kind: "AWS::X::Y".to_owned(),
        id: "r-1".to_owned(),
    });
    let found = compare_resources(&aws, &stack(), &resources).await;
    assert_eq!(found.failures.len(), COMPARED.len());
    assert!(found.failures[0].to_string().contains("refuses so many calls"));
    assert_eq!(aws.clock.slept(), cloudformation::drift::PATIENCE);
}

/// A resource that is added to the template has to be compared, or listed here.
#[test]
fn each_resource_of_the_template_is_compared_or_left_out_on_purpose() {
    let left_out = [
        "AWS::EC2::VPC",
        "AWS::EC2::InternetGateway",
        "AWS::EC2::VPCGatewayAttachment",
        "AWS::EC2::Subnet",
        "AWS::EC2::RouteTable",
        "AWS::EC2::Route",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::EIP",
        "AWS::EC2::NatGateway",
        "AWS::Route53::RecordSet",
        "AWS::Cognito::UserPool",
        "AWS::Cognito::UserPoolDomain",
        "AWS::Cognito::UserPoolResourceServer",
        "AWS::Cognito::UserPoolClient",
        "AWS::SecretsManager::Secret",
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::Dashboard",
        // The comparison of the functions covers them.
        "AWS::Lambda::Function",
        "AWS::Lambda::Version",
        "AWS::Lambda::Alias",
    ];
    let template = include_str!("../../../../../templates/stack.yaml");
    let (_, resources) = template.split_once("\nResources:\n").unwrap();
    let (resources, _) = resources.split_once("\nOutputs:\n").unwrap();
    let lines: Vec<&str> = resources.lines().collect();
    for pair in lines.windows(2) {
        let Some(kind) = pair[1].strip_prefix("    Type: ") else { continue };
        let name = pair[0].trim().trim_end_matches(':');
        assert_ne!(COMPARED.contains(&name), left_out.contains(&kind), "{name} ({kind})");
    }
}
