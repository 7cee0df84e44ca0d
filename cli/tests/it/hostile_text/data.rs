//! Data: names of files and objects, columns and rows, and messages in the dead-letter queue.

use serde_json::json;

use super::{Args, HOSTILE, MARK, assert_harmless, check, check_all};
use crate::cloud::{Cloud, eventually};
use crate::terminal::Terminal;

/// Those that read the loads of a hostile object.
pub(super) const COMMANDS: &[Args] =
    &[&["loads", "ls"], &["status"], &["dlq", "ls"], &["dlq", "redrive"], &["dlq", "drop", "--all", "--yes"]];

/// Percent-encodes every byte.
fn percent_encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn load_of(cloud: &Cloud, object: &str) -> String {
    eventually("the object is loaded", || {
        let loads = cloud.succeed(&["loads", "ls", "--output", "json"]).json();
        let load = loads.as_array()?.iter().find(|load| load["object"] == object)?.clone();
        matches!(load["state"].as_str(), Some("loaded" | "failed"))
            .then(|| load["load"].as_str().unwrap().to_owned())
    })
}

#[test]
fn names_and_rows_of_data() {
    let cloud = Cloud::start_deployed(&[]);
    // S3 allows any character, and a file's name any but the slash.
    let name = format!("{}.csv", HOSTILE.replace('/', ""));
    let quoted = HOSTILE.replace('"', "");
    let csv = format!("id,\"{quoted}\"\n1,\"{quoted}\"\n,\"{quoted}\"\n");
    let bucket = cloud.resource_id("DataBucket");
    cloud.put_object(&bucket, &percent_encode(&name), &csv);
    let load = load_of(&cloud, &name);
    let event = json!({
        "source": "aws.s3",
        "detail-type": "Object Created",
        "time": "2026-11-20T09:00:00Z",
        "detail": {
            "bucket": { "name": bucket },
            "object": { "key": name, "size": csv.len(), "etag": "", "sequencer": "00" },
        },
    });
    let send_dead_letter = |number: &str| {
        let dead = json!({
            "QueueUrl": cloud.resource_id("DeadLetterQueue"), "MessageBody": event.to_string(),
            "MessageGroupId": "items", "MessageDeduplicationId": number,
        });
        cloud.call_json("sqs", "AmazonSQS.SendMessage", &dead);
    };
    send_dead_letter("1");
    check_all(&cloud, &[&["loads", "ls"], &["status"], &["dlq", "ls"]], &[]);
    check_once(&cloud, &["dlq", "redrive"]);
    send_dead_letter("2");
    check_once(&cloud, &["dlq", "drop", "--all", "--yes"]);
    for command in ["show", "rejects"] {
        check(&cloud, &["loads", command, &load], &[], |args| cloud.command(args));
    }
    the_screen_is_harmless(&cloud);

    let file = cloud.write_file(&name, &csv);
    for args in [&["upload", &file][..], &["upload", "--dry-run", &file], &["verify", &file]] {
        check(&cloud, args, &[], |args| cloud.command(args));
    }
    let missing = format!("{file}.missing");
    check(&cloud, &["upload", &missing], &[], |args| cloud.command(args));

    // The state of a load whose reason someone else wrote, and its dead letter.
    let update = json!({
        "TableName": cloud.resource_id("LedgerTable"),
        "Key": { "load": { "S": load } },
        "UpdateExpression": "SET #state = :stopped, reason = :reason",
        "ExpressionAttributeNames": { "#state": "state" },
        "ExpressionAttributeValues": { ":stopped": { "S": "stopped" }, ":reason": { "S": HOSTILE } },
    });
    cloud.call_json("dynamodb", "DynamoDB_20120810.UpdateItem", &update);
    check_all(&cloud, &[&["loads", "ls"]], &[]);
    check(&cloud, &["loads", "show", &load], &[], |args| cloud.command(args));
    check_once(&cloud, &["loads", "retry", &load, "--no-wait"]);
}

/// Runs a command in a terminal that would not show the text a second time.
fn check_once(cloud: &Cloud, args: &[&str]) {
    let (_, screen) = Terminal::open(cloud, args).wait_for_end();
    assert_harmless(args, "the terminal", &screen);
    assert!(screen.contains(MARK), "restctl {args:?}:\n{screen}");
}

fn the_screen_is_harmless(cloud: &Cloud) {
    let mut watching = Terminal::open(cloud, &["status", "--watch"]);
    watching.wait_for_text("rows/s:");
    watching.wait_for_text(MARK);
    watching.type_keys("q");
    let (exit, screen) = watching.wait_for_end();
    assert_eq!(exit, Some(0), "{screen:?}");
    assert_harmless(&["status", "--watch"], "the screen", &screen);
}
