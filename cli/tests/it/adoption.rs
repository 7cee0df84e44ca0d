//! What a deleted stack left is adopted by a new one, stays beside it, or is removed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::cloud::{Cloud, CommandOutput, eventually};
use crate::interposed::{FORBIDDEN, interpose};
use crate::terminal::Terminal;

/// Deletes the stack as another tool would, and waits until it is gone. Its settings stay.
fn delete_by_hand(cloud: &Cloud) {
    let stack = ("StackName", "restctl");
    let unprotect =
        [("Action", "UpdateTerminationProtection"), stack, ("EnableTerminationProtection", "false")];
    cloud.call_query("cloudformation", &unprotect);
    cloud.call_query("cloudformation", &[("Action", "DeleteStack"), stack]);
    eventually("the stack is gone", || {
        let stacks = cloud.call_query("cloudformation", &[("Action", "DescribeStacks")]);
        (!stacks.contains("<StackName>restctl</StackName>")).then_some(())
    });
}

fn lines(output: &CommandOutput) -> Vec<Value> {
    output.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Returns the tables of the cloud.
fn list_tables(cloud: &Cloud) -> Vec<String> {
    let tables = cloud.call_json("dynamodb", "DynamoDB_20120810.ListTables", &json!({}));
    tables["TableNames"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_new_stack_adopts_what_a_deleted_one_left() {
    let cloud = Cloud::start_deployed(&["--key", "id:S", "--list", "on"]);
    cloud.run(&["deploy", "--adopt", "--dry-run"]).failed_with(0, &["--adopt changes nothing"]);
    cloud.succeed(&["upload", "items.csv"]);
    let data = ["ItemsTable", "LedgerTable", "DataBucket", "ApiLogs", "IngestLogs"];
    let names = data.map(|resource| cloud.resource_id(resource));
    let (table, bucket) = (&names[0], &names[2]);
    let loads = cloud.succeed(&["loads", "ls"]).stdout;
    cloud.succeed(&["destroy", "--yes"]);
    cloud.succeed(&["setup"]);

    let refused = cloud.run(&["deploy"]);
    refused.failed_with(2, &[&format!("  the items table {table} with about 2985 items, ")]);
    refused.failed_with(2, &[&format!("  the bucket {bucket} with 1 object version, ")]);
    refused.failed_with(2, &["nothing was changed", "deploy --adopt\n", "deploy --fresh-data\n"]);
    let dry_run = cloud.run(&["deploy", "--dry-run"]);
    dry_run.failed_with(6, &["a deployment needs --adopt or --fresh-data"]);
    cloud
        .run(&["deploy", "--adopt", "--key", "sku:N"])
        .failed_with(2, &["the key of the table to adopt is id:S"]);
    cloud.run(&["deploy", "--adopt", "other"]).failed_with(2, &["no deleted stack left other"]);
    let dry_run = cloud.run(&["deploy", "--adopt", "--dry-run", "--output", "json"]);
    dry_run.failed_with(6, &[&format!("  would adopt the items table {table}")]);
    let added: Vec<_> = lines(&dry_run).iter().map(|line| line["resource"].clone()).collect();
    assert!(added.contains(&json!("LoadQueue")), "{added:?}");
    let retained = lines(&dry_run).into_iter().filter(|line| line["type"] == "retained");
    assert_eq!(retained.count(), data.len());
    let changed = lines(&dry_run).into_iter().filter(|line| line["type"] == "change");
    assert!(changed.into_iter().all(|line| !data.contains(&line["resource"].as_str().unwrap())));

    let adopted = cloud.succeed(&["deploy", "--adopt", "--output", "json"]);
    let is_adopted = |line: &&Value| line["type"] == "change" && line["action"] == "adopt";
    assert_eq!(lines(&adopted).iter().filter(is_adopted).count(), data.len(), "{}", adopted.stdout);
    assert_eq!(data.map(|resource| cloud.resource_id(resource)), names);
    assert_eq!(cloud.succeed(&["get", "--id", "42"]).json()["name"], "Pocket Towel");
    assert_eq!(cloud.succeed(&["loads", "ls"]).stdout, loads);
    let again = cloud.succeed(&["upload", "items.csv", "--name", "again.csv"]);
    assert_eq!((again.receipt_count("new"), again.receipt_count("changed")), (0, 0));
    assert!(cloud.succeed(&["deploy"]).stderr.contains("no change"));

    delete_by_hand(&cloud);
    let mut asked = Terminal::open(&cloud, &["deploy"]);
    asked.wait_for_text("What should the new stack do with this data?");
    asked.type_keys("\r");
    let (exit, screen) = asked.wait_for_end();
    assert_eq!(exit, Some(0), "{screen}");
    assert_eq!(cloud.succeed(&["get", "--id", "42"]).json()["name"], "Pocket Towel");

    cloud.succeed(&["destroy", "--yes", "--delete-data"]);
    cloud.succeed(&["setup"]);
    cloud.run(&["deploy", "--adopt"]).failed_with(5, &["there is nothing to adopt"]);
    assert!(list_tables(&cloud).is_empty());
}

#[test]
fn an_interrupted_adoption_is_continued() {
    let cloud = Cloud::start_deployed(&[]);
    cloud.succeed(&["upload", "items.csv"]);
    let table = cloud.resource_id("ItemsTable");
    cloud.succeed(&["destroy", "--yes"]);
    cloud.succeed(&["setup"]);
    let refuses = Arc::new(AtomicBool::new(true));
    let flag = Arc::clone(&refuses);
    interpose(&cloud, move |call| {
        let is_update = call.is_action("CreateChangeSet") && call.body.contains("ChangeSetType=UPDATE");
        let refusal = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>";
        (is_update && flag.load(Ordering::SeqCst)).then(|| refusal.to_owned())
    });
    cloud.run(&["deploy", "--adopt", "--list", "on"]).failed_with(4, &["not you"]);
    assert_eq!(cloud.resource_id("ItemsTable"), table);
    for command in [&["status"][..], &["get", "--id", "42"], &["upload", "items.csv"]] {
        cloud
            .run(command)
            .failed_with(5, &["the deployment that adopted the data was not completed", "restctl deploy"]);
    }
    assert!(cloud.run(&["doctor"]).stdout.contains("it has adopted data, and nothing else yet"));
    let all = cloud.succeed(&["status", "--all", "--output", "json"]).json();
    let stack = (&all["stacks"][0]["status"], &all["stacks"][0]["endpoint"], &all["unused"]);
    assert_eq!(stack, (&json!("IMPORT_COMPLETE"), &json!(null), &json!([])), "{all}");

    // The adopted data survives the stack once more.
    cloud.succeed(&["destroy", "--yes"]);
    cloud.succeed(&["setup"]);
    cloud.run(&["deploy", "--adopt"]).failed_with(4, &["not you"]);
    refuses.store(false, Ordering::SeqCst);
    cloud.succeed(&["deploy"]);
    assert_eq!(cloud.resource_id("ItemsTable"), table);
    assert_eq!(cloud.succeed(&["get", "--id", "42"]).json()["name"], "Pocket Towel");
    let stack = cloud.call_query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "restctl")]);
    assert!(stack.contains("<Key>restctl:stack</Key>"), "{stack}");
}

