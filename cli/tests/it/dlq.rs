//! `restctl dlq`, with messages like those that the ingest function puts into the dead-letter queue.

use serde_json::{Value, json};

use crate::cloud::{Cloud, CommandOutput, eventually};
use crate::interposed::interpose;

/// Waits until the only load of `object` is in this state, and returns its entry in the ledger.
fn wait_for_entry(cloud: &Cloud, object: &str, state: &str) -> Value {
    eventually(&format!("{object} is {state}"), || {
        let loads = cloud.succeed(&["loads", "ls", "--output", "json"]).json();
        let loads = loads.as_array().unwrap().clone();
        loads.into_iter().find(|load| load["object"] == object && load["state"] == state)
    })
}

/// Loads a file of one row and marks the load as stopped. Returns the load's id and its entry before.
fn load_and_stop(cloud: &Cloud, object: &str) -> (String, Value) {
    cloud.put_object(&cloud.resource_id("DataBucket"), object, "id,name\n1,one\n");
    let entry = wait_for_entry(cloud, object, "loaded");
    let load = entry["load"].as_str().unwrap().to_owned();
    cloud.mark_stopped(&load);
    (load, entry)
}

/// Returns the event that S3 sends for the object. Those of some emulators name no version.
pub(crate) fn object_event(cloud: &Cloud, entry: &Value, names_version: bool) -> String {
    let mut object = json!({ "key": entry["object"], "size": entry["size"], "etag": "", "sequencer": "00" });
    if names_version {
        object["version-id"] = entry["version"].clone();
    }
    json!({
        "source": "aws.s3",
        "detail-type": "Object Created",
        "time": entry["uploaded"],
        "detail": { "bucket": { "name": cloud.resource_id("DataBucket") }, "object": object },
    })
    .to_string()
}

struct Queue<'a> {
    cloud: &'a Cloud,
    url: String,
    sent: usize,
}

impl<'a> Queue<'a> {
    fn dead_letters(cloud: &'a Cloud) -> Self {
        Self::new(cloud, "DeadLetterQueue")
    }

    fn new(cloud: &'a Cloud, resource: &str) -> Self {
        Self { cloud, url: cloud.resource_id(resource), sent: 0 }
    }

    fn send_message(&mut self, body: &str) {
        self.sent += 1;
        let message = json!({
            "QueueUrl": self.url,
            "MessageGroupId": "items",
            "MessageDeduplicationId": self.sent.to_string(),
            "MessageBody": body,
        });
        self.cloud.call_json("sqs", "AmazonSQS.SendMessage", &message);
    }

    fn count_messages(&self) -> usize {
        let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
        let asked = json!({ "QueueUrl": self.url, "AttributeNames": names });
        let answer = self.cloud.call_json("sqs", "AmazonSQS.GetQueueAttributes", &asked);
        names.iter().map(|name| answer["Attributes"][name].as_str().unwrap().parse::<usize>().unwrap()).sum()
    }
}

