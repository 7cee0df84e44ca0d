//! `restctl loads`, for files that restctl uploaded and for files that other tools uploaded.

use serde_json::{Value, json};

use crate::cloud::{Cloud, eventually};

fn list_loads(cloud: &Cloud) -> Vec<Value> {
    cloud.succeed(&["loads", "ls", "--output", "json"]).json().as_array().unwrap().clone()
}

/// Waits until the only load of `object` is in this state, and returns its id.
fn wait_for_load(cloud: &Cloud, object: &str, state: &str) -> String {
    eventually(&format!("{object} is {state}"), || {
        let loads = list_loads(cloud);
        let load = loads.iter().find(|load| load["object"] == object && load["state"] == state)?;
        Some(load["load"].as_str().unwrap().to_owned())
    })
}

#[test]
fn loads_of_any_origin_are_listed_shown_and_repaired() {
    let cloud = Cloud::start_deployed(&[]);
    let bucket = cloud.resource_id("DataBucket");
    let nothing = cloud.succeed(&["loads", "ls"]);
    assert!(
        nothing.stdout.is_empty() && nothing.stderr.contains("nothing has been uploaded"),
        "{}",
        nothing.stderr
    );

    cloud.run(&["upload", "bad.csv"]).failed_with(3, &["loads rejects"]);
    let bad = wait_for_load(&cloud, "bad.csv", "loaded");
    let rejects = cloud.succeed(&["loads", "rejects", &bad]).stdout;
    assert!(rejects.starts_with("line,column,reason,row\n"), "{rejects}");
    assert_eq!(rejects.lines().count(), 6);
    cloud.run(&["loads", "retry", &bad]).failed_with(1, &["nothing to retry", "--force"]);

    cloud.put_object(&bucket, "dropped.csv", "id,name\ndropped,by hand\n");
    let dropped = wait_for_load(&cloud, "dropped.csv", "loaded");
    let none = cloud.succeed(&["loads", "rejects", &dropped]);
    assert!(none.stdout.is_empty() && none.stderr.contains("no rejected rows"), "{}", none.stderr);

    cloud.put_object(&bucket, "broken.csv", "name\nwithout a key\n");
    let broken = wait_for_load(&cloud, "broken.csv", "failed");
    assert!(cloud.succeed(&["loads", "show", &broken]).stdout.contains("no column is named"));
    cloud.run(&["loads", "retry", &broken]).failed_with(1, &["failed", "no column is named", "loads retry"]);

    let table = cloud.succeed(&["loads", "ls"]).stdout;
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("LOAD "), "{table}");
    for (line, object, state) in
        [(1, "broken.csv", "failed"), (2, "dropped.csv", "loaded"), (3, "bad.csv", "loaded")]
    {
        assert!(lines[line].ends_with(object) && lines[line].contains(state), "{table}");
    }

    cloud.mark_stopped(&dropped);
    assert!(cloud.succeed(&["loads", "show", &dropped]).stdout.contains("the table was away"));
    let retried = cloud.succeed(&["loads", "retry", &dropped]);
    assert_eq!((retried.receipt_count("read"), retried.receipt_count("rejected")), (1, 0));
    cloud.mark_stopped(&dropped);
    cloud.succeed(&["loads", "retry", "--no-wait", &dropped]);
    assert_eq!(wait_for_load(&cloud, "dropped.csv", "loaded"), dropped);

    objects_that_are_no_data_are_ignored(&cloud, &bucket);
    a_queued_load_is_retried(&cloud, &bucket);
    unknown_and_unreadable_loads_are_reported(&cloud);
}

fn objects_that_are_no_data_are_ignored(cloud: &Cloud, bucket: &str) {
    cloud.put_object(bucket, "in/", "");
    cloud.put_object(bucket, "in/_SUCCESS", "");
    cloud.put_object(bucket, "in/a%20b%2B%C3%BC%26.csv", "id\nodd\n");
    wait_for_load(cloud, "in/a b+ü&.csv", "loaded");
    let ignored = eventually("both are ignored", || {
        let listed = cloud.succeed(&["loads", "ls", "--ignored", "--output", "json"]).json();
        listed.as_array().filter(|objects| objects.len() == 2).cloned()
    });
    assert!(ignored.iter().all(|object| object["state"] == "ignored"), "{ignored:?}");
    assert!(list_loads(cloud).iter().all(|load| load["object"] != "in/"));
    let listed = cloud.succeed(&["loads", "ls"]);
    assert!(listed.stderr.contains("2 objects are not data and were ignored"), "{}", listed.stderr);
    assert!(!listed.stdout.contains("_SUCCESS"), "{}", listed.stdout);
    let listed = cloud.succeed(&["loads", "ls", "--ignored"]);
    assert!(
        listed.stdout.contains("underscore") && listed.stdout.contains("in/_SUCCESS"),
        "{}",
        listed.stdout
    );
    let load = ignored[0]["load"].as_str().unwrap();
    assert!(cloud.succeed(&["loads", "show", load]).stdout.contains("ignored"));
    cloud.run(&["loads", "retry", load]).failed_with(1, &["was ignored", "its name", "--name NAME.csv"]);
    let status = cloud.succeed(&["status"]).stdout;
    assert!(status.contains("2 objects that are not data") && !status.contains("_SUCCESS"), "{status}");
}

fn a_queued_load_is_retried(cloud: &Cloud, bucket: &str) {
    let rules = cloud.call_json("events", "AWSEvents.ListRules", &json!({}));
    let name = rules["Rules"][0]["Name"].clone();
    cloud.call_json("events", "AWSEvents.DisableRule", &json!({ "Name": name }));
    cloud.put_object(bucket, "unheard.csv", "id\nunheard\n");
    let unheard = wait_for_load(cloud, "unheard.csv", "queued");
    let shown = cloud.succeed(&["loads", "show", &unheard]).stdout;
    assert!(shown.contains("queued") && shown.contains("unheard.csv"), "{shown}");
    let done = cloud.succeed(&["loads", "retry", &unheard]);
    assert_eq!(done.receipt_count("new"), 1, "{}", done.stderr);
    assert_eq!(wait_for_load(cloud, "unheard.csv", "loaded"), unheard);
    cloud.succeed(&["get", "--id", "unheard"]);
}

fn unknown_and_unreadable_loads_are_reported(cloud: &Cloud) {
    for command in ["show", "rejects", "retry"] {
        cloud.run(&["loads", command, "0123456789abcdef"]).failed_with(5, &["there is no load", "loads ls"]);
        cloud.run(&["loads", command, "0123"]).failed_with(2, &["16 of 0-9 and a-f"]);
    }
    let before = list_loads(cloud).len();
    let item = |item: Value| {
        let put = json!({ "TableName": cloud.resource_id("LedgerTable"), "Item": item });
        cloud.call_json("dynamodb", "DynamoDB_20120810.PutItem", &put);
    };
    item(json!({ "load": { "S": "newest" }, "stamp": { "S": "x" } }));
    item(json!({ "load": { "S": "0000000000000000" }, "object": { "S": "old.csv" } }));
    let listed = cloud.succeed(&["loads", "ls", "--output", "json"]);
    assert!(listed.stderr.contains("cannot read the ledger's entry 0000000000000000"), "{}", listed.stderr);
    assert_eq!(listed.json().as_array().unwrap().len(), before);
}
