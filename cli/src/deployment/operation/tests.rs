use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::StatusCode;

use super::*;
use crate::aws::test_server;
use crate::failure::Exit;

/// An event of the operation `f7583349`.
fn event(id: &str, status: &str) -> Event {
    Event {
        time: None,
        operation: Some("f7583349".to_owned()),
        resource: "restctl".to_owned(),
        kind: "AWS::CloudFormation::Stack".to_owned(),
        id: Some(id.to_owned()),
        status: ResourceStatus::from(status),
        reason: None,
    }
}

/// Returns why a creation failed, of which the stack's events have one failure, and DescribeEvents has `failures`, as XML.
async fn explain_failure(kind: OperationKind, failures: &'static str) -> String {
    let aws = test_server::connect(move |form: String| async move {
        let is_asked = form.contains("Action=DescribeEvents") && form.contains("OperationId=f7583349");
        let events = if is_asked { failures } else { "" };
        format!(
            "<DescribeEventsResponse><DescribeEventsResult><OperationEvents>{events}</OperationEvents></DescribeEventsResult>\
             </DescribeEventsResponse>"
        )
    })
    .await;
    let begun = event(
        "stack",
        if kind == OperationKind::RollBack { "UPDATE_ROLLBACK_IN_PROGRESS" } else { "CREATE_IN_PROGRESS" },
    );
    let mut failed = event("", "CREATE_FAILED");
    failed.resource = "DataBucket".to_owned();
    failed.kind = "AWS::S3::Bucket".to_owned();
    failed.reason = Some("Internal Failure".to_owned());
    let history = vec![begun, failed];
    let operation = Operation { stack_id: "stack".to_owned(), kind, log: EventLog::new("stack"), history };
    operation.to_failure(&aws, "it failed", &ResourceStatus::RollbackComplete).await.to_string()
}

const BUCKET_FAILED: &str = "why:  DataBucket (AWS::S3::Bucket): Internal Failure\n";

#[tokio::test]
async fn a_failure_is_explained_by_what_its_operation_found() {
    let found = "<member><EventType>HOOK_INVOCATION_ERROR</EventType><LogicalResourceId>DataBucket</LogicalResourceId>\
        <ResourceType>AWS::S3::Bucket</ResourceType><HookType>Private::Guard::Buckets</HookType>\
        <HookStatusReason>not encrypted</HookStatusReason></member>";
    let explained = explain_failure(OperationKind::Create, found).await;
    let why =
        "why:  DataBucket (AWS::S3::Bucket): found by the Hook Private::Guard::Buckets: not encrypted\n";
    assert!(
        explained.contains(why) && explained.contains("next: ask the administrator of the Hook"),
        "{explained}"
    );
}

#[tokio::test]
async fn a_failure_is_explained_by_the_events_of_the_stack_if_the_operation_has_none() {
    for failures in ["", "<member><ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>"] {
        let explained = explain_failure(OperationKind::Create, failures).await;
        assert!(explained.contains(BUCKET_FAILED), "{explained}");
    }
}

#[tokio::test]
async fn the_failure_of_a_rollback_is_named_once() {
    let same = "<member><EventType>PROVISIONING_ERROR</EventType><LogicalResourceId>DataBucket</LogicalResourceId>\
        <ResourceType>AWS::S3::Bucket</ResourceType><ResourceStatus>CREATE_FAILED</ResourceStatus>\
        <ResourceStatusReason>Internal Failure</ResourceStatusReason></member>";
    let explained = explain_failure(OperationKind::RollBack, same).await;
    assert!(explained.contains(BUCKET_FAILED) && !explained.contains("during the rollback"), "{explained}");
}

#[test]
fn only_an_update_that_goes_forward_can_be_cancelled() {
    let can_be_cancelled = |kind, history: &[Event]| {
        let (stack_id, history) = ("stack".to_owned(), history.to_vec());
        Operation { log: EventLog::new(&stack_id), stack_id, kind, history }.can_be_cancelled()
    };
    let forward = event("stack", "UPDATE_IN_PROGRESS");
    assert!(can_be_cancelled(OperationKind::Update, &[]));
    let other_resource = event("another", "UPDATE_COMPLETE");
    assert!(can_be_cancelled(OperationKind::Update, &[forward.clone(), other_resource]));
    for status in ["UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"] {
        let history = [forward.clone(), event("stack", status)];
        assert!(!can_be_cancelled(OperationKind::Update, &history), "{status}");
    }
    for kind in [OperationKind::Create, OperationKind::Delete, OperationKind::RollBack] {
        assert!(!can_be_cancelled(kind, &[]));
    }
}

