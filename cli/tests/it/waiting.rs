//! What a command says while it waits, and how `--timeout` ends the wait.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use reqwest::Method;
use serde_json::{Value, json};

use crate::cloud::{Cloud, CommandOutput, eventually};
use crate::interposed::{Gate, interpose};

/// Uploads a file of one row, which does not load in time, and returns what the command said.
fn upload_in_vain(cloud: &Cloud, name: &str) -> CommandOutput {
    let file = cloud.write_file(name, "id\n1\n");
    let ran = cloud.run(&["upload", "--timeout", "5s", &file]);
    let continues = format!("of {name} continues");
    ran.failed_with(7, &["stopped waiting after 5 s", &continues, "restctl loads show "]);
    ran
}

fn only_load(cloud: &Cloud, object: &str) -> Value {
    let loads = cloud.succeed(&["loads", "ls", "--output", "json"]).json();
    loads.as_array().unwrap().iter().find(|load| load["object"] == object).unwrap().clone()
}

pub(crate) fn enable_mapping(cloud: &Cloud, mapping: &str, enabled: bool) {
    let path = format!("/2015-03-31/event-source-mappings/{mapping}");
    let body = json!({ "Enabled": enabled }).to_string();
    cloud.send_request("lambda", Method::PUT, &path, |request| request.body(body));
}

fn set_rule(cloud: &Cloud, operation: &str) -> String {
    let rules = cloud.call_json("events", "AWSEvents.ListRules", &json!({}));
    let name = rules["Rules"][0]["Name"].as_str().unwrap().to_owned();
    cloud.call_json("events", &format!("AWSEvents.{operation}"), &json!({ "Name": name }));
    name
}

/// Sets the state of a load in the ledger.
fn set_state(cloud: &Cloud, load: &str, state: &str) {
    let update = json!({
        "TableName": cloud.resource_id("LedgerTable"),
        "Key": { "load": { "S": load } },
        "UpdateExpression": "SET #state = :state",
        "ExpressionAttributeNames": { "#state": "state" },
        "ExpressionAttributeValues": { ":state": { "S": state } },
    });
    cloud.call_json("dynamodb", "DynamoDB_20120810.UpdateItem", &update);
}

#[test]
fn a_wait_says_what_the_load_waits_for() {
    let cloud = Cloud::start_deployed(&[]);
    let mapping = cloud.resource_id("LoadMapping");
    enable_mapping(&cloud, &mapping, false);
    let disabled = format!("the event source mapping {mapping} is disabled");
    let ran = upload_in_vain(&cloud, "first.csv");
    let announced = format!("waiting for its turn: {disabled}");
    ran.failed_with(7, &[&announced, "aws lambda update-event-source-mapping --uuid", "--enabled"]);
    assert_eq!(ran.stderr.matches(&announced).count(), 1, "once: {}", ran.stderr);
    enable_mapping(&cloud, &mapping, true);
    // The same command finds the load and waits again.
    let file = cloud.write_file("first.csv", "id\n1\n");
    let again = cloud.succeed(&["upload", "--timeout", "1h", &file]);
    assert!(again.stderr.contains("byte for byte"), "{}", again.stderr);
    assert_eq!(again.receipt_count("new"), 1);

    // Without the bucket's event, the load is queued only after a while.
    let rule = set_rule(&cloud, "DisableRule");
    let ran = upload_in_vain(&cloud, "second.csv");
    ran.failed_with(7, &["has not arrived", &format!("the event rule {rule} is disabled"), "enable-rule"]);

    let front = only_load(&cloud, "first.csv")["load"].as_str().unwrap().to_owned();
    set_state(&cloud, &front, "loading");
    let ran = upload_in_vain(&cloud, "third.csv");
    ran.failed_with(7, &[&format!("behind the load {front} of first.csv: loading, 1 rows so far")]);
    let failed =
        cloud.run(&["upload", "--timeout", "5s", "--output", "json", &cloud.write_file("x.csv", "id\n1\n")]);
    let failure: Value = serde_json::from_str(failed.stderr.lines().last().unwrap()).unwrap();
    assert_eq!((&failure["exit"], failed.stdout.as_str()), (&json!(7), ""), "{failure}");
    set_state(&cloud, &front, "loaded");

    enable_mapping(&cloud, &mapping, false);
    let file = cloud.write_file("fourth.csv", "id\n1\n");
    let load = cloud.succeed(&["upload", "--no-wait", &file]).stdout;
    let retry = || cloud.run(&["loads", "retry", "--timeout", "5s", load.trim()]);
    retry().failed_with(7, &[&disabled]);

    // A load that waits although nothing is wrong: the mapping is disabled, but does not say so.
    let is_throttled = Arc::new(AtomicBool::new(false));
    let is_throttled_now = Arc::clone(&is_throttled);
    interpose(&cloud, move |call| {
        let is_throttled = is_throttled_now.load(Ordering::SeqCst);
        if call.uri.contains("/concurrency") && is_throttled {
            return Some(json!({ "ReservedConcurrentExecutions": 0 }).to_string());
        }
        let asks_mapping = call.uri.contains("/event-source-mappings/") && call.body.is_empty();
        asks_mapping.then(|| json!({ "State": "Enabled" }).to_string())
    });
    retry().failed_with(7, &["waiting for its turn: it is in the queue; messages in it: "]);
    is_throttled.store(true, Ordering::SeqCst);
    let ran = upload_in_vain(&cloud, "fifth.csv");
    ran.failed_with(7, &["has a reserved concurrency of 0", "delete-function-concurrency"]);
    enable_mapping(&cloud, &mapping, true);
    let loaded = cloud.succeed(&["upload", "--timeout", "1h", &file]);
    assert_eq!(loaded.receipt_count("unchanged"), 1);
}

