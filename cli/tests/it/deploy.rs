//! Deployments over the life of a stack: planned, run, tested, rolled back, repaired.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::cloud::{Cloud, CommandOutput};
use crate::interposed::interpose;
use crate::lambdas::lambdas_folder;

/// Returns a folder with both Lambdas. `api` changes the binary of the API.
pub(crate) fn lambdas_with_api(api: impl FnOnce(Vec<u8>) -> Vec<u8>) -> tempfile::TempDir {
    let built = lambdas_folder();
    let folder = tempfile::tempdir().unwrap();
    fs::copy(built.join("restctl-ingest"), folder.path().join("restctl-ingest")).unwrap();
    let binary = api(fs::read(built.join("restctl-api")).unwrap());
    fs::write(folder.path().join("restctl-api"), binary).unwrap();
    folder
}

/// Returns the same program with other bytes: what follows the sections is not read.
pub(crate) fn append_byte(mut binary: Vec<u8>) -> Vec<u8> {
    binary.push(0);
    binary
}

pub(crate) fn deploy_folder(cloud: &Cloud, folder: &tempfile::TempDir, more: &[&str]) -> CommandOutput {
    let folder = folder.path().to_str().unwrap();
    cloud.run(&[&["deploy", "--lambdas", folder], more].concat())
}

#[test]
fn a_dry_run_shows_changes_and_makes_none() {
    let cloud = Cloud::start_set_up();
    let seen = cloud.run(&["deploy", "--dry-run"]);
    seen.failed_with(6, &["the stack restctl in us-east-1"]);
    assert!(seen.stdout.contains("+ add     ItemsTable (AWS::DynamoDB::Table)\n"), "{}", seen.stdout);
    assert!(!seen.stderr.contains("USD"), "the local cloud costs nothing: {}", seen.stderr);
    assert!(!cloud.get_s3("/").contains("<Bucket>"), "a dry run makes no bucket");
    let stacks = cloud.call_query("cloudformation", &[("Action", "ListStacks")]);
    assert!(!stacks.contains("REVIEW_IN_PROGRESS"), "a dry run leaves no stack: {stacks}");

    cloud.succeed(&["deploy"]);
    let nothing = cloud.succeed(&["deploy", "--dry-run"]);
    assert!(nothing.stderr.contains("no change") && nothing.stdout.is_empty(), "{}", nothing.stdout);
    let listed = cloud.run(&["deploy", "--dry-run", "--list", "on"]);
    assert_eq!(listed.exit, 6);
    assert!(
        listed.stdout.contains("~ change  ApiRole (AWS::IAM::Role)\n      └ Policies\n"),
        "{}",
        listed.stdout
    );
    let lines = cloud.run(&["deploy", "--dry-run", "--list", "on", "--output", "json"]).stdout;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (last, changes) = lines.split_last().unwrap();
    assert_eq!(
        (&last["type"], &last["outcome"], &last["changes"]),
        (&json!("result"), &json!("planned"), &json!(changes.len()))
    );
    assert!(changes.iter().all(|line| line["type"] == "change" && line["schema"] == 1), "{changes:?}");
    assert!(cloud.succeed(&["deploy", "--dry-run"]).stdout.is_empty(), "a dry run changes nothing");
}

#[test]
fn a_dry_run_says_what_it_adds_to_the_price() {
    let cloud = Cloud::start_set_up();
    let built = lambdas_folder().to_str().unwrap();
    let dry_run = ["deploy", "--dry-run", "--lambdas", built, "--output", "json"];
    let seen = CommandOutput::from(cloud.command_as_on_aws(&dry_run).output().unwrap());
    seen.failed_with(6, &["adds about ", " USD a month while idle, by the list prices of us-east-1"]);
    let mut lines = seen.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let price = lines.find(|line| line["type"] == "price").unwrap();
    // The local cloud also counts the resources of options that are off.
    assert!(price["usd_per_month"].as_f64().unwrap() > 24.62, "{price}");
}

