//! Functions and aliases that someone changed without restctl, and a deployment after that.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use crate::cloud::{Cloud, send_signed};
use crate::deploy::{append_byte, deploy_folder, lambdas_with_api};
use crate::interposed::interpose;

/// Returns the path of a function in the API of Lambda.
fn function_path(cloud: &Cloud, resource: &str) -> String {
    format!("/2015-03-31/functions/{}", cloud.resource_id(resource))
}

/// Calls Lambda as another tool would.
fn call_lambda(cloud: &Cloud, method: Method, path: &str, body: &Value) -> Value {
    let answer = cloud.send_request("lambda", method, path, |request| request.body(body.to_string()));
    serde_json::from_str(&answer).unwrap_or(Value::Null)
}

fn read_configuration(cloud: &Cloud, function: &str, qualifier: &str) -> Value {
    let path = format!("{function}/configuration?Qualifier={qualifier}");
    serde_json::from_str(&cloud.get_from("lambda", &path)).unwrap()
}

/// Returns a package with a program that is none, in Base64.
fn other_package() -> String {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("bootstrap", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(b"not what was deployed").unwrap();
    STANDARD.encode(zip.finish().unwrap().into_inner())
}

/// Changes everything in which a function can differ from its deployment.
fn change_function(cloud: &Cloud, function: &str) {
    let content = json!({ "Content": { "ZipFile": other_package() } });
    let layer = call_lambda(cloud, Method::POST, "/2018-10-31/layers/hook/versions", &content);
    let mut environment = read_configuration(cloud, function, "live")["Environment"].clone();
    environment["Variables"]["OPENAPI"] = json!("open");
    environment["Variables"]["PASSWORD"] = json!("hunter2");
    let configuration = json!({
        "Environment": environment,
        "MemorySize": 512,
        "Timeout": 3,
        "Role": "arn:aws:iam::000000000000:role/other",
        "Layers": [layer["LayerVersionArn"]],
    });
    call_lambda(cloud, Method::PUT, &format!("{function}/configuration"), &configuration);
    call_lambda(cloud, Method::PUT, &format!("{function}/code"), &json!({ "ZipFile": other_package() }));
    let reserved = function.replace("2015-03-31", "2017-10-31") + "/concurrency";
    call_lambda(cloud, Method::PUT, &reserved, &json!({ "ReservedConcurrentExecutions": 7 }));
}

#[test]
fn a_function_that_was_changed_by_hand_goes_live_as_it_was_deployed() {
    let cloud = Cloud::start_deployed(&[]);
    cloud.succeed(&["upload", "items.csv"]);
    let function = function_path(&cloud, "ApiFunction");
    let deployed = read_configuration(&cloud, &function, "live");
    change_function(&cloud, &function);

    // On AWS, a change of the reservation also makes a new revision.
    let calls = Arc::new(Mutex::new(Vec::new()));
    let recorded = Arc::clone(&calls);
    interpose(&cloud, move |call| {
        let is_update = call.uri.ends_with("/configuration") && !call.body.is_empty();
        let changes = [("update", is_update), ("reservation", call.uri.ends_with("/concurrency"))];
        recorded.lock().unwrap().extend(changes.into_iter().filter(|(_, made)| *made).map(|(name, _)| name));
        None
    });
    let reverted = cloud.succeed(&["deploy", "--output", "json"]);
    assert_eq!(*calls.lock().unwrap(), ["update", "reservation"]);
    for property in [
        "MemorySize: expected 256, actual 512",
        "Timeout: expected 15, actual 3",
        "Role: expected arn:aws:iam::000000000000:role/restctl-ApiRole",
        "Environment/Variables/OPENAPI: expected token, actual open",
        "Environment/Variables/PASSWORD: expected nothing, actual a value that is not shown",
        "Layers: expected nothing, actual [",
        "ReservedConcurrentExecutions: expected nothing, actual 7",
        "CodeSha256: expected ",
    ] {
        let line = format!("reverted a change without restctl: ApiFunction: {property}");
        assert!(reverted.stderr.contains(&line), "{line:?} is not in:\n{}", reverted.stderr);
    }
    assert!(
        !reverted.stderr.contains("no change") && !reverted.stderr.contains("hunter2"),
        "{}",
        reverted.stderr
    );
    let result: Value = serde_json::from_str(reverted.stdout.lines().last().unwrap()).unwrap();
    assert_eq!((&result["outcome"], &result["changes"]), (&json!("deployed"), &json!(1)));

    let live = read_configuration(&cloud, &function, "live");
    for property in ["CodeSha256", "Environment", "Layers", "MemorySize", "Role", "Timeout"] {
        assert_eq!(live[property], deployed[property], "{property}");
    }
    cloud.succeed(&["get", "--id", "42"]);
    let unchanged = cloud.succeed(&["deploy"]);
    assert!(unchanged.stderr.contains("no change: the stack restctl is up to date"), "{}", unchanged.stderr);
}

#[test]
fn an_alias_that_was_changed_by_hand_leads_to_the_deployed_version_alone() {
    let cloud = Cloud::start_deployed(&[]);
    cloud.succeed(&["upload", "items.csv"]);
    let function = function_path(&cloud, "ApiFunction");
    call_lambda(&cloud, Method::PUT, &format!("{function}/configuration"), &json!({ "Timeout": 3 }));
    let by_hand = call_lambda(&cloud, Method::POST, &format!("{function}/versions"), &json!({}));
    let by_hand = by_hand["Version"].as_str().unwrap();
    let alias = format!("{function}/aliases/live");
    call_lambda(&cloud, Method::PUT, &alias, &json!({ "FunctionVersion": by_hand }));
    let moved = cloud.succeed(&["deploy"]).stderr;
    assert!(moved.contains("version 3 is live, instead of 2"), "{moved}");
    assert_eq!(read_configuration(&cloud, &function, "live")["Timeout"], 15);

    let weights = json!({ "RoutingConfig": { "AdditionalVersionWeights": { by_hand: 0.5 } } });
    call_lambda(&cloud, Method::PUT, &alias, &weights);
    let alone = cloud.succeed(&["deploy"]).stderr;
    assert!(alone.contains("version 3 alone is live, without 2"), "{alone}");
    assert!(!alone.contains("no change"), "{alone}");
    let alias: Value = serde_json::from_str(&cloud.get_from("lambda", &alias)).unwrap();
    assert_eq!((&alias["FunctionVersion"], &alias["RoutingConfig"]), (&json!("3"), &Value::Null));
    assert!(cloud.succeed(&["deploy"]).stderr.contains("no change"));
    cloud.succeed(&["get", "--id", "42"]);
}

/// The local cloud publishes a function without regard to its revision, so a server in front of it answers as Lambda does.
#[test]
fn a_function_that_changes_after_the_comparison_is_not_published() {
    let cloud = Cloud::start_deployed(&[]);
    let function = function_path(&cloud, "ApiFunction");
    let (record, is_changed) = (cloud.record(), Arc::new(AtomicBool::new(false)));
    let (path, changed) = (function.clone(), Arc::clone(&is_changed));
    interpose(&cloud, move |call| {
        if !call.uri.starts_with(&format!("{path}/versions")) || changed.swap(true, Ordering::SeqCst) {
            return None;
        }
        let configuration = format!("{path}/configuration");
        let change = json!({ "Timeout": 3 }).to_string();
        let now = send_signed(&record, "lambda", Method::PUT, &configuration, |request| request.body(change));
        let now: Value = serde_json::from_str(&now).unwrap();
        let published: Value = serde_json::from_str(&call.body).unwrap();
        let is_same = published["RevisionId"] == now["RevisionId"];
        (!is_same).then(|| json!({ "__type": "PreconditionFailedException" }).to_string())
    });
    let raced = cloud.run(&["deploy"]);
    raced.failed_with(1, &["cannot publish a version of the function", "it has just been changed"]);
    assert_eq!(read_configuration(&cloud, &function, "live")["Timeout"], 15);
    let again = cloud.succeed(&["deploy"]).stderr;
    assert!(again.contains("ApiFunction: Timeout: expected 15, actual 3"), "{again}");
}

/// As if the answer to the first request had been lost: Lambda has published the version, and the function has a new revision.
#[test]
fn an_outdated_revision_of_a_function_that_is_as_compared_stops_nothing() {
    let cloud = Cloud::start_deployed(&[]);
    let is_refused = AtomicBool::new(false);
    interpose(&cloud, move |call| {
        let refuses = call.uri.ends_with("/versions") && !is_refused.swap(true, Ordering::SeqCst);
        refuses.then(|| json!({ "__type": "PreconditionFailedException" }).to_string())
    });
    assert!(cloud.succeed(&["deploy"]).stderr.contains("no change"));
}

/// Lambda accepts some settings and fails later, such as those of a network that does not exist.
#[test]
fn a_function_whose_update_by_hand_failed_is_reverted() {
    let cloud = Cloud::start_deployed(&[]);
    let function = function_path(&cloud, "ApiFunction");
    let (record, has_failed) = (cloud.record(), Arc::new(AtomicBool::new(true)));
    let (configuration, failed) = (format!("{function}/configuration"), Arc::clone(&has_failed));
    interpose(&cloud, move |call| {
        if call.uri != configuration {
            return None;
        }
        if !call.body.is_empty() {
            failed.store(false, Ordering::SeqCst);
        }
        if !failed.load(Ordering::SeqCst) {
            return None;
        }
        let read = send_signed(&record, "lambda", Method::GET, &configuration, |request| request);
        let mut read: Value = serde_json::from_str(&read).unwrap();
        read["LastUpdateStatus"] = json!("Failed");
        read["LastUpdateStatusReason"] = json!("the subnet does not exist");
        Some(read.to_string())
    });
    let unchanged = cloud.run(&["deploy"]);
    unchanged.failed_with(1, &["was not updated", "the subnet does not exist"]);

    call_lambda(&cloud, Method::PUT, &format!("{function}/configuration"), &json!({ "Timeout": 3 }));
    has_failed.store(true, Ordering::SeqCst);
    let reverted = cloud.succeed(&["deploy"]).stderr;
    assert!(reverted.contains("ApiFunction: Timeout: expected 15, actual 3"), "{reverted}");
}

#[test]
fn a_deployment_that_cannot_be_compared_at_first_ends_a_rollback() {
    let cloud = Cloud::start_set_up();
    let (first, second) = (lambdas_with_api(|binary| binary), lambdas_with_api(append_byte));
    assert_eq!(deploy_folder(&cloud, &first, &[]).exit, 0);
    assert_eq!(deploy_folder(&cloud, &second, &[]).exit, 0);
    cloud.succeed(&["rollback"]);
    let is_refused = AtomicBool::new(false);
    interpose(&cloud, move |call| {
        let is_comparison = call.is_action("DetectStackResourceDrift");
        (is_comparison && !is_refused.swap(true, Ordering::SeqCst)).then(|| {
            let refusal = "<Error><Code>AccessDenied</Code><Message>not now</Message></Error>";
            format!("<ErrorResponse>{refusal}</ErrorResponse>")
        })
    });
    let deployed = deploy_folder(&cloud, &second, &[]);
    deployed.failed_with(0, &["has been live since the rollback", "note: cannot compare the resource"]);
    deployed.failed_with(0, &["version 2 is live, instead of 1"]);
}

#[test]
fn a_deployment_says_that_it_ends_a_rollback() {
    let cloud = Cloud::start_set_up();
    let (first, second) = (lambdas_with_api(|binary| binary), lambdas_with_api(append_byte));
    assert_eq!(deploy_folder(&cloud, &first, &[]).exit, 0);
    assert_eq!(deploy_folder(&cloud, &second, &[]).exit, 0);
    cloud.succeed(&["rollback"]);
    let announced = ["version 1 of ApiFunction has been live since the rollback", "  CodeSha256: expected "];
    let planned = deploy_folder(&cloud, &second, &["--dry-run"]);
    planned.failed_with(6, &announced);
    assert!(!planned.stderr.contains("no change"), "{}", planned.stderr);
    let deployed = deploy_folder(&cloud, &second, &[]);
    deployed.failed_with(0, &announced);
    deployed.failed_with(0, &["version 2 is live, instead of 1"]);
    assert!(!deployed.stderr.contains("no change"), "{}", deployed.stderr);
    assert_eq!(deploy_folder(&cloud, &second, &["--dry-run"]).exit, 0);
}

#[test]
fn a_deleted_function_or_alias_is_named() {
    let cloud = Cloud::start_deployed(&[]);
    let [alias, function] = ["ApiFunction", "IngestFunction"].map(|name| function_path(&cloud, name));
    for path in [alias + "/aliases/live", function] {
        cloud.send_request("lambda", Method::DELETE, &path, |request| request);
    }
    let refused = cloud.run(&["deploy"]);
    refused.failed_with(1, &["a resource of the stack was deleted without restctl", "restctl destroy"]);
    refused.failed_with(1, &["IngestFunction (restctl-IngestFunction", "ApiAlias (restctl-ApiFunction"]);
}

fn set_visibility_timeout(record: &Value, queue: &str, seconds: &str) {
    let attributes = json!({ "QueueUrl": queue, "Attributes": { "VisibilityTimeout": seconds } });
    send_signed(record, "sqs", Method::POST, "/", |request| {
        let request = request.header("x-amz-target", "AmazonSQS.SetQueueAttributes");
        request.header("content-type", "application/x-amz-json-1.0").body(attributes.to_string())
    });
}

/// The local cloud's Cloud Control API knows no resource of another service.
#[test]
fn another_resource_is_reverted_or_named() {
    let cloud = Cloud::start_deployed(&[]);
    let (record, queue) = (cloud.record(), cloud.resource_id("LoadQueue"));
    set_visibility_timeout(&record, &queue, "30");
    let drift = "LoadQueue: VisibilityTimeout: expected 1800, actual 30";
    let refused = cloud.run(&["deploy", "--list", "on"]);
    let cannot = "nothing went live: restctl cannot revert a change that was made without it";
    refused.failed_with(1, &[cannot, drift, "set each property to what is expected"]);
    assert!(!refused.stderr.contains("UPDATE_COMPLETE"), "{}", refused.stderr);

    interpose(&cloud, move |call| {
        let patch = r#"[{\"op\":\"add\",\"path\":\"/VisibilityTimeout\",\"value\":1800}]"#;
        (call.target.ends_with(".UpdateResource") && call.body.contains(patch)).then(|| {
            set_visibility_timeout(&record, &queue, "1800");
            json!({ "ProgressEvent": { "OperationStatus": "SUCCESS" } }).to_string()
        })
    });
    let reverted = cloud.succeed(&["deploy"]).stderr;
    assert!(reverted.contains(&format!("reverted a change without restctl: {drift}")), "{reverted}");
    assert!(reverted.contains("the list of all items is off"), "{reverted}");
    assert!(cloud.succeed(&["deploy"]).stderr.contains("no change"));
}

/// What the service never changes would otherwise stop each deployment.
#[test]
fn what_cannot_be_reverted_stops_no_deployment() {
    let cloud = Cloud::start_deployed(&[]);
    set_visibility_timeout(&cloud.record(), &cloud.resource_id("LoadQueue"), "30");
    interpose(&cloud, |call| {
        let refused = json!({ "ProgressEvent": {
            "OperationStatus": "FAILED", "ErrorCode": "NotUpdatable", "StatusMessage": "create-only"
        } });
        call.target.ends_with(".UpdateResource").then(|| refused.to_string())
    });
    let deployed = cloud.succeed(&["deploy"]).stderr;
    assert!(
        deployed.contains("note: cannot revert the resource LoadQueue: FAILED: create-only"),
        "{deployed}"
    );
}
