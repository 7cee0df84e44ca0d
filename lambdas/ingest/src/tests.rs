//! Whole messages in, with the real SDK clients, against a DynamoDB and an S3 on 127.0.0.1.

mod s3;
mod sqs;
mod world;

use std::time::Duration;

use restctl_contract::key::WRITTEN_BY;
use restctl_contract::load::{LoadId, LoadState, Receipt, rejects_key};
use serde_json::{Value, json};
use world::{World, csv, message};

const ITEMS_CSV: &[u8] = include_bytes!("../../../fixtures/items.csv");
const BAD_CSV: &[u8] = include_bytes!("../../../fixtures/bad.csv");

const PLENTY: Duration = Duration::from_secs(60);

fn receipt(read: u64, written: u64, rejected: u64, duplicates: u64) -> Receipt {
    assert_eq!(read, written + rejected + duplicates);
    Receipt { read, new: written, rejected, duplicates, ..Receipt::default() }
}

#[tokio::test]
async fn every_row_of_a_file_lands() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=60));
    assert_eq!(world.deliver(&[message("items.csv", "v1")], PLENTY).await, [""; 0]);
    assert_eq!(world.dynamo.items("items").len(), 60);
    assert_eq!(world.dynamo.calls("BatchWriteItem"), 3);
    let entry = world.entry("items.csv", "v1");
    assert_eq!((entry.state, entry.receipt), (LoadState::Loaded, receipt(60, 60, 0, 0)));
    let written_by = entry.stamp();
    assert_eq!((entry.reason, entry.reject_parts), (None, 0));

    let expected = json!({ "id": { "S": "60" }, "name": { "S": "n60" }, WRITTEN_BY: { "S": written_by } });
    assert!(world.dynamo.items("items").contains(&expected), "{expected}");
}

#[tokio::test]
async fn the_demo_data_loads_with_its_types() {
    let world = World::new().await;
    world.bucket.put_with_types("items.csv", "v1", ITEMS_CSV, "sssnnbsss");
    assert_eq!(world.deliver(&[message("items.csv", "v1")], PLENTY).await, [""; 0]);
    let items = world.dynamo.items("items");
    assert_eq!(items.len(), 2985);
    assert_eq!(world.entry("items.csv", "v1").receipt, receipt(3000, 2985, 0, 15));
    let item = items.iter().find(|item| item["id"]["S"] == "42").unwrap();
    assert_eq!(item["name"], json!({ "S": "Pocket Towel" }));
    assert_eq!(item["price"], json!({ "N": "12.5" }));
    assert_eq!(item["discontinued"], json!({ "BOOL": false }));
    assert_eq!(item["sku"], json!({ "S": "00042" }));
    let superseded = items.iter().filter(|item| item["updated"]["S"] == "2024-12-31");
    assert_eq!(superseded.count(), 0, "the later of two rows wins");
}

#[tokio::test]
async fn unprocessed_items_are_retried_until_they_are_written() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=60));
    world.dynamo.leave_unprocessed(10, 4);
    assert_eq!(world.deliver(&[message("items.csv", "v1")], PLENTY).await, [""; 0]);
    assert_eq!(world.dynamo.items("items").len(), 60);
    assert_eq!(world.entry("items.csv", "v1").receipt, receipt(60, 60, 0, 0));
}

#[tokio::test]
async fn a_load_that_runs_out_of_time_comes_again() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=60));
    world.dynamo.leave_unprocessed(25, usize::MAX);
    assert_eq!(world.deliver(&[message("items.csv", "v1")], Duration::from_secs(4)).await, ["items.csv v1"]);
    assert_eq!(world.entry("items.csv", "v1").state, LoadState::Loading);
    world.dynamo.leave_unprocessed(0, 0);
    assert_eq!(world.deliver(&[message("items.csv", "v1")], PLENTY).await, [""; 0]);
    assert_eq!(world.entry("items.csv", "v1").receipt, receipt(60, 60, 0, 0));
    assert_eq!(world.dynamo.items("items").len(), 60);
}

#[tokio::test]
async fn the_last_row_of_a_key_wins_however_far_apart() {
    let world = World::new().await;
    let mut file = csv(1..=2500);
    file.extend(b"2500,near\n1,far\n");
    world.bucket.put("items.csv", "v1", &file);
    assert_eq!(world.deliver(&[message("items.csv", "v1")], PLENTY).await, [""; 0]);
    let items = world.dynamo.items("items");
    let name = |id: &str| items.iter().find(|item| item["id"]["S"] == id).unwrap()["name"]["S"].clone();
    assert_eq!((name("1"), name("2500")), (Value::from("far"), Value::from("near")));
    assert_eq!(items.len(), 2500);
    assert_eq!(world.entry("items.csv", "v1").receipt, receipt(2502, 2501, 0, 1));
}

