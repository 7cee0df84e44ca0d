//! What the two APIs answer, in the shapes that AWS answers.

use std::sync::{Arc, Mutex};

use axum::http::StatusCode;

use super::*;
use crate::aws::test_server;
use crate::failure::AwsCause;

const STACK: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/restctl/2196ffc0";

/// Connects to a CloudFormation that answers each request, a form, with the XML within the result of its action.
async fn connect(answer: impl Fn(&str) -> String + Clone + Send + Sync + 'static) -> Aws {
    test_server::connect(move |form: String| async move {
        let action = form.split('&').find_map(|part| part.strip_prefix("Action=")).unwrap_or_default();
        format!("<{action}Response><{action}Result>{}</{action}Result></{action}Response>", answer(&form))
    })
    .await
}

/// Returns the members of an event as XML.
fn member(members: &[(&str, &str)]) -> String {
    let members = members.iter().map(|(name, value)| format!("<{name}>{value}</{name}>"));
    format!("<member>{}</member>", members.collect::<String>())
}

fn describe_all(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| format!("{} {}", event.status.as_str(), event.describe())).collect()
}

#[tokio::test]
async fn the_failures_of_an_operation_come_oldest_first_from_all_pages() {
    let forms = Arc::new(Mutex::new(Vec::new()));
    let asked = Arc::clone(&forms);
    let aws = connect(move |form| {
        asked.lock().unwrap().push(form.to_owned());
        let stack_failed = member(&[("EventType", "STACK_EVENT"), ("OperationStatus", "FAILED")]);
        let table = member(&[
            ("EventType", "PROVISIONING_ERROR"),
            ("LogicalResourceId", "ItemsTable"),
            ("ResourceType", "AWS::DynamoDB::Table"),
            ("ResourceStatus", "CREATE_FAILED"),
            ("ResourceStatusReason", "Too many"),
        ]);
        let hook = |mode| {
            member(&[
                ("EventType", "HOOK_INVOCATION_ERROR"),
                ("LogicalResourceId", "DataBucket"),
                ("ResourceType", "AWS::S3::Bucket"),
                ("HookType", "Private::Guard::Buckets"),
                ("HookStatus", "HOOK_COMPLETE_FAILED"),
                ("HookStatusReason", "not encrypted"),
                ("HookFailureMode", mode),
            ])
        };
        let (events, next) = if form.contains("NextToken=second") {
            (hook("FAIL") + &hook("WARN"), "")
        } else {
            (stack_failed + &table, "<NextToken>second</NextToken>")
        };
        format!("<OperationEvents>{events}</OperationEvents>{next}")
    })
    .await;
    let failures = fetch_failures(&aws, "f7583349").await;
    assert_eq!(
        describe_all(&failures),
        [
            "HOOK_FAILED DataBucket (AWS::S3::Bucket): found by the Hook Private::Guard::Buckets: not encrypted",
            "CREATE_FAILED ItemsTable (AWS::DynamoDB::Table): Too many",
        ]
    );
    let forms = forms.lock().unwrap();
    assert_eq!(forms.len(), 2);
    assert!(forms[0].contains("OperationId=f7583349") && forms[0].contains("FailedEvents=true"), "{forms:?}");
}

/// New versions of the service may name things that this one does not know, and leave out others.
#[tokio::test]
async fn unknown_names_and_missing_members_are_findings_too() {
    let aws = connect(|_| {
        let validation =
            |members: &[(&str, &str)]| member(&[&[("EventType", "VALIDATION_ERROR")], members].concat());
        let events = [
            validation(&[]),
            validation(&[
                ("LogicalResourceId", "Vpc"),
                ("ValidationFailureMode", "PERHAPS"),
                ("ValidationStatus", "ODD"),
                ("ValidationStatusReason", "odd"),
                ("ValidationPath", "nowhere"),
            ]),
            validation(&[("ValidationStatus", "SKIPPED"), ("ValidationStatusReason", "no permission")]),
            member(&[("EventType", "PROGRESS"), ("ResourceStatus", "REVIEW_IN_PROGRESS")]),
            member(&[("EventType", "NEW_KIND")]),
            member(&[]),
            validation(&[
                ("LogicalResourceId", "ApiLogs"),
                ("ValidationFailureMode", "WARN"),
                ("ValidationPath", "/Resources/ApiLogs/Properties/LogGroupName"),
            ]),
        ];
        format!("<OperationEvents>{}</OperationEvents>", events.concat())
    })
    .await;
    assert_eq!(
        describe_all(&fetch_findings(&aws, "change-set").await.unwrap()),
        [
            "VALIDATION_WARNING ApiLogs: at /Resources/ApiLogs/Properties/LogGroupName",
            "VALIDATION_FAILED Vpc: odd",
            "VALIDATION_FAILED the template: no reason given",
        ]
    );
}