/// Reports to CloudWatch more errors of the ingest function than runs, so that every run of this minute seems to have failed.
fn count_failed_runs(cloud: &Cloud) {
    let function = cloud.resource_id("IngestFunction");
    let mut form = vec![
        ("Action".to_owned(), "PutMetricData".to_owned()),
        ("Namespace".to_owned(), "AWS/Lambda".to_owned()),
    ];
    for (member, metric, value) in [(1, "Invocations", "1"), (2, "Errors", "100")] {
        let dimension = "Dimensions.member.1";
        let members = [
            ("MetricName".to_owned(), metric),
            ("Value".to_owned(), value),
            (format!("{dimension}.Name"), "FunctionName"),
            (format!("{dimension}.Value"), function.as_str()),
        ];
        form.extend(
            members.map(|(name, value)| (format!("MetricData.member.{member}.{name}"), value.to_owned())),
        );
    }
    let form: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    cloud.call_query("monitoring", &form);
}

#[test]
fn a_wait_says_that_the_function_does_not_run() {
    let cloud = Cloud::start_deployed(&[]);
    enable_mapping(&cloud, &cloud.resource_id("LoadMapping"), false);
    let state: Arc<Mutex<&str>> = Arc::new(Mutex::new("Failed"));
    let answered = Arc::clone(&state);
    interpose(&cloud, move |call| {
        if call.uri.contains("/configuration") {
            let state = *answered.lock().unwrap();
            return Some(json!({ "State": state, "StateReason": "the key was deleted" }).to_string());
        }
        // Nothing shows that the load is not queued.
        let asks_mapping = call.uri.contains("/event-source-mappings/") && call.body.is_empty();
        asks_mapping.then(|| json!({ "State": "Enabled" }).to_string())
    });
    let ran = upload_in_vain(&cloud, "failed.csv");
    ran.failed_with(7, &["Lambda cannot run the live version of the function", "the key was deleted"]);
    ran.failed_with(7, &["next: fix what it names, then: restctl deploy"]);
    *state.lock().unwrap() = "Active";
    count_failed_runs(&cloud);
    let ran = upload_in_vain(&cloud, "crashed.csv");
    ran.failed_with(7, &["ended with an error; failed runs in the last 10 minutes: 100"]);
    ran.failed_with(7, &["next: restctl logs ingest --since 10m"]);
}

fn describe_deleted_stack() -> String {
    "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackId>stack</StackId>\
     <StackName>restctl</StackName><StackStatus>DELETE_IN_PROGRESS</StackStatus></member></Stacks>\
     </DescribeStacksResult></DescribeStacksResponse>"
        .to_owned()
}

/// Such as the stack of a dry run.
#[test]
fn a_deployment_does_not_wait_too_long_for_an_empty_stack() {
    let cloud = Cloud::start_set_up();
    interpose(&cloud, |call| call.is_action("DescribeStacks").then(describe_deleted_stack));
    for command in [&["deploy"][..], &["deploy", "--dry-run"]] {
        let ended = cloud.run(&[command, &["--timeout", "2s"]].concat());
        ended.failed_with(7, &["stopped waiting after 2 s, before the stack was changed"]);
    }
}

#[test]
fn a_dry_run_does_not_compare_for_too_long() {
    let cloud = Cloud::start_deployed(&[]);
    let gate = Gate::default();
    let closed = gate.clone();
    interpose(&cloud, move |call| {
        // Only the comparison reads it.
        if call.uri.contains("/event-source-mappings/") {
            closed.wait_until_open();
        }
        None
    });
    let ended = cloud.run(&["deploy", "--dry-run", "--timeout", "5s"]);
    gate.open();
    ended.failed_with(7, &["stopped waiting after 5 s, before the dry run was complete"]);
}

/// DynamoDB deletes a table in the background.
#[test]
fn a_removal_whose_wait_is_over_continues() {
    let cloud = Cloud::start_deployed(&[]);
    let is_deleted = Arc::new(AtomicBool::new(false));
    interpose(&cloud, move |call| {
        if call.target == "DynamoDB_20120810.DeleteTable" {
            is_deleted.store(true, Ordering::SeqCst);
        }
        let is_asked = call.target == "DynamoDB_20120810.DescribeTable" && is_deleted.load(Ordering::SeqCst);
        is_asked.then(|| json!({ "Table": { "TableStatus": "DELETING" } }).to_string())
    });
    let ended = cloud.run(&["destroy", "--yes", "--delete-data", "--timeout", "10s"]);
    ended.failed_with(7, &["still there:", "next: restctl destroy, which removes the rest"]);
}

#[test]
fn a_deployment_goes_on_after_its_wait() {
    let cloud = Cloud::start_set_up();
    cloud
        .run(&["deploy", "--timeout", "0s"])
        .failed_with(7, &["stopped waiting after 0 s", "the same command again"]);
    cloud.run(&["deploy", "--timeout", "soon"]).failed_with(2, &["--timeout", "as in 90s"]);
    cloud.succeed(&["deploy", "--timeout", "1h"]);
    let left = cloud.run(&["destroy", "--yes", "--timeout", "0s"]);
    left.failed_with(7, &["stopped waiting after 0 s", "next: restctl destroy"]);
    eventually("destroy continues", || {
        (cloud.run(&["destroy", "--yes", "--timeout", "1h"]).exit == 0).then_some(())
    });
}