/// Follows an update to its end while CloudFormation refuses the first `refusals` requests.
async fn follow_throttled(refusals: usize) -> (Aws, Result<ResourceStatus>) {
    let sent = Arc::new(AtomicUsize::new(0));
    let aws = test_server::connect(move || {
        let is_refused = sent.fetch_add(1, Ordering::SeqCst) < refusals;
        ready(if is_refused {
            let refusal = "<Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error>";
            (StatusCode::BAD_REQUEST, format!("<ErrorResponse>{refusal}</ErrorResponse>"))
        } else {
            let ended = "<member><EventId>1</EventId><LogicalResourceId>restctl</LogicalResourceId>\
                <PhysicalResourceId>stack</PhysicalResourceId><ResourceStatus>UPDATE_COMPLETE</ResourceStatus></member>";
            let events = format!("<DescribeStackEventsResult><StackEvents>{ended}</StackEvents></DescribeStackEventsResult>");
            (StatusCode::OK, format!("<DescribeStackEventsResponse>{events}</DescribeStackEventsResponse>"))
        })
    })
    .await;
    let ended = follow_update(&aws).await;
    (aws, ended)
}

async fn follow_update(aws: &Aws) -> Result<ResourceStatus> {
    follow_update_until(aws, WaitDeadline::NEVER).await
}

async fn follow_update_until(aws: &Aws, deadline: WaitDeadline) -> Result<ResourceStatus> {
    let (log, history) = (EventLog::new("stack"), Vec::new());
    let mut operation = Operation { stack_id: "stack".to_owned(), kind: OperationKind::Update, log, history };
    operation.run_to_end(aws, deadline, &NdjsonReport::new("deploy"), ready(Ok(()))).await
}

#[tokio::test]
async fn minutes_of_throttling_do_not_end_the_watching() {
    // Each look sends three requests.
    let (aws, ended) = follow_throttled(3 * 75).await;
    assert_eq!(ended.unwrap(), ResourceStatus::UpdateComplete);
    assert!(aws.clock.slept() > Duration::from_secs(240), "{:?}", aws.clock.slept());
}

#[tokio::test]
async fn endless_throttling_ends_the_watching_and_not_the_update() {
    let (_, ended) = follow_throttled(usize::MAX).await;
    let failure = ended.unwrap_err().to_string();
    assert!(
        failure.contains("Rate exceeded") && failure.contains("restctl deploy after it has ended"),
        "{failure}"
    );
}

#[tokio::test]
async fn minutes_without_a_network_do_not_end_the_watching() {
    let aws = test_server::connect(async || "").await;
    let nowhere = aws.cloudformation.config().to_builder().endpoint_url("http://127.0.0.1:1").build();
    let aws = Aws { cloudformation: aws_sdk_cloudformation::Client::from_conf(nowhere), ..aws };
    let failure = follow_update(&aws).await.unwrap_err().to_string();
    assert!(failure.contains("restctl deploy after it has ended"), "{failure}");
    assert!(aws.clock.slept() > Duration::from_secs(240), "{:?}", aws.clock.slept());
}

#[tokio::test]
async fn at_the_deadline_the_update_is_left_running() {
    let aws = test_server::connect(
        async || "<DescribeStackEventsResponse><DescribeStackEventsResult/></DescribeStackEventsResponse>",
    )
    .await;
    let failure = follow_update_until(&aws, WaitDeadline::after(Duration::ZERO)).await.unwrap_err();
    assert_eq!(failure.exit, Exit::StillRunning);
    let failure = failure.to_string();
    assert!(failure.contains("the stack is still being updated"), "{failure}");
    assert!(failure.contains("next: restctl deploy after it has ended"), "{failure}");
}
