//! CloudFormation's early validation of a change set. The local cloud does not validate, so a CloudFormation that does stands
//! in front of it.

use serde_json::Value;

use crate::cloud::Cloud;
use crate::interposed::interpose;

/// Returns what DescribeEvents answers about a change set in which early validation found these events, as XML.
fn validation_answer(events: &str) -> String {
    format!(
        "<DescribeEventsResponse><DescribeEventsResult><OperationEvents>{events}</OperationEvents></DescribeEventsResult>\
         </DescribeEventsResponse>"
    )
}

/// Returns an event of early validation, in the words of AWS.
fn validation_event(mode: &str, name: &str, resource: &str, kind: &str, path: &str, reason: &str) -> String {
    format!(
        "<member><EventId>{resource} {name}</EventId><EventType>VALIDATION_ERROR</EventType>\
         <LogicalResourceId>{resource}</LogicalResourceId><PhysicalResourceId></PhysicalResourceId>\
         <ResourceType>{kind}</ResourceType><Timestamp>2026-11-30T09:00:00Z</Timestamp>\
         <ValidationFailureMode>{mode}</ValidationFailureMode><ValidationName>{name}</ValidationName>\
         <ValidationStatus>FAILED</ValidationStatus><ValidationStatusReason>{reason}</ValidationStatusReason>\
         <ValidationPath>{path}</ValidationPath></member>"
    )
}

const LOG_GROUP_EXISTS: &str =
    "Resource of type 'AWS::Logs::LogGroup' with identifier '/restctl/restctl/api' already exists.";
const QUOTA_REACHED: &str = "Creating this resource would exceed the quota of the account.";

fn log_group_exists() -> String {
    let path = "/Resources/ApiLogs/Properties/LogGroupName";
    validation_event(
        "FAIL",
        "NAME_CONFLICT_VALIDATION",
        "ApiLogs",
        "AWS::Logs::LogGroup",
        path,
        LOG_GROUP_EXISTS,
    )
}

fn quota_reached() -> String {
    validation_event(
        "WARN",
        "SERVICE_QUOTA_VALIDATION",
        "Vpc",
        "AWS::EC2::VPC",
        "/Resources/Vpc",
        QUOTA_REACHED,
    )
}

/// An early failure of a change set is described by separate events.
#[test]
fn a_change_that_is_refused_early_says_why() {
    let cloud = Cloud::start_set_up();
    interpose(&cloud, |call| {
        if call.is_action("DescribeChangeSet") {
            return Some(
                "<DescribeChangeSetResponse><DescribeChangeSetResult><Status>FAILED</Status><StatusReason>The following \
                 hook(s)/validation failed: [AWS::EarlyValidation::ResourceExistenceCheck]. To troubleshoot Early Validation \
                 errors, use the DescribeEvents API for detailed failure information.</StatusReason>\
                 </DescribeChangeSetResult></DescribeChangeSetResponse>"
                    .to_owned(),
            );
        }
        call.is_action("DescribeEvents").then(|| validation_answer(&(log_group_exists() + &quota_reached())))
    });
    let refused = cloud.run(&["deploy"]);
    let why = format!(
        "why:  ApiLogs (AWS::Logs::LogGroup): {LOG_GROUP_EXISTS} (at /Resources/ApiLogs/Properties/LogGroupName)\n"
    );
    refused.failed_with(1, &["CloudFormation refuses the change", &why, "&& aws logs delete-log-group"]);
    assert!(!refused.stderr.contains("EarlyValidation"), "{}", refused.stderr);
    assert!(!refused.stderr.contains(QUOTA_REACHED), "a warning is no reason: {}", refused.stderr);
    let stacks = cloud.call_query("cloudformation", &[("Action", "ListStacks")]);
    assert!(!stacks.contains("REVIEW_IN_PROGRESS"), "{stacks}");
}

/// A warning of early validation is shown before the deployment, which it does not stop.
#[test]
fn warnings_about_a_change_are_shown() {
    let cloud = Cloud::start_set_up();
    interpose(&cloud, |call| call.is_action("DescribeEvents").then(|| validation_answer(&quota_reached())));
    let planned = cloud.run(&["deploy", "--dry-run"]);
    assert_eq!(planned.exit, 6, "{}", planned.stderr);
    let warning = format!("warning: Vpc (AWS::EC2::VPC): {QUOTA_REACHED}\n");
    assert!(planned.stderr.contains(&warning), "{}", planned.stderr);
    let deployed = cloud.succeed(&["deploy", "--output", "json"]);
    let lines = deployed.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let warnings: Vec<_> = lines.filter(|line| line["type"] == "warning").collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(warnings[0]["resource"], "Vpc");
    assert_eq!(warnings[0]["reason"], QUOTA_REACHED);
}
