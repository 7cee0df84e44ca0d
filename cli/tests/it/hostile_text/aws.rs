//! AWS: errors of each service, reasons of CloudFormation, and log lines.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::{Args, HOSTILE, HOSTILE_XML, MARK, assert_harmless, check_all};
use crate::cloud::Cloud;
use crate::interposed::{Call, interpose};
use crate::terminal::Terminal;

const LOAD: &str = "0123456789abcdef";

/// Each stops at the first call, whose error has the text.
pub(super) const COMMANDS: &[Args] = &[
    &["setup", "--self-signed", "api.localhost"],
    &["deploy"],
    &["rollback"],
    &["upload", "items.csv"],
    &["upload", "--dry-run", "items.csv"],
    &["verify", "items.csv"],
    &["status"],
    &["loads", "ls"],
    &["loads", "show", LOAD],
    &["loads", "rejects", LOAD],
    &["loads", "retry", LOAD],
    &["dlq", "ls"],
    &["dlq", "redrive"],
    &["dlq", "drop", "--all", "--yes"],
    &["logs"],
    &["token"],
    &["token", "explain", "x"],
    &["auth-test"],
    &["doctor"],
    &["cert", "show"],
    &["cert", "renew"],
    &["idp", "show"],
    &["idp", "rotate-secret"],
    &["get", "--id", "1"],
    &["export"],
    &["config", "show"],
    &["destroy", "--yes"],
];

fn refuse(call: &Call) -> String {
    if call.target.is_empty() {
        return format!(
            "<ErrorResponse><!-- __type --><Error><Code>AccessDenied</Code><Message>{HOSTILE_XML}</Message></Error>\
             </ErrorResponse>"
        );
    }
    json!({ "__type": "AccessDeniedException", "message": HOSTILE }).to_string()
}

#[test]
fn errors_of_aws() {
    let cloud = Cloud::start_empty();
    interpose(&cloud, |call| Some(refuse(call)));
    check_all(&cloud, COMMANDS, &[]);
    // Without a command, restctl looks how far the stack is.
    let (_, screen) = Terminal::open(&cloud, &[]).wait_for_end();
    assert_harmless(&[], "the terminal", &screen);
    assert!(screen.contains(MARK), "{screen}");
}

/// Returns the events of so many failed updates, the newest first.
fn failed_events(stack: &str, updates: usize) -> String {
    let event = |update: usize, resource: &str, id: &str, status: &str, reason: &str| {
        format!(
            "<member><EventId>{update}{id}{status}</EventId><StackId>{stack}</StackId><StackName>restctl</StackName>\
             <LogicalResourceId>{resource}</LogicalResourceId><PhysicalResourceId>{id}</PhysicalResourceId>\
             <ResourceType>AWS::{resource}</ResourceType><Timestamp>2026-11-20T09:00:00Z</Timestamp>\
             <ResourceStatus>{status}</ResourceStatus><ResourceStatusReason>{reason}</ResourceStatusReason></member>"
        )
    };
    let of_update = |update| {
        event(update, "restctl", stack, "UPDATE_ROLLBACK_COMPLETE", "done")
            + &event(update, "restctl", stack, "UPDATE_ROLLBACK_IN_PROGRESS", "began")
            + &event(update, HOSTILE_XML, "id", "UPDATE_FAILED", HOSTILE_XML)
            + &event(update, HOSTILE_XML, "id", "UPDATE_IN_PROGRESS", HOSTILE_XML)
    };
    let events: String = (0..=updates).rev().map(of_update).collect();
    format!(
        "<DescribeStackEventsResponse><DescribeStackEventsResult><StackEvents>{events}</StackEvents>\
         </DescribeStackEventsResult></DescribeStackEventsResponse>"
    )
}

#[test]
fn reasons_and_names_of_cloudformation() {
    let cloud = Cloud::start_deployed(&[]);
    let updates = AtomicUsize::new(0);
    interpose(&cloud, move |call| {
        if call.is_action("ExecuteChangeSet") {
            updates.fetch_add(1, Ordering::SeqCst);
            return Some("<ExecuteChangeSetResponse/>".to_owned());
        }
        let updates = updates.load(Ordering::SeqCst);
        call.is_action("DescribeStackEvents")
            .then(|| failed_events(&call.query_parameter("StackName"), updates))
    });
    check_all(&cloud, &[&["deploy", "--list", "on"]], &[]);

    let refused = Cloud::start_set_up();
    interpose(&refused, |call| {
        call.is_action("DescribeChangeSet").then(|| {
            format!(
                "<DescribeChangeSetResponse><DescribeChangeSetResult><Status>FAILED</Status>\
                 <StatusReason>{HOSTILE_XML}</StatusReason></DescribeChangeSetResult></DescribeChangeSetResponse>"
            )
        })
    });
    check_all(&refused, &[&["deploy"]], &[]);
}

#[test]
fn lines_of_the_logs() {
    let cloud = Cloud::start_deployed(&[]);
    let record = json!({ "level": HOSTILE, "message": HOSTILE, HOSTILE: HOSTILE, "n": { HOSTILE: 1 } });
    let request = json!({ "route": HOSTILE, "method": HOSTILE, "status": HOSTILE, "reason": HOSTILE });
    interpose(&cloud, move |call| {
        let message =
            |id: &str, message: String| json!({ "eventId": id, "timestamp": 1, "message": message });
        let events = [
            message("1", HOSTILE.to_owned()),
            message("2", record.to_string()),
            message("3", request.to_string()),
            message("4", "{\"message\":\"\u{9b}\u{202e}\u{7f}HoStIlE\"}".to_owned()),
        ];
        (call.target == "Logs_20140328.FilterLogEvents").then(|| json!({ "events": events }).to_string())
    });
    check_all(&cloud, &[&["logs"], &["logs", "api"]], &[]);
}