#[tokio::test]
async fn without_describe_events_an_operation_has_no_failures_of_its_own() {
    for (status, code) in
        [(StatusCode::BAD_REQUEST, "InvalidAction"), (StatusCode::FORBIDDEN, "AccessDenied")]
    {
        let aws = test_server::connect(move || async move {
            let error = format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
            (status, format!("<ErrorResponse>{error}</ErrorResponse>"))
        })
        .await;
        assert!(fetch_failures(&aws, "f7583349").await.is_empty());
        assert!(fetch_findings(&aws, "change-set").await.is_err());
    }
}

/// The end of an earlier operation, listed late, is not the end of this one.
#[tokio::test]
async fn late_events_of_earlier_operations_are_left_out() {
    let event = |id: &str, operation: &str, status: &str| {
        member(&[
            ("EventId", id),
            ("OperationId", operation),
            ("StackId", STACK),
            ("LogicalResourceId", "restctl"),
            ("PhysicalResourceId", STACK),
            ("ResourceType", "AWS::CloudFormation::Stack"),
            ("ResourceStatus", status),
        ])
    };
    let cleanup = event("1", "earlier", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
    let earlier = event("2", "earlier", "UPDATE_COMPLETE") + &cleanup;
    let late = event("3", "earlier", "UPDATE_COMPLETE");
    let begun = event("4", "this", "UPDATE_IN_PROGRESS");
    let answers = Mutex::new(vec![begun + &late + &earlier, earlier]);
    let answers = Arc::new(answers);
    let aws = connect(move |_| {
        format!("<StackEvents>{}</StackEvents>", answers.lock().unwrap().pop().unwrap_or_default())
    })
    .await;
    let mut log = EventLog::from_now(&aws, STACK).await.unwrap();
    let new = log.fetch_new(&aws).await.unwrap();
    assert_eq!(new.len(), 1, "{new:?}");
    assert_eq!(new[0].operation.as_deref(), Some("this"));
}

/// "Testing a custom Hook" (CloudFormation CLI User Guide): the resource's own failure only names the Hook.
#[tokio::test]
async fn a_failed_hook_says_why() {
    let aws = connect(|_| {
        let hook = |id, mode, physical_id| {
            member(&[
                ("EventId", id),
                ("StackId", STACK),
                ("LogicalResourceId", "DataBucket"),
                ("PhysicalResourceId", physical_id),
                ("ResourceType", "AWS::S3::Bucket"),
                ("ResourceStatus", "CREATE_IN_PROGRESS"),
                ("HookType", "Private::Guard::Buckets"),
                ("HookStatus", "HOOK_COMPLETE_FAILED"),
                ("HookStatusReason", "not encrypted"),
                ("HookFailureMode", mode),
            ])
        };
        let events = hook("3", "FAIL", "") + &hook("2", "WARN", "") + &hook("1", "FAIL", STACK);
        format!("<StackEvents>{events}</StackEvents>")
    })
    .await;
    let events = EventLog::new(STACK).fetch_new(&aws).await.unwrap();
    let statuses: Vec<_> = events.iter().map(|event| event.status.as_str()).collect();
    assert_eq!(statuses, ["CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "HOOK_FAILED"]);
    assert_eq!(
        events[2].describe(),
        "DataBucket (AWS::S3::Bucket): found by the Hook Private::Guard::Buckets: not encrypted"
    );
}

/// Answers as AWS sent them between 2022 and 2025. Until a resource exists, its physical id is empty.
#[tokio::test]
async fn events_lack_what_aws_does_not_know() {
    let (table, unknown) = ("AWS::DynamoDB::Table", "Vendor::New::Type");
    let aws = connect(move |_| {
        let event = |number: usize, name, kind, id, status, reason: &str| {
            let reason = if reason.is_empty() { vec![] } else { vec![("ResourceStatusReason", reason)] };
            let number = number.to_string();
            let members = [("EventId", number.as_str()), ("StackId", STACK), ("LogicalResourceId", name)];
            let rest = [("PhysicalResourceId", id), ("ResourceType", kind), ("ResourceStatus", status)];
            member(&[&members[..], &rest, &reason, &[("Timestamp", "2025-11-30T12:00:00.000Z")]].concat())
        };
        let events = [
            (
                "restctl",
                "AWS::CloudFormation::Stack",
                STACK,
                "ROLLBACK_IN_PROGRESS",
                "The following resource(s) failed",
            ),
            ("restctl", "AWS::CloudFormation::Stack", STACK, "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated"),
            ("DataBucket", "AWS::S3::Bucket", "data", "DELETE_SKIPPED", ""),
            ("ItemsTable", table, "", "CREATE_FAILED", "Resource creation cancelled"),
            ("It", unknown, "", "CREATE_IN_PROGRESS", ""),
            ("It", unknown, "it-1", "EXPORT_ROLLBACK_FAILED", "odd"),
        ];
        let events = events.into_iter().enumerate();
        let events = events
            .map(|(number, (name, kind, id, status, reason))| event(number, name, kind, id, status, reason));
        format!("<StackEvents>{}</StackEvents>", events.rev().collect::<String>())
    })
    .await;
    let events = EventLog::new(STACK).fetch_new(&aws).await.unwrap();
    let outcomes: Vec<_> = events.iter().map(|event| (event.has_failed(), event.has_ended())).collect();
    let (goes_on, skipped, failed) = ((false, false), (false, true), (true, true));
    assert_eq!(outcomes, [goes_on, goes_on, skipped, failed, goes_on, failed]);
    let ids: Vec<_> = events.iter().map(|event| event.id.as_deref()).collect();
    assert_eq!(ids, [Some(STACK), Some(STACK), Some("data"), None, None, Some("it-1")]);
    assert_eq!(events[2].describe(), "DataBucket (AWS::S3::Bucket): no reason given");
    assert!(events.iter().all(|event| event.time.is_some()));
}

/// Otherwise the end of the operation could be missed.
#[tokio::test]
async fn the_events_before_a_failed_page_are_returned_later() {
    let is_throttled = Arc::new(Mutex::new(true));
    let throttled = Arc::clone(&is_throttled);
    let aws = test_server::connect(move |form: String| async move {
        let event =
            |id| member(&[("EventId", id), ("LogicalResourceId", id), ("ResourceStatus", "UPDATE_COMPLETE")]);
        let events = match form.contains("NextToken=second") {
            true if *throttled.lock().unwrap() => {
                let refusal = "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>";
                return (StatusCode::BAD_REQUEST, refusal.to_owned());
            }
            // A new event has moved one of the first page to the second.
            true => format!("<StackEvents>{}{}</StackEvents>", event("Newer"), event("Older")),
            false => format!("<StackEvents>{}</StackEvents><NextToken>second</NextToken>", event("Newer")),
        };
        let result = format!("<DescribeStackEventsResult>{events}</DescribeStackEventsResult>");
        (StatusCode::OK, format!("<DescribeStackEventsResponse>{result}</DescribeStackEventsResponse>"))
    })
    .await;
    let mut log = EventLog::new(STACK);
    assert_eq!(log.fetch_new(&aws).await.unwrap_err().aws_cause, Some(AwsCause::Throttled));
    *is_throttled.lock().unwrap() = false;
    let resources: Vec<_> =
        log.fetch_new(&aws).await.unwrap().into_iter().map(|event| event.resource).collect();
    assert_eq!(resources, ["Older", "Newer"]);
    assert!(log.fetch_new(&aws).await.unwrap().is_empty());
}