#[test]
fn a_version_goes_live_after_its_smoke_test_and_can_be_rolled_back() {
    let cloud = Cloud::start_set_up();
    let (first, second) = (lambdas_with_api(|binary| binary), lambdas_with_api(append_byte));
    assert_eq!(deploy_folder(&cloud, &first, &[]).exit, 0);
    cloud.succeed(&["upload", "items.csv"]);
    let nothing_before = cloud.run(&["rollback"]);
    nothing_before.failed_with(5, &["have no earlier version"]);

    let updated = deploy_folder(&cloud, &second, &["--output", "json"]);
    assert_eq!(updated.exit, 0, "{}", updated.stderr);
    let changes = updated.stdout.lines().filter(|line| line.contains(r#""type":"change""#));
    assert_eq!(changes.count(), 1, "only one function changed: {}", updated.stdout);
    let result: Value = serde_json::from_str(updated.stdout.lines().last().unwrap()).unwrap();
    assert_eq!((&result["api_version"], &result["ingest_version"]), (&json!("2"), &json!("1")));
    assert!(updated.stderr.contains("version 2 is live, instead of 1"), "{}", updated.stderr);
    cloud.succeed(&["get", "--id", "42"]);

    // /bin/true ends at once, so it leaves no process behind.
    let broken = lambdas_with_api(|_| fs::read("/bin/true").unwrap());
    let refused = deploy_folder(&cloud, &broken, &[]);
    refused.failed_with(1, &["version 3 of the function", "failed", "version 2 of the API", "stay live"]);
    cloud.succeed(&["get", "--id", "42"]);

    let back = cloud.succeed(&["rollback"]);
    assert!(back.stderr.contains("version 1 is live again, instead of 2"), "{}", back.stderr);
    cloud.succeed(&["get", "--id", "42"]);
    cloud.run(&["rollback"]).failed_with(5, &["have no earlier version"]);
    let forward = deploy_folder(&cloud, &second, &[]);
    assert!(forward.stderr.contains("version 4 is live, instead of 1"), "{}", forward.stderr);
    let unchanged = deploy_folder(&cloud, &second, &[]);
    assert!(
        unchanged.stderr.contains("no change") && !unchanged.stderr.contains("is live"),
        "{}",
        unchanged.stderr
    );
}

#[test]
fn a_failed_deployment_names_its_cause_and_changes_nothing() {
    let cloud = Cloud::start_set_up();
    let no_such_zone = ["--domain", "restctl.localhost", "--hosted-zone", "Z0NOPE"];
    let create = [&["deploy"], no_such_zone.as_slice()].concat();
    let failed = cloud.run(&create);
    failed.failed_with(
        1,
        &["it ended in ROLLBACK_COMPLETE", "DomainRecord (AWS::Route53::RecordSet): No hosted"],
    );
    failed.failed_with(
        1,
        &[
            "CREATE_FAILED        DomainRecord",
            "next: find the id with (eval",
            "&& aws route53 list-hosted-zones)",
        ],
    );

    // The failed stack is in the way, so the command asks to remove it. The chosen options stay.
    cloud.run(&["deploy"]).failed_with(2, &["ROLLBACK_COMPLETE", "Remove it and continue?", "--yes"]);
    cloud.run(&["deploy", "--yes"]).failed_with(1, &["its options are kept", "No hosted zone"]);
    cloud.succeed(&["deploy", "--yes", "--domain", "", "--hosted-zone", ""]);
    cloud.succeed(&["upload", "items.csv"]);

    let failed = cloud.run(&[create.as_slice(), &["--output", "json"]].concat());
    assert_eq!(failed.exit, 1, "{}", failed.stderr);
    let lines: Vec<Value> = failed.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_kind = |kind: &str| lines.iter().filter(|line| line["type"] == kind).collect::<Vec<_>>();
    let members = |line: &Value| line.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(
        lines.iter().filter(|line| line["schema"] == 1 && line["operation"] == "deploy").count(),
        lines.len()
    );
    let record = of_kind("resource").into_iter().find(|line| line["status"] == "UPDATE_FAILED").unwrap();
    assert_eq!(record["resource"], "DomainRecord");
    assert_eq!(
        members(record),
        "schema operation type time resource resource_type physical_id status reason"
    );
    let result = lines.last().unwrap();
    assert_eq!(members(result), "schema operation type outcome what why next exit");
    assert_eq!(
        (&result["type"], &result["outcome"], &result["exit"]),
        (&json!("result"), &json!("failed"), &json!(1))
    );
    assert_eq!(of_kind("result").len(), 1);
    assert!(result["why"].as_str().unwrap().contains("DomainRecord"), "{result}");
    cloud.succeed(&["get", "--id", "42"]);
    assert!(cloud.succeed(&["deploy"]).stderr.contains("no change"), "the stack is what it was");
}

/// A reader that takes only the first line does not stop the deployment half-way.
#[test]
fn a_closed_output_does_not_stop_a_deployment() {
    let cloud = Cloud::start_set_up();
    let mut deploying =
        cloud.command(&["deploy", "--output", "json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(deploying.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.contains(r#""type":"change""#), "{first}");
    assert!(deploying.wait().unwrap().success());
    cloud.succeed(&["upload", "items.csv"]);
    cloud.succeed(&["get", "--id", "42"]);
}

#[test]
fn resources_with_data_are_replaced_only_by_name() {
    let cloud = Cloud::start_deployed(&[]);
    let table = cloud.resource_id("ItemsTable");
    let other_key = ["deploy", "--key", "code:S"];
    let refused = cloud.run(&other_key);
    refused.failed_with(2, &["REPLACE ItemsTable", "nothing was changed", "--allow-replacement ItemsTable"]);
    let planned = cloud.run(&[other_key.as_slice(), &["--dry-run"]].concat());
    assert_eq!(planned.exit, 6, "{}", planned.stderr);
    assert!(planned.stdout.contains("REPLACE ItemsTable"), "{}", planned.stdout);
    assert!(
        planned.stderr.contains("a deployment needs --allow-replacement ItemsTable"),
        "{}",
        planned.stderr
    );
    assert_eq!(cloud.resource_id("ItemsTable"), table);
    let allowed = cloud.run(&[other_key.as_slice(), &["--allow-replacement", "ItemsTable"]].concat());
    assert_eq!(allowed.exit, 0, "{}", allowed.stderr);
    // The local cloud makes the new table under the old one's name.
    let table =
        cloud.call_json("dynamodb", "DynamoDB_20120810.DescribeTable", &json!({ "TableName": table }));
    assert_eq!(table["Table"]["KeySchema"][0]["AttributeName"], "code", "{table}");
}

/// The role allows only what the current stack needs, and the previous version needs more.
#[test]
fn rollback_refuses_a_version_whose_resources_are_gone() {
    let cloud = Cloud::start_deployed(&["--list", "on"]);
    cloud.succeed(&["upload", "items.csv"]);
    cloud.succeed(&["deploy", "--list", "off"]);
    cloud
        .run(&["rollback"])
        .failed_with(1, &["cannot return to version", "CURSOR_KEY", "restctl deploy with"]);
    cloud.succeed(&["get", "--id", "42"]);
}

#[test]
fn a_version_that_cannot_fetch_keys_does_not_go_live() {
    let cloud = Cloud::start_deployed(&[]);
    cloud.succeed(&["upload", "items.csv"]);
    // Nothing listens there.
    cloud.edit_issuers(|issuers| issuers[0]["jwks_uri"] = json!("http://127.0.0.1:9/jwks.json"));
    let refused = cloud.run(&["deploy"]);
    refused.failed_with(
        1,
        &["version 2 of the function", "answered with 503", "version 1 of the API", "stay live"],
    );
    cloud.succeed(&["get", "--id", "42"]);
    cloud.succeed(&["setup"]);
    cloud.succeed(&["deploy"]);
}

/// Lambda makes a function in a VPC inactive if it has not been called for weeks.
#[test]
fn an_inactive_version_is_activated() {
    let cloud = Cloud::start_deployed(&[]);
    let (is_awake, looks) = (AtomicBool::new(false), AtomicUsize::new(0));
    interpose(&cloud, move |call| {
        if call.uri.contains("/invocations") && !is_awake.swap(true, Ordering::SeqCst) {
            return Some(r#"{"errorType":"CodeArtifactUserPendingException"}"#.to_owned());
        }
        // The unpublished function has no qualifier.
        let is_version = call.uri.contains("/configuration?Qualifier=");
        let state = match looks.fetch_add(usize::from(is_version), Ordering::SeqCst) {
            0 => "Inactive",
            1 => "Pending",
            _ => return None,
        };
        is_version.then(|| json!({ "State": state }).to_string())
    });
    cloud.succeed(&["deploy"]);
}

/// Programs read the outcome from the last line, whatever the outcome is.
#[test]
fn a_deployment_that_cannot_begin_still_ends_with_a_result() {
    let nowhere = tempfile::tempdir().unwrap();
    for command in ["deploy", "destroy", "rollback"] {
        let mut restctl = Command::new(env!("CARGO_BIN_EXE_restctl"));
        restctl.args(["--local", command, "--output", "json"]).env("XDG_STATE_HOME", nowhere.path());
        let ran = CommandOutput::from(restctl.stdin(Stdio::null()).output().unwrap());
        let result: Value = serde_json::from_str(ran.stdout.trim_end()).unwrap();
        assert_eq!((&result["type"], &result["outcome"]), (&json!("result"), &json!("failed")), "{result}");
        assert_eq!((&result["operation"], &result["exit"]), (&json!(command), &json!(ran.exit)), "{result}");
        assert!(result["next"].as_str().unwrap().contains("restctl local up"), "{result}");
    }
}

#[test]
fn a_stuck_stack_is_repaired_after_asking() {
    let cloud = Cloud::start_set_up();
    // The parameter shows that restctl deployed the stack.
    let broken = json!({ "Parameters": { "ArtifactBucket": { "Type": "String", "Default": "" } }, "Resources": { "Queue": {
        "Type": "AWS::SQS::Queue",
        "Properties": { "QueueName": "{{resolve:secretsmanager:no-such-secret:SecretString:name}}" },
    } } });
    let template = broken.to_string();
    let stack = [("StackName", "restctl"), ("TemplateBody", template.as_str())];
    let create = [[("Action", "CreateStack")].as_slice(), &stack].concat();
    cloud.call_query("cloudformation", &create);
    let asked = cloud.run(&["deploy"]);
    asked.failed_with(2, &["ROLLBACK_COMPLETE", "no terminal to ask on", "--yes"]);
    cloud.run(&["deploy", "--dry-run"]).failed_with(1, &["ROLLBACK_COMPLETE", "restctl deploy"]);
    let repaired = cloud.succeed(&["deploy", "--yes"]);
    assert!(repaired.stderr.contains("removed the stack restctl, which was in ROLLBACK_COMPLETE"));

    cloud.succeed(&["destroy", "--yes", "--delete-data"]);
    cloud.succeed(&["setup"]);
    let review = [("Action", "CreateChangeSet"), ("ChangeSetName", "seen"), ("ChangeSetType", "CREATE")];
    cloud.call_query("cloudformation", &[review.as_slice(), &stack].concat());
    cloud.run(&["deploy"]).failed_with(2, &["REVIEW_IN_PROGRESS", "so it is empty", "--yes"]);
    cloud.succeed(&["deploy", "--yes"]);
}

#[test]
fn a_deployed_stack_is_protected() {
    let cloud = Cloud::shared_read_only();
    let stack = cloud.call_query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "restctl")]);
    assert!(stack.contains("<EnableTerminationProtection>true<"), "{stack}");
    assert!(stack.contains("<Key>restctl:stack</Key>"), "{stack}");
}
