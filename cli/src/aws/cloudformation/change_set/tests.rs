mod another_deployment;

use axum::http::StatusCode;

use super::*;
use crate::aws::test_server;

const REASON: &str = "The following hook(s)/validation failed: [AWS::EarlyValidation::PropertyValidation].";

async fn find_refusal_from(status: StatusCode, answer: &'static str) -> Failure {
    let aws = test_server::connect(move || async move { (status, answer) }).await;
    find_refusal(&aws, "arn:aws:cloudformation:us-east-1:123456789012:changeSet/restctl-1/1", REASON).await
}

/// The event is from "Validate stack deployments" (AWS CloudFormation User Guide).
#[tokio::test]
async fn a_refused_change_is_explained_by_what_validation_found() {
    let answer = "<DescribeEventsResponse><DescribeEventsResult><OperationEvents><member><EventType>VALIDATION_ERROR</EventType>\
        <LogicalResourceId>DataBucket</LogicalResourceId><ResourceType>AWS::S3::Bucket</ResourceType>\
        <ValidationFailureMode>FAIL</ValidationFailureMode><ValidationName>PROPERTY_VALIDATION</ValidationName>\
        <ValidationStatus>FAILED</ValidationStatus><ValidationStatusReason>#/NotificationConfiguration/QueueConfigurations/0: \
        required key [Event] not found</ValidationStatusReason>\
        <ValidationPath>/Resources/DataBucket/Properties/NotificationConfiguration/QueueConfigurations/0</ValidationPath></member>\
        </OperationEvents></DescribeEventsResult></DescribeEventsResponse>";
    let refusal = find_refusal_from(StatusCode::OK, answer).await.to_string();
    let why = "why:  DataBucket (AWS::S3::Bucket): #/NotificationConfiguration/QueueConfigurations/0: required key [Event] not found \
        (at /Resources/DataBucket/Properties/NotificationConfiguration/QueueConfigurations/0)\n";
    assert!(refusal.contains(why) && !refusal.contains(REASON), "{refusal}");
}

#[tokio::test]
async fn a_warning_does_not_explain_a_refusal() {
    let answer = "<DescribeEventsResponse><DescribeEventsResult><OperationEvents><member><EventType>VALIDATION_ERROR</EventType>\
        <LogicalResourceId>Vpc</LogicalResourceId><ValidationFailureMode>WARN</ValidationFailureMode>\
        <ValidationStatus>FAILED</ValidationStatus><ValidationStatusReason>almost full</ValidationStatusReason></member>\
        </OperationEvents></DescribeEventsResult></DescribeEventsResponse>";
    let refusal = find_refusal_from(StatusCode::OK, answer).await.to_string();
    assert!(refusal.contains(&format!("why:  {REASON}\n")), "{refusal}");
}

#[tokio::test]
async fn a_missing_permission_to_read_what_validation_found_is_named() {
    let answer = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>User: arn:aws:iam::123456789012:user/operator is not \
        authorized to perform: cloudformation:DescribeEvents on resource: arn:aws:cloudformation:us-east-1:123456789012:stack/\
        restctl/1</Message></Error></ErrorResponse>";
    let refusal = find_refusal_from(StatusCode::FORBIDDEN, answer).await.to_string();
    assert!(refusal.contains(REASON), "{refusal}");
    assert!(refusal.contains("next: ask for the permission cloudformation:DescribeEvents"), "{refusal}");
}

#[tokio::test]
async fn a_service_without_validation_events_gives_its_own_reason() {
    let answer = "<ErrorResponse><Error><Code>InvalidAction</Code><Message>Unknown action</Message></Error></ErrorResponse>";
    let refusal = find_refusal_from(StatusCode::BAD_REQUEST, answer).await.to_string();
    assert!(refusal.contains(&format!("why:  {REASON}\n")), "{refusal}");
    assert!(!refusal.contains("Unknown action"), "{refusal}");
}