#[test]
fn fresh_data_begins_beside_the_old_data() {
    let cloud = Cloud::start_deployed(&[]);
    cloud.succeed(&["upload", "items.csv"]);
    let first = cloud.resource_id("ItemsTable");
    delete_by_hand(&cloud);
    let fresh = cloud.succeed(&["deploy", "--fresh-data"]);
    assert!(fresh.stderr.contains("restctl destroy --delete-data"), "{}", fresh.stderr);
    assert_eq!(cloud.run(&["get", "--id", "42"]).exit, 5);
    let second = cloud.resource_id("ItemsTable");
    assert_ne!(first, second);
    let unused = |kind: &str| -> Vec<String> {
        let all = cloud.succeed(&["status", "--all", "--output", "json"]).json();
        let unused = all["unused"].as_array().unwrap().iter().filter(|unused| unused["kind"] == kind);
        unused.map(|unused| unused["name"].as_str().unwrap().to_owned()).collect()
    };
    let advice = cloud.succeed(&["status", "--all"]).stderr;
    assert!(advice.contains("the stack restctl exists") && !advice.contains("--adopt"), "{advice}");
    let tables = unused("table");
    assert!(tables.contains(&first) && tables.len() == 2, "{tables:?}");
    assert_eq!((unused("bucket").len(), unused("parameters").len()), (1, 0));

    delete_by_hand(&cloud);
    let tables = unused("table");
    assert!(tables.contains(&first) && tables.contains(&second) && tables.len() == 4, "{tables:?}");
    assert_eq!(unused("parameters"), ["/restctl/restctl/"]);
    assert_eq!((unused("certificate").len(), unused("secret").len(), unused("bucket").len()), (1, 2, 2));
    let uncertain = cloud.run(&["deploy", "--adopt"]);
    uncertain.failed_with(2, &["several deleted stacks left data", &first, &second]);
    let ledgers: Vec<_> =
        list_tables(&cloud).into_iter().filter(|name| name.contains("LedgerTable")).collect();
    let buckets = cloud.get_s3("/");
    let buckets: Vec<_> =
        buckets.split("<Name>").skip(1).map(|rest| rest.split('<').next().unwrap()).collect();
    let bucket = buckets.iter().find(|name| name.contains("-databucket-")).unwrap();
    cloud.succeed(&["deploy", "--adopt", &first, &ledgers[0], bucket]);
    assert_eq!(cloud.resource_id("ItemsTable"), first);
    assert_eq!(cloud.succeed(&["get", "--id", "42"]).json()["name"], "Pocket Towel");

    let asked = cloud.run(&["destroy", "--delete-data"]);
    asked.failed_with(2, &[&format!("remove  the table {first}"), &format!("remove  the table {second}")]);
    let destroyed = cloud.succeed(&["destroy", "--yes", "--delete-data"]);
    assert!(destroyed.stderr.contains("nothing of the stack restctl remains"), "{}", destroyed.stderr);
    assert!(list_tables(&cloud).is_empty());
    assert!(!cloud.get_s3("/").contains("-databucket-"));
    let all = cloud.succeed(&["status", "--all", "--output", "json"]).json();
    assert_eq!((&all["stacks"], &all["unused"], &all["unlisted"]), (&json!([]), &json!([]), &json!([])));
}