fn outcomes(ran: &CommandOutput) -> Vec<String> {
    let done = ran.json();
    done.as_array().unwrap().iter().map(|done| done["outcome"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn dead_letters_are_listed_redriven_and_dropped() {
    let cloud = Cloud::start_deployed(&[]);
    let mut queue = Queue::dead_letters(&cloud);
    let none = cloud.succeed(&["dlq", "ls"]);
    assert!(none.stdout.is_empty() && none.stderr.contains("no dead letters"), "{}", none.stderr);
    assert_eq!(cloud.succeed(&["dlq", "redrive", "--output", "json"]).json(), json!([]));

    let (load, known) = load_and_stop(&cloud, "one.csv");
    let (other, other_known) = load_and_stop(&cloud, "two.csv");
    queue.send_message(&object_event(&cloud, &known, true));
    queue.send_message(&object_event(&cloud, &other_known, false));
    queue.send_message("{\"Event\":\"s3:TestEvent\"}");
    each_letter_is_listed(&cloud, &load, &other);

    let named = cloud.run(&["dlq", "redrive", "--load", &other, "--load", "0123456789abcdef"]);
    named.failed_with(
        5,
        &["no dead letter of the load 0123456789abcdef", &format!("the load {other} of two.csv again")],
    );
    wait_for_entry(&cloud, "two.csv", "loaded");
    assert_eq!(queue.count_messages(), 2);
    queue.send_message(&object_event(&cloud, &other_known, true));
    let rest = cloud.run(&["dlq", "redrive", "--output", "json"]);
    rest.failed_with(3, &["1 of the dead letters remain", "dlq drop --all", "loads ls"]);
    assert_eq!(outcomes(&rest), ["redriven", "left", "already_loaded"]);
    wait_for_entry(&cloud, "one.csv", "loaded");
    assert_eq!(queue.count_messages(), 1);

    cloud.run(&["dlq", "drop"]).failed_with(2, &["--load"]);
    cloud
        .run(&["dlq", "drop", "--all"])
        .failed_with(2, &["not an event of the data bucket", "delete the dead letter above?", "--yes"]);
    assert_eq!(queue.count_messages(), 1);
    let dropped = cloud.succeed(&["dlq", "drop", "--all", "--yes", "--output", "json"]);
    assert_eq!((outcomes(&dropped), queue.count_messages()), (vec!["dropped".to_owned()], 0));
    cloud.run(&["dlq", "drop", "--yes", "--load", &load]).failed_with(5, &["no dead letter"]);

    cloud.mark_stopped(&load);
    queue.send_message(&object_event(&cloud, &known, true));
    let retried = cloud.succeed(&["loads", "retry", &load]);
    assert!(retried.stderr.contains("deleted its dead letter"), "{}", retried.stderr);
    assert_eq!(queue.count_messages(), 0);
    more_letters_than_sqs_shows_are_handled(&cloud, queue, &load, &known);
}

#[test]
fn what_the_function_cannot_load_is_kept_or_named() {
    let cloud = Cloud::start_deployed(&[]);
    let (mut loads, mut letters) = (Queue::new(&cloud, "LoadQueue"), Queue::dead_letters(&cloud));
    loads.send_message("{\"Event\":\"s3:TestEvent\"}");
    eventually("the message is a dead letter", || (letters.count_messages() == 1).then_some(()));

    let deleted = json!({ "object": "gone.csv", "size": 1, "uploaded": "2026-12-01T00:00:00Z" });
    loads.send_message(&object_event(&cloud, &deleted, false));
    let failed = wait_for_entry(&cloud, "gone.csv", "failed");
    assert!(failed["reason"].as_str().unwrap().contains("was deleted before it was loaded"), "{failed}");

    let (load, known) = load_and_stop(&cloud, "one.csv");
    letters.send_message(&object_event(&cloud, &known, true));
    let retried = cloud.succeed(&["loads", "retry", &load]);
    assert!(retried.stderr.contains("deleted its dead letter"), "{}", retried.stderr);
    assert_eq!(letters.count_messages(), 1, "the other message is returned to the queue");
}

fn each_letter_is_listed(cloud: &Cloud, load: &str, other: &str) {
    // Listing returns the messages to the queue at once.
    cloud.succeed(&["dlq", "ls"]);
    let listed = cloud.succeed(&["dlq", "ls"]);
    let lines: Vec<&str> = listed.stdout.lines().collect();
    assert!(lines[0].starts_with("LOAD ") && lines[0].ends_with("REASON"), "{}", listed.stdout);
    for (line, load) in [(1, load), (2, other)] {
        assert!(lines[line].starts_with(load), "{}", listed.stdout);
        assert!(
            lines[line].contains("stopped") && lines[line].ends_with("the table was away"),
            "{}",
            listed.stdout
        );
    }
    assert!(lines[3].ends_with("it is not an event of the data bucket"), "{}", listed.stdout);
    assert!(listed.stderr.contains("dlq redrive"), "{}", listed.stderr);
    let rows = cloud.succeed(&["dlq", "ls", "--output", "json"]).json();
    assert_eq!(rows.as_array().unwrap().len(), 3);
    assert_eq!(
        (&rows[1]["load"], &rows[1]["object"], &rows[1]["size"]),
        (&json!(other), &json!("two.csv"), &json!(14))
    );
    for time in ["uploaded", "dead_since"] {
        assert!(rows[0][time].as_str().unwrap().ends_with('Z'), "{rows}");
    }
    assert_eq!((&rows[2]["load"], &rows[2]["state"]), (&Value::Null, &Value::Null));
}

fn more_letters_than_sqs_shows_are_handled(cloud: &Cloud, mut queue: Queue, load: &str, known: &Value) {
    cloud.mark_stopped(load);
    (0..12).for_each(|_| queue.send_message(&object_event(cloud, known, true)));
    let listed = cloud.succeed(&["dlq", "ls", "--output", "json"]);
    assert_eq!(listed.json().as_array().unwrap().len(), 10);
    assert!(listed.stderr.contains("about 2 more"), "{}", listed.stderr);
    let all = cloud.succeed(&["dlq", "redrive", "--output", "json"]);
    assert_eq!((outcomes(&all).len(), queue.count_messages()), (12, 0));
    wait_for_entry(cloud, "one.csv", "loaded");

    // Messages that stay in the first ten hide the others.
    cloud.mark_stopped(load);
    (0..10).for_each(|_| queue.send_message("nonsense"));
    (0..2).for_each(|_| queue.send_message(&object_event(cloud, known, true)));
    let listed = cloud.succeed(&["dlq", "ls", "--output", "json"]).json();
    assert_eq!((&listed[10]["load"], &listed[10]["message_id"]), (&json!(load), &Value::Null));
    let hidden = cloud.run(&["dlq", "redrive", "--load", load]);
    hidden.failed_with(5, &["about 2 are behind them", &format!("restctl loads retry {load}")]);
    cloud.run(&["dlq", "redrive"]).failed_with(3, &["12 of the dead letters remain"]);
    let dropped = cloud.succeed(&["dlq", "drop", "--all", "--yes"]);
    assert!(
        dropped.stderr.contains("delete") || dropped.stderr.contains("dropped the dead letter"),
        "{}",
        dropped.stderr
    );
    assert_eq!(queue.count_messages(), 0);
    assert_eq!(cloud.succeed(&["loads", "retry", load]).receipt_count("read"), 1);
    a_letter_that_cannot_be_queued_stays(cloud, queue, load, known);
}

fn a_letter_that_cannot_be_queued_stays(cloud: &Cloud, mut queue: Queue, load: &str, known: &Value) {
    cloud.mark_stopped(load);
    queue.send_message(&object_event(cloud, known, true));
    interpose(cloud, |call| {
        let refusal = json!({ "__type": "KmsThrottled", "message": "not now" });
        (call.target == "AmazonSQS.SendMessage").then(|| refusal.to_string())
    });
    let refused = cloud.run(&["dlq", "redrive", "--output", "json"]);
    refused.failed_with(3, &["not now", "the same command again"]);
    assert_eq!((outcomes(&refused), queue.count_messages()), (vec!["failed".to_owned()], 1));
}
