//! What happens to each message.

use aws_lambda_events::sqs::SqsEvent;
use restctl_contract::load::{LoadId, LoadState, rejects_key};
use restctl_testkit::s3;
use restctl_testkit::small_stack::run_on_small_stack;
use serde_json::json;

use super::world::{World, csv, message};
use super::{NONE_FAILED, receipt};

#[tokio::test]
async fn a_message_delivered_twice_loads_once() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=3));
    assert_eq!(world.deliver(&[message("items.csv", "v1")]).await, NONE_FAILED);
    let (reads, puts) = (world.bucket.count_reads(), world.dynamo.count_calls("PutItem"));
    assert_eq!(world.deliver(&[message("items.csv", "v1")]).await, NONE_FAILED);
    assert_eq!((world.bucket.count_reads(), world.dynamo.count_calls("PutItem")), (reads, puts));
    assert_eq!(world.dynamo.count_calls("BatchWriteItem"), 1);
    world.bucket.put("items.csv", "v2", &csv(3..=4));
    assert_eq!(world.deliver(&[message("items.csv", "v2")]).await, NONE_FAILED);
    assert_eq!(world.dynamo.items("items").len(), 4, "another version is another load");
}

#[tokio::test]
async fn the_first_failed_message_and_all_after_it_are_reported() {
    let world = World::new().await;
    for (index, key) in ["1.csv", "2.csv", "3.csv"].into_iter().enumerate() {
        world.bucket.put(key, "v1", &csv(2 * index + 1..=2 * index + 2));
    }
    let messages = ["1.csv", "2.csv", "3.csv"].map(|key| message(key, "v1"));
    assert_eq!(world.deliver(&messages[..1]).await, NONE_FAILED);
    world.bucket.refuse_reads(3);
    assert_eq!(world.deliver(&messages[1..]).await, ["2.csv v1", "3.csv v1"]);
    assert_eq!(world.deliver(&messages[1..]).await, NONE_FAILED);
    assert_eq!(world.row_counts("2.csv", "v1"), receipt(2, 2, 0, 0));
    assert_eq!(world.ledger_entry("3.csv", "v1").state, LoadState::Loaded);
}

#[tokio::test]
async fn a_failed_message_is_delivered_again_after_a_delay() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=1));
    world.bucket.refuse_reads(100);
    for delay in [30, 120] {
        assert_eq!(world.deliver(&[message("items.csv", "v1")]).await, ["items.csv v1"]);
        let calls = world.sqs.take_calls("ChangeMessageVisibility");
        let seconds: Vec<_> = calls.iter().map(|call| call["VisibilityTimeout"].as_u64().unwrap()).collect();
        assert!(seconds[0] > 120, "hidden for as long as the invocation may last: {seconds:?}");
        assert_eq!(seconds[1..], [delay]);
        assert_eq!(calls[1]["ReceiptHandle"], "handle");
    }
    world.bucket.refuse_reads(0);
    assert_eq!(world.deliver(&[message("items.csv", "v1")]).await, NONE_FAILED);
    assert_eq!(world.sqs.take_calls("ChangeMessageVisibility").len(), 1);
}

#[tokio::test]
async fn an_event_without_a_version_loads_the_current_version() {
    let world = World::new().await;
    world.bucket.put("a.csv", "v7", &csv(1..=2));
    world.bucket.put("b.csv", "null", &csv(3..=4));
    assert_eq!(world.deliver(&[message("a.csv", ""), message("b.csv", "")]).await, NONE_FAILED);
    assert_eq!(world.ledger_entry("a.csv", "v7").version, "v7");
    let etag = s3::etag_of(&csv(3..=4));
    assert_eq!(world.row_counts("b.csv", &etag), receipt(2, 2, 0, 0));
}

#[tokio::test]
async fn messages_that_are_not_uploads_are_not_loaded() {
    let world = World::new().await;
    let rejects = rejects_key(&LoadId::for_version("a", "b"), 0);
    assert_eq!(world.deliver(&[message(&rejects, "v1")]).await, NONE_FAILED);
    assert!(world.dynamo.items("ledger").is_empty());
    let nonsense = json!({ "messageId": "nonsense", "body": "{\"Event\":\"s3:TestEvent\"}" });
    world.bucket.put("a.csv", "v1", &csv(1..=2));
    assert_eq!(world.deliver(&[nonsense, message("a.csv", "v1")]).await, NONE_FAILED);
    assert_eq!(world.sqs.take_calls("SendMessage")[0]["MessageBody"], "{\"Event\":\"s3:TestEvent\"}");
    assert_eq!(world.dynamo.items("items").len(), 2);
}

/// Answers as AWS sent them between 2023 and 2025: a redriven message of a FIFO queue whose sender was traced.
#[tokio::test]
async fn a_record_may_have_every_documented_attribute() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=2));
    let mut record = message("items.csv", "v1");
    record["attributes"] = json!({
        "ApproximateReceiveCount": "999",
        "AWSTraceHeader": "Root=1-5c536348-3d683b8b04734faae651f476;Parent=52b3e5a1c8f2d6a7;Sampled=1",
        "SentTimestamp": "1768469405000",
        "SequenceNumber": "18849496460467696128",
        "MessageGroupId": "items",
        "SenderId": "AIDAIENQZJOLO23YVJ4VO:restctl",
        "MessageDeduplicationId": "0123456789abcdef-1768469405000000000",
        "ApproximateFirstReceiveTimestamp": "1768469405001",
        "DeadLetterQueueSourceArn": "arn:aws:sqs:eu-central-1:123456789012:loads.fifo",
        "NewAttribute": "of a later version",
    });
    record["messageAttributes"] = json!({ "n": { "stringValue": "6", "binaryValue": null, "stringListValues": [],
        "binaryListValues": [], "dataType": "Number" } });
    record["md5OfMessageAttributes"] = json!("d25a6aea97eb8f585bfa92d314504a92");
    assert_eq!(world.deliver(&[record]).await, NONE_FAILED);
    assert_eq!(world.row_counts("items.csv", "v1"), receipt(2, 2, 0, 0));
}

/// A member that no field takes is skipped, and any other is refused, however deep it is. `contract` has a test of the
/// messages' bodies.
#[test]
fn deep_events_need_little_stack() {
    run_on_small_stack(|| {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"Records\":", "}]")] {
            let deep = open.repeat(200_000) + "1" + &close.repeat(200_000);
            for (member, is_read) in
                [("messageId", false), ("body", false), ("attributes", false), ("ignored", true)]
            {
                let event = format!("{{\"Records\":[{{\"{member}\":{deep}}}]}}");
                assert_eq!(serde_json::from_str::<SqsEvent>(&event).is_ok(), is_read, "{member}: {open}");
            }
        }
    });
}