#[tokio::test]
async fn bad_rows_are_rejected_and_the_rest_lands() {
    let world = World::new().await;
    world.bucket.put("bad.csv", "v1", BAD_CSV);
    assert_eq!(world.deliver(&[message("bad.csv", "v1")], PLENTY).await, [""; 0]);
    assert_eq!(world.dynamo.items("items").len(), 8);
    let entry = world.entry("bad.csv", "v1");
    assert_eq!((entry.state, entry.receipt), (LoadState::Loaded, receipt(13, 8, 5, 0)));
    let key = rejects_key(&LoadId::of("bad.csv", "v1"), 0);
    assert_eq!(entry.reject_parts, 1);
    let expected = "line,column,reason,row\n\
        3,,has 3 values where the header has 4 columns,\"2,Bread Knife,64.25\"\n\
        5,id,the key is empty,\",Olive Oil,14.99,false\"\n\
        7,,has 5 values where the header has 4 columns,\"6,Tea Towel,11,false,extra\"\n\
        11,id,the key is empty,\"\"\"\"\",Spice Rack,18.5,false\"\n\
        13,,has 1 values where the header has 4 columns,11\n";
    assert_eq!(String::from_utf8(world.bucket.written(&key).unwrap()).unwrap(), expected);
}

#[tokio::test]
async fn a_load_is_not_done_before_its_rejects_are_kept() {
    let world = World::new().await;
    world.bucket.put("bad.csv", "v1", BAD_CSV);
    world.bucket.refuse_writes(3);
    assert_eq!(world.deliver(&[message("bad.csv", "v1")], PLENTY).await, ["bad.csv v1"]);
    assert_eq!(world.entry("bad.csv", "v1").state, LoadState::Loading);
    assert_eq!(world.deliver(&[message("bad.csv", "v1")], PLENTY).await, [""; 0]);
    assert_eq!(world.entry("bad.csv", "v1").receipt, receipt(13, 8, 5, 0));
}

#[tokio::test]
async fn an_item_that_dynamodb_refuses_does_not_hold_up_its_batch() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=30));
    world.dynamo.refuse_key(&json!({ "S": "7" }));
    assert_eq!(world.deliver(&[message("items.csv", "v1")], PLENTY).await, [""; 0]);
    assert_eq!(world.dynamo.items("items").len(), 29);
    assert_eq!(world.entry("items.csv", "v1").receipt, receipt(30, 29, 1, 0));
    let rejects = world.bucket.written(&rejects_key(&LoadId::of("items.csv", "v1"), 0)).unwrap();
    let rejects = String::from_utf8(rejects).unwrap();
    assert!(rejects.contains("8,,\"is refused by DynamoDB: One or more parameter values"), "{rejects}");
    assert!(rejects.ends_with("\"id=7,name=n7\"\n"), "{rejects}");
}

#[tokio::test]
async fn a_message_delivered_twice_loads_once() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=3));
    assert_eq!(world.deliver(&[message("items.csv", "v1")], PLENTY).await, [""; 0]);
    let (reads, puts) = (world.bucket.reads(), world.dynamo.calls("PutItem"));
    assert_eq!(world.deliver(&[message("items.csv", "v1")], PLENTY).await, [""; 0]);
    assert_eq!((world.bucket.reads(), world.dynamo.calls("PutItem")), (reads, puts));
    assert_eq!(world.dynamo.calls("BatchWriteItem"), 1);
    world.bucket.put("items.csv", "v2", &csv(3..=4));
    assert_eq!(world.deliver(&[message("items.csv", "v2")], PLENTY).await, [""; 0]);
    assert_eq!(world.dynamo.items("items").len(), 4, "another version is another load");
}

#[tokio::test]
async fn a_file_that_cannot_be_read_fails_for_good() {
    let world = World::new().await;
    world.bucket.put("no-key.csv", "v1", include_bytes!("../../../fixtures/no-key.csv"));
    world.bucket.put("items.xlsx", "v1", b"PK");
    world.bucket.put_with_types("typed.csv", "v1", &csv(1..=2), "s");
    let half = [csv(1..=1500), b"1501,\"never closed\n".to_vec()].concat();
    world.bucket.put("half.csv", "v1", &half);
    let keys = ["no-key.csv", "items.xlsx", "typed.csv", "half.csv", "deleted.csv"];
    let messages: Vec<_> = keys.iter().map(|key| message(key, "v1")).collect();
    assert_eq!(world.deliver(&messages, PLENTY).await, [""; 0]);
    let said = ["no column is called \"id\"", "ends in .csv", "column types", "line 1502", "was deleted"];
    for (key, said) in keys.into_iter().zip(said) {
        let entry = world.entry(key, "v1");
        assert_eq!(entry.state, LoadState::Failed, "{key}");
        assert!(entry.reason.as_deref().unwrap().contains(said), "{key}: {:?}", entry.reason);
    }
    assert_eq!(world.entry("half.csv", "v1").receipt.read, world.dynamo.items("items").len() as u64);
    let calls = world.dynamo.calls("PutItem");
    assert_eq!(world.deliver(&messages, PLENTY).await, [""; 0]);
    assert_eq!(world.dynamo.calls("PutItem"), calls, "a failed load is not tried again");
}

