mod another_deployment;

use std::sync::{Arc, Mutex};

use axum::http::StatusCode;

use super::*;
use crate::aws::cloudformation::tests::name;
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

/// Answers each DescribeChangeSet with the next of these results, and DescribeEvents with nothing.
async fn wait_through(results: &[&str]) -> Result<Option<Vec<Change>>> {
    let results: Vec<String> = results.iter().rev().map(|&result| result.to_owned()).collect();
    let results = Arc::new(Mutex::new(results));
    let aws = test_server::connect(move |form: String| async move {
        let action = form.split('&').find_map(|part| part.strip_prefix("Action=")).unwrap_or_default();
        let result = match action {
            "DescribeChangeSet" => results.lock().unwrap().pop().unwrap(),
            _ => String::new(),
        };
        format!("<{action}Response><{action}Result>{result}</{action}Result></{action}Response>")
    })
    .await;
    wait_for_changes(&aws, &name(), "change-set").await
}

/// Answers as AWS sent them between 2022 and 2025.
#[tokio::test]
async fn the_changes_come_from_all_pages_once_the_change_set_is_complete() {
    let pending = "<Status>CREATE_PENDING</Status><ExecutionStatus>UNAVAILABLE</ExecutionStatus><Changes/>";
    let first = "<Status>CREATE_COMPLETE</Status><ExecutionStatus>AVAILABLE</ExecutionStatus><Changes><member><Type>Resource</Type>\
        <ResourceChange><Action>Modify</Action><LogicalResourceId>ItemsTable</LogicalResourceId>\
        <PhysicalResourceId>restctl-ItemsTable</PhysicalResourceId><ResourceType>AWS::DynamoDB::Table</ResourceType>\
        <Replacement>Conditional</Replacement><Scope><member>Properties</member><member>Tags</member></Scope>\
        <Details><member><Target><Attribute>Properties</Attribute><Name>KeySchema</Name><Path>/Properties/KeySchema</Path>\
        <RequiresRecreation>Conditionally</RequiresRecreation><BeforeValue>[]</BeforeValue><AfterValue>{{changeSet:KNOWN_AFTER_APPLY}}\
        </AfterValue><AttributeChangeType>Modify</AttributeChangeType></Target><Evaluation>Dynamic</Evaluation>\
        <ChangeSource>ParameterReference</ChangeSource><CausingEntity>KeyName</CausingEntity></member>\
        <member><Target><Attribute>Tags</Attribute><RequiresRecreation>Never</RequiresRecreation></Target>\
        <Evaluation>Static</Evaluation><ChangeSource>DirectModification</ChangeSource></member></Details>\
        <BeforeContext>{\"Properties\":{}}</BeforeContext><AfterContext>{\"Properties\":{}}</AfterContext></ResourceChange>\
        </member></Changes><NextToken>page 2</NextToken>";
    let second = "<Status>CREATE_COMPLETE</Status><Changes>\
        <member><Type>Resource</Type><HookInvocationCount>1</HookInvocationCount><ResourceChange><Action>Dynamic</Action>\
        <LogicalResourceId>Nested</LogicalResourceId><ResourceType>AWS::CloudFormation::Stack</ResourceType>\
        <ChangeSetId>arn:aws:cloudformation:us-east-1:123456789012:changeSet/nested/1</ChangeSetId>\
        <ModuleInfo><TypeHierarchy>A::B::C::MODULE</TypeHierarchy></ModuleInfo></ResourceChange></member>\
        <member><Type>Resource</Type><ResourceChange><Action>Import</Action><LogicalResourceId>Old</LogicalResourceId>\
        <ResourceType>AWS::S3::Bucket</ResourceType><Scope/><Details/></ResourceChange></member>\
        <member><Type>Something</Type></member></Changes>";
    let changes = wait_through(&[pending, pending, first, second]).await.unwrap().unwrap();
    let lines: Vec<_> = changes.iter().flat_map(Change::to_lines).collect();
    assert_eq!(
        lines.join("\n"),
        "  ! perhaps REPLACE ItemsTable (AWS::DynamoDB::Table)\n      \
             ├ KeySchema, which may need a new resource\n      \
             └ Tags\n  \
           ! perhaps REPLACE Nested (AWS::CloudFormation::Stack)\n  \
           = adopt   Old (AWS::S3::Bucket)"
    );
}

#[tokio::test]
async fn a_change_set_without_changes_is_no_failure() {
    for reason in [
        "The submitted information didn't contain changes. Submit different information to create a change set.",
        "No updates are to be performed.",
    ] {
        let failed = format!("<Status>FAILED</Status><StatusReason>{reason}</StatusReason><Changes/>");
        assert!(wait_through(&[&failed]).await.unwrap().is_none(), "{reason}");
    }
    for reason in ["", "<StatusReason>Transform AWS::Include failed with: no such object</StatusReason>"] {
        let failed = format!("<Status>FAILED</Status>{reason}");
        assert!(wait_through(&[&failed]).await.is_err(), "{reason}");
    }
}