#[test]
fn data_that_cannot_be_looked_for_is_not_adopted_in_silence() {
    let cloud = Cloud::start_set_up();
    interpose(&cloud, |call| call.uri.contains("x-id=ListBuckets").then(|| FORBIDDEN.to_owned()));
    for args in [&["deploy"][..], &["deploy", "--adopt"]] {
        let refused = cloud.run(args);
        refused
            .failed_with(4, &["cannot look for buckets that a deleted stack restctl left", "AccessDenied"]);
        refused.failed_with(4, &["restctl deploy --adopt\n", "restctl deploy --fresh-data\n"]);
    }
    let deployed = cloud.succeed(&["deploy", "--fresh-data"]).stderr;
    assert!(deployed.contains("note: cannot look for buckets that a deleted stack left: "), "{deployed}");
}

/// As if it had been restored from a backup: under another name, with the stack's tag.
fn restore_table(cloud: &Cloud, name: &str) {
    let key = json!([{ "AttributeName": "id", "KeyType": "HASH" }]);
    let table = json!({
        "TableName": name,
        "KeySchema": key,
        "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
        "BillingMode": "PAY_PER_REQUEST",
        "Tags": [{ "Key": "restctl:stack", "Value": "restctl" }],
    });
    cloud.call_json("dynamodb", "DynamoDB_20120810.CreateTable", &table);
}

#[test]
fn a_restored_table_is_adopted_only_by_name_and_never_removed_with_others() {
    let cloud = Cloud::start_deployed(&[]);
    delete_by_hand(&cloud);
    restore_table(&cloud, "restctl-restored");
    let left_out = cloud.run(&["deploy", "--adopt"]);
    left_out.failed_with(2, &["--adopt without names would leave out data", "restctl-restored with about"]);
    left_out.failed_with(2, &["not made by CloudFormation for this stack"]);
    cloud.succeed(&["deploy", "--adopt", "restctl-restored"]);
    assert_eq!(cloud.resource_id("ItemsTable"), "restctl-restored");

    delete_by_hand(&cloud);
    let asked = cloud.run(&["destroy", "--delete-data"]);
    asked.failed_with(
        2,
        &["  keep    the items table restctl-restored", "remove  the table restctl-ItemsTable-"],
    );
    let destroyed = cloud.succeed(&["destroy", "--yes", "--delete-data", "--output", "json"]);
    assert!(destroyed.stderr.contains("restctl-restored remains in us-east-1"), "{}", destroyed.stderr);
    assert_eq!(lines(&destroyed).last().unwrap()["kept"], json!(["restctl-restored"]));
    assert_eq!(list_tables(&cloud), ["restctl-restored"]);
}
