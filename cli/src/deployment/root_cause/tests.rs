//! Event lists in the format of `aws cloudformation describe-stack-events` (`fixtures/stack-events`), and the failure that
//! the user gets for each.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::*;

/// Returns the events of a file, oldest first, and the stack's id.
fn read_recorded_events(path: &Path) -> (Vec<Event>, String) {
    let answer: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let events = answer["StackEvents"].as_array().unwrap();
    let text = |event: &Value, member: &str| event[member].as_str().map(str::to_owned);
    let read = |event: &Value| Event {
        time: text(event, "Timestamp"),
        operation: text(event, "OperationId"),
        resource: text(event, "LogicalResourceId").unwrap(),
        kind: text(event, "ResourceType").unwrap(),
        id: text(event, "PhysicalResourceId"),
        status: ResourceStatus::from(text(event, "ResourceStatus").unwrap().as_str()),
        reason: text(event, "ResourceStatusReason"),
    };
    let stack_id = text(&events[0], "StackId").unwrap();
    (events.iter().rev().map(read).collect(), stack_id)
}

#[test]
fn each_recorded_failure_is_explained() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/stack-events");
    let mut paths: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let mut explanations = String::new();
    for path in paths {
        let (events, stack_id) = read_recorded_events(&path);
        let ended = events.last().unwrap().status.as_str();
        let failure = RootCause::find(&events, &stack_id).to_failure(&format!("it ended in {ended}"));
        writeln!(explanations, "{}: {failure}\n", path.file_stem().unwrap().to_string_lossy()).unwrap();
    }
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("explained", explanations));
}

fn new_event(resource: &str, status: &str, reason: Option<&str>) -> Event {
    Event {
        time: None,
        operation: None,
        resource: resource.to_owned(),
        kind: "AWS::Test::Resource".to_owned(),
        id: Some(format!("id of {resource}")),
        status: ResourceStatus::from(status),
        reason: reason.map(str::to_owned),
    }
}

#[test]
fn a_failed_rollback_matters_more_than_a_cancellation() {
    let events = [
        new_event("restctl", "UPDATE_ROLLBACK_IN_PROGRESS", Some("User Initiated")),
        new_event("Queue", "UPDATE_FAILED", Some("Not found")),
        new_event("restctl", "UPDATE_ROLLBACK_FAILED", None),
    ];
    let failure = RootCause::find(&events, "id of restctl").to_failure("failed").to_string();
    assert!(failure.contains("why:  Queue (AWS::Test::Resource): Not found"), "{failure}");
}

#[test]
fn a_late_failure_is_still_the_cause() {
    let events = [
        new_event("restctl", "CREATE_IN_PROGRESS", Some("User Initiated")),
        new_event(
            "restctl",
            "ROLLBACK_IN_PROGRESS",
            Some("The following resource(s) failed to create: [Vpc]."),
        ),
        new_event("Vpc", "CREATE_FAILED", Some("No more room")),
        new_event("restctl", "ROLLBACK_COMPLETE", None),
    ];
    let failure = RootCause::find(&events, "id of restctl").to_failure("failed").to_string();
    assert!(failure.contains("why:  Vpc (AWS::Test::Resource): No more room"), "{failure}");
    let nothing = RootCause::find(&events[..1], "id of restctl").to_failure("failed").to_string();
    assert!(nothing.contains("named no failed resource"), "{nothing}");
}