#[tokio::test]
async fn the_first_failure_and_all_that_follow_are_reported() {
    let world = World::new().await;
    for key in ["1.csv", "2.csv", "3.csv"] {
        world.bucket.put(key, "v1", &csv(1..=2));
    }
    let messages = ["1.csv", "2.csv", "3.csv"].map(|key| message(key, "v1"));
    assert_eq!(world.deliver(&messages[..1], PLENTY).await, [""; 0]);
    world.dynamo.throttle("BatchWriteItem", 3);
    assert_eq!(world.deliver(&messages, PLENTY).await, ["2.csv v1", "3.csv v1"]);
    assert_eq!(world.entry("2.csv", "v1").state, LoadState::Loading);
    assert_eq!(world.deliver(&messages[1..], PLENTY).await, [""; 0]);
    assert_eq!(world.entry("2.csv", "v1").receipt, receipt(2, 2, 0, 0));
    assert_eq!(world.entry("3.csv", "v1").state, LoadState::Loaded);
}

#[tokio::test]
async fn a_message_that_failed_comes_again_after_a_rest() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=1));
    world.bucket.refuse_reads(100);
    let mut failing = message("items.csv", "v1");
    failing["receiptHandle"] = json!("handle");
    failing["attributes"] = json!({ "ApproximateReceiveCount": "2" });
    assert_eq!(world.deliver(&[failing.clone()], PLENTY).await, ["items.csv v1"]);
    let rest = json!({ "QueueUrl": world.sqs.url(), "ReceiptHandle": "handle", "VisibilityTimeout": 120 });
    assert_eq!(world.sqs.calls(), [rest]);

    world.bucket.refuse_reads(0);
    assert_eq!(world.deliver(&[failing], PLENTY).await, [""; 0]);
    assert_eq!(world.sqs.calls().len(), 1);
}

#[tokio::test]
async fn a_short_throttle_is_sat_out() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=2));
    world.dynamo.throttle("BatchWriteItem", 2);
    assert_eq!(world.deliver(&[message("items.csv", "v1")], PLENTY).await, [""; 0]);
    assert_eq!(world.entry("items.csv", "v1").state, LoadState::Loaded);
}

#[tokio::test]
async fn a_store_that_is_down_is_no_failed_load() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=2));
    world.bucket.refuse_reads(3);
    assert_eq!(world.deliver(&[message("items.csv", "v1")], PLENTY).await, ["items.csv v1"]);
    assert_eq!(world.deliver(&[message("items.csv", "v1")], PLENTY).await, [""; 0]);
    assert_eq!(world.entry("items.csv", "v1").state, LoadState::Loaded);
}

#[tokio::test]
async fn an_event_without_a_version_loads_the_current_one() {
    let world = World::new().await;
    world.bucket.put("a.csv", "v7", &csv(1..=2));
    world.bucket.put("b.csv", "null", &csv(3..=4));
    assert_eq!(world.deliver(&[message("a.csv", ""), message("b.csv", "")], PLENTY).await, [""; 0]);
    assert_eq!(world.entry("a.csv", "v7").version, "v7");
    let etag = s3::etag(&csv(3..=4));
    assert_eq!(world.entry("b.csv", &etag).receipt, receipt(2, 2, 0, 0));
}

#[tokio::test]
async fn what_is_no_load_is_told_apart() {
    let world = World::new().await;
    let rejects = rejects_key(&LoadId::of("a", "b"), 0);
    assert_eq!(world.deliver(&[message(&rejects, "v1")], PLENTY).await, [""; 0]);
    assert!(world.dynamo.items("ledger").is_empty());
    let nonsense = json!({ "messageId": "nonsense", "body": "{\"Event\":\"s3:TestEvent\"}" });
    world.bucket.put("a.csv", "v1", &csv(1..=2));
    let failed = world.deliver(&[nonsense, message("a.csv", "v1")], PLENTY).await;
    assert_eq!(failed, ["nonsense", "a.csv v1"]);
    assert!(world.dynamo.items("items").is_empty());
}
