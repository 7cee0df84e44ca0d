//! Failures of the services, of the file and of the function.

use restctl_contract::load::{COLUMN_TYPES_METADATA, LedgerEntry, LoadState, MAX_ATTEMPTS};
use serde_json::json;

use super::world::{World, csv, message};
use super::{NONE_FAILED, gzip_without_trailer, receipt};

#[tokio::test]
async fn unprocessed_items_are_retried_until_they_are_written() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=60));
    world.dynamo.leave_unprocessed(10, 4);
    assert_eq!(world.deliver(&[message("items.csv", "v1")]).await, NONE_FAILED);
    assert_eq!(world.dynamo.items("items").len(), 60);
    assert_eq!(world.row_counts("items.csv", "v1"), receipt(60, 60, 0, 0));
}

#[tokio::test]
async fn throttled_calls_are_retried() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=2));
    world.dynamo.throttle("BatchWriteItem", 20);
    assert_eq!(world.deliver(&[message("items.csv", "v1")]).await, NONE_FAILED);
    assert_eq!(world.ledger_entry("items.csv", "v1").state, LoadState::Loaded);
}

#[tokio::test]
async fn a_broken_connection_is_resumed_where_it_broke() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=60));
    world.bucket.break_off(4, 100);
    assert_eq!(
        world.deliver(&[message("items.csv", "v1")]).await,
        NONE_FAILED,
        "{:?}",
        world.ledger_entry("items.csv", "v1")
    );
    assert_eq!(world.row_counts("items.csv", "v1"), receipt(60, 60, 0, 0));
    world.bucket.put("items.csv", "v2", &csv(1..=60));
    world.bucket.break_off(100, 0);
    assert_eq!(world.deliver(&[message("items.csv", "v2")]).await, ["items.csv v2"]);
    assert!(world.ledger_entry("items.csv", "v2").reason.unwrap().contains("GetObject"));
}

#[tokio::test]
async fn a_load_is_retried_after_an_outage_of_s3() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=2));
    world.bucket.refuse_reads(3);
    assert_eq!(world.deliver(&[message("items.csv", "v1")]).await, ["items.csv v1"]);
    let entry = world.ledger_entry("items.csv", "v1");
    assert_eq!((entry.state, entry.attempts), (LoadState::Loading, 1));
    assert!(entry.reason.unwrap().contains("HeadObject"));
    assert_eq!(world.deliver(&[message("items.csv", "v1")]).await, NONE_FAILED);
    assert_eq!(world.ledger_entry("items.csv", "v1").state, LoadState::Loaded);
}

#[tokio::test]
async fn an_unreadable_file_fails_for_good() {
    let world = World::new().await;
    world.bucket.put("no-key.csv", "v1", include_bytes!("../../../../fixtures/no-key.csv"));
    world.bucket.put("zipped.csv", "v1", b"PK\x03\x04");
    world.bucket.put_with("typed.csv", "v1", &csv(1..=2), &[(COLUMN_TYPES_METADATA, "s")]);
    world.bucket.put("half.csv.gz", "v1", &gzip_without_trailer(&csv(1..=1500)));
    world.bucket.put("empty.csv", "v1", b"");
    let keys = ["no-key.csv", "zipped.csv", "typed.csv", "half.csv.gz", "deleted.csv", "empty.csv"];
    let messages: Vec<_> = keys.iter().map(|key| message(key, "v1")).collect();
    assert_eq!(world.deliver(&messages).await, NONE_FAILED);
    let reasons =
        ["no column is named \"id\"", "zip archive", "column types", "gzip data", "was deleted", "is empty"];
    for (key, reason) in keys.into_iter().zip(reasons) {
        let entry = world.ledger_entry(key, "v1");
        assert_eq!(entry.state, LoadState::Failed, "{key}");
        assert!(entry.reason.as_deref().unwrap().contains(reason), "{key}: {:?}", entry.reason);
    }
    assert_eq!(world.row_counts("half.csv.gz", "v1"), receipt(1500, 1500, 0, 0));
    let calls = world.dynamo.count_calls("PutItem");
    assert_eq!(world.deliver(&messages).await, NONE_FAILED);
    assert_eq!(world.dynamo.count_calls("PutItem"), calls, "a failed load is not tried again");
}

#[tokio::test]
async fn a_load_that_keeps_failing_stops_and_continues_when_redriven() {
    let mut world = World::new().await;
    world.handler.context.items_table = "gone".into();
    world.bucket.put("items.csv", "v1", &csv(1..=3));
    for attempt in 1..=MAX_ATTEMPTS {
        let failed = world.deliver(&[message("items.csv", "v1")]).await;
        let visibility_changes = world.sqs.take_calls("ChangeMessageVisibility").len();
        if attempt < MAX_ATTEMPTS {
            assert_eq!((failed, visibility_changes), (vec!["items.csv v1".to_owned()], 2));
        } else {
            assert_eq!((failed, visibility_changes), (vec![], 1), "the message is in the dead-letter queue");
        }
    }
    let entry = world.ledger_entry("items.csv", "v1");
    assert_eq!((entry.state, entry.attempts), (LoadState::Stopped, MAX_ATTEMPTS));
    assert!(entry.reason.unwrap().contains("ResourceNotFoundException"));
    let dead_letters = world.sqs.take_calls("SendMessage");
    assert_eq!(dead_letters.len(), 1);
    assert!(dead_letters[0]["QueueUrl"].as_str().unwrap().ends_with("/dead"));

    world.handler.context.items_table = "items".into();
    assert_eq!(world.deliver(&[message("items.csv", "v1")]).await, NONE_FAILED);
    assert_eq!(world.row_counts("items.csv", "v1"), receipt(3, 3, 0, 0));
    assert_eq!(world.ledger_entry("items.csv", "v1").state, LoadState::Loaded);
}

#[tokio::test]
async fn a_load_that_kills_the_function_repeatedly_stops() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=3));
    world.bucket.refuse_reads(3);
    assert_eq!(world.deliver(&[message("items.csv", "v1")]).await, ["items.csv v1"]);
    // The function died in each attempt since, without an error.
    let entry = LedgerEntry { attempts: MAX_ATTEMPTS, ..world.ledger_entry("items.csv", "v1") };
    let item: serde_dynamo::Item = serde_dynamo::to_item(entry).unwrap();
    world.dynamo.put_item("ledger", json!(item));
    assert_eq!(world.deliver(&[message("items.csv", "v1")]).await, NONE_FAILED);
    let entry = world.ledger_entry("items.csv", "v1");
    assert_eq!(entry.state, LoadState::Stopped);
    assert!(entry.reason.unwrap().contains("ended without an error message"));
    assert_eq!(world.sqs.take_calls("SendMessage").len(), 1);
    assert_eq!(world.deliver(&[message("items.csv", "v1")]).await, NONE_FAILED);
    assert_eq!(world.row_counts("items.csv", "v1"), receipt(3, 3, 0, 0));
}
