//! Whole messages in, with the real SDK clients, against a DynamoDB and an S3 on 127.0.0.1.

mod model;
mod s3;
mod sqs;
mod world;

use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;
use std::time::Duration;

use restctl_contract::key::WRITTEN_BY;
use restctl_contract::load::{
    COLUMN_TYPES_METADATA, DUPLICATES_METADATA, LedgerEntry, LoadId, LoadState, MAX_ATTEMPTS,
    MAX_REJECTS_METADATA, Position, Receipt, rejects_key,
};
use serde_json::{Value, json};
use world::{World, add_up, csv, message, message_later};

const ITEMS_CSV: &[u8] = include_bytes!("../../../fixtures/items.csv");
const BAD_CSV: &[u8] = include_bytes!("../../../fixtures/bad.csv");

const PLENTY: Duration = Duration::from_secs(60);

/// Everything that was not rejected or superseded was new.
fn receipt(read: u64, new: u64, rejected: u64, duplicates: u64) -> Receipt {
    Receipt { read, new, rejected, duplicates, ..Receipt::default() }
}

impl World {
    /// What became of the rows of a load, without what it cost.
    fn counts(&self, object: &str, version: &str) -> Receipt {
        let receipt = self.entry(object, version).receipt;
        add_up(&receipt);
        Receipt { read_units: 0.0, write_units: 0.0, seconds: 0.0, ..receipt }
    }
}

#[tokio::test]
async fn every_row_of_a_file_lands() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=60));
    assert_eq!(world.deliver(&[message("items.csv", "v1")], PLENTY).await, [""; 0]);
    assert_eq!(world.dynamo.items("items").len(), 60);
    assert_eq!(world.dynamo.calls("BatchWriteItem"), 3);
    let entry = world.entry("items.csv", "v1");
    assert_eq!((entry.state, entry.progress), (LoadState::Loaded, 60));
    assert_eq!(world.counts("items.csv", "v1"), receipt(60, 60, 0, 0));
    assert_eq!((entry.receipt.read_units, entry.receipt.write_units), (1.0, 60.0));
    let written_by = entry.stamp();
    assert_eq!((entry.reason, entry.reject_parts), (None, 0));

    let expected = json!({ "id": { "S": "60" }, "name": { "S": "n60" }, WRITTEN_BY: { "S": written_by } });
    assert!(world.dynamo.items("items").contains(&expected), "{expected}");
}

#[tokio::test]
async fn the_demo_data_loads_with_its_types() {
    let world = World::new().await;
    world.bucket.put_with("items.csv", "v1", ITEMS_CSV, &[(COLUMN_TYPES_METADATA, "sssnnbsss")]);
    assert_eq!(world.deliver(&[message("items.csv", "v1")], PLENTY).await, [""; 0]);
    let items = world.dynamo.items("items");
    assert_eq!(items.len(), 2985);
    assert_eq!(world.counts("items.csv", "v1"), receipt(3000, 2985, 0, 15));
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
    assert_eq!(world.counts("items.csv", "v1"), receipt(60, 60, 0, 0));
}

#[tokio::test]
async fn a_window_that_runs_out_of_time_comes_again() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=60));
    world.dynamo.leave_unprocessed(25, usize::MAX);
    assert_eq!(world.deliver(&[message("items.csv", "v1")], Duration::from_secs(4)).await, ["items.csv v1"]);
    let entry = world.entry("items.csv", "v1");
    assert_eq!((entry.state, entry.attempts), (LoadState::Loading, 1));
    assert!(entry.reason.unwrap().contains("ran out of time"));
    world.dynamo.leave_unprocessed(0, 0);
    assert_eq!(world.deliver(&[message("items.csv", "v1")], PLENTY).await, [""; 0]);
    assert_eq!(world.counts("items.csv", "v1"), receipt(60, 60, 0, 0));
    assert_eq!(world.entry("items.csv", "v1").reason, None);
    assert_eq!(world.dynamo.items("items").len(), 60);
}

#[tokio::test]
async fn a_load_goes_on_in_the_next_invocation() {
    for name in ["items.csv", "items.csv.gz", "items.ndjson"] {
        let mut world = World::new().await;
        world.handler.context.window_size.rows = 3;
        world.bucket.send_pieces_of(40);
        let file = match name {
            "items.csv" => [csv(1..=30), b",no key\n".to_vec(), csv(31..=60)[8..].to_vec()].concat(),
            "items.csv.gz" => {
                gzip(&[csv(1..=30), b",no key\n".to_vec(), csv(31..=60)[8..].to_vec()].concat())
            }
            _ => (1..=60)
                .map(|id| format!("{{\"id\":{id}}}\n"))
                .chain(["{}".to_owned()])
                .collect::<String>()
                .into_bytes(),
        };
        world.bucket.put(name, "v1", &file);
        // Of so little time nothing is left after a window or two.
        let little = Duration::from_secs(4);
        let mut invocations = 1;
        while world.deliver(&[message(name, "v1")], little).await != [""; 0] {
            let entry = world.entry(name, "v1");
            assert_eq!((entry.state, entry.attempts, entry.reason), (LoadState::Loading, 0, None));
            assert_eq!((entry.receipt.read, entry.progress), (entry.progress, entry.receipt.read));
            assert_eq!(world.sqs.take("ChangeMessageVisibility").last().unwrap()["VisibilityTimeout"], 0);
            invocations += 1;
            assert!(invocations < 40, "{name}: {entry:?}", entry = world.entry(name, "v1"));
        }
        assert!(invocations > if name.ends_with("gz") { 1 } else { 5 }, "{name}: {invocations}");
        assert_eq!(world.counts(name, "v1"), receipt(61, 60, 1, 0), "{name}");
        assert_eq!(world.dynamo.items("items").len(), 60, "{name}");
        assert_eq!(world.dynamo.calls("BatchGetItem"), 0, "it knows that only it has written");
    }
}

#[tokio::test]
async fn the_demo_data_loads_in_many_invocations() {
    for ignores_ranges in [false, true] {
        let mut world = World::new().await;
        world.handler.context.window_size.rows = 100;
        world.bucket.put("items.csv", "v1", ITEMS_CSV);
        world.bucket.send_pieces_of(3_000);
        if ignores_ranges {
            world.bucket.ignore_ranges();
        }
        let little = Duration::from_secs(4);
        let mut invocations = 1;
        while world.deliver(&[message("items.csv", "v1")], little).await != [""; 0] {
            invocations += 1;
            assert!(invocations < 40, "{:?}", world.entry("items.csv", "v1"));
        }
        assert!(invocations > 5, "{invocations}");
        let counts = world.counts("items.csv", "v1");
        assert_eq!((counts.read, counts.rejected), (3000, 0), "{counts:?}");
        assert_eq!(world.dynamo.items("items").len(), 2985);
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_read_on_where_it_broke() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=60));
    world.bucket.break_off(4, 100);
    assert_eq!(
        world.deliver(&[message("items.csv", "v1")], PLENTY).await,
        [""; 0],
        "{:?}",
        world.entry("items.csv", "v1")
    );
    assert_eq!(world.counts("items.csv", "v1"), receipt(60, 60, 0, 0));
    world.bucket.put("items.csv", "v2", &csv(1..=60));
    world.bucket.break_off(100, 0);
    assert_eq!(world.deliver(&[message("items.csv", "v2")], PLENTY).await, ["items.csv v2"]);
    assert!(world.entry("items.csv", "v2").reason.unwrap().contains("GetObject"));
}

#[tokio::test]
async fn rows_are_compared_before_they_are_written() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=50));
    assert_eq!(world.deliver(&[message("items.csv", "v1")], PLENTY).await, [""; 0]);
    assert_eq!(world.dynamo.calls("BatchGetItem"), 0, "an empty table is not read");
    let before = world.dynamo.items("items");

    world.bucket.put("items.csv", "v2", &csv(1..=50));
    assert_eq!(world.deliver(&[message_later("items.csv", "v2", 1)], PLENTY).await, [""; 0]);
    assert_eq!(world.counts("items.csv", "v2"), Receipt { unchanged: 50, ..receipt(50, 0, 0, 0) });
    let units = world.entry("items.csv", "v2").receipt;
    assert_eq!((units.read_units, units.write_units), (51.0, 0.0));
    assert_eq!((world.dynamo.items("items"), world.dynamo.calls("BatchWriteItem")), (before, 2));

    let mut file = csv(41..=60);
    file.extend(b"1,other\n");
    world.bucket.put("items.csv", "v3", &file);
    assert_eq!(world.deliver(&[message_later("items.csv", "v3", 2)], PLENTY).await, [""; 0]);
    let expected = Receipt { changed: 1, unchanged: 10, ..receipt(21, 10, 0, 0) };
    assert_eq!(world.counts("items.csv", "v3"), expected);
    assert_eq!(world.entry("items.csv", "v3").receipt.write_units, 11.0);
}

#[tokio::test]
async fn a_late_load_replaces_nothing_that_is_newer() {
    let world = World::new().await;
    for (version, file) in [("v1", "id,name\n1,a\n2,a\n3,a\n"), ("v3", "id,name\n1,c\n2,a\n4,c\n")] {
        world.bucket.put("items.csv", version, file.as_bytes());
        let second = version[1..].parse().unwrap();
        assert_eq!(world.deliver(&[message_later("items.csv", version, second)], PLENTY).await, [""; 0]);
    }
    // 1 was replaced since, 2 was left as it is since, 3 was not touched since.
    world.bucket.put("items.csv", "v2", b"id,name\n1,b\n2,b\n3,b\n4,b\n5,b\n");
    assert_eq!(world.deliver(&[message_later("items.csv", "v2", 2)], PLENTY).await, [""; 0]);
    let items = world.dynamo.items("items");
    let names: Vec<_> = items.iter().map(|item| item["name"]["S"].as_str().unwrap()).collect();
    assert_eq!(names, ["c", "a", "b", "c", "b"]);
    let expected = Receipt { new: 1, changed: 1, stale: 3, ..receipt(5, 1, 0, 0) };
    assert_eq!(world.counts("items.csv", "v2"), expected);
    let newer = world.entry("items.csv", "v3");
    assert_eq!(newer.confirmed, newer.position);
}

#[tokio::test]
async fn a_late_load_fails_where_it_cannot_be_told_what_is_newer() {
    let world = World::new().await;
    for version in ["v1", "v3"] {
        world.bucket.put("items.csv", version, &csv(1..=3));
        let second = version[1..].parse().unwrap();
        assert_eq!(world.deliver(&[message_later("items.csv", version, second)], PLENTY).await, [""; 0]);
    }
    world.bucket.delete("items.csv", "v3");
    world.bucket.put("late.csv", "v2", b"id,name\n1,late\n");
    assert_eq!(world.deliver(&[message_later("late.csv", "v2", 2)], PLENTY).await, [""; 0]);
    let entry = world.entry("late.csv", "v2");
    assert_eq!(entry.state, LoadState::Failed);
    assert!(entry.reason.unwrap().contains("\"items.csv\" was uploaded later"));
}

#[tokio::test]
async fn what_keeps_failing_stops_and_goes_on_when_it_is_redriven() {
    let mut world = World::new().await;
    world.handler.context.items_table = "gone".into();
    world.bucket.put("items.csv", "v1", &csv(1..=3));
    for attempt in 1..=MAX_ATTEMPTS {
        let failed = world.deliver(&[message("items.csv", "v1")], PLENTY).await;
        let rests = world.sqs.take("ChangeMessageVisibility").len();
        if attempt < MAX_ATTEMPTS {
            assert_eq!((failed, rests), (vec!["items.csv v1".to_owned()], 2));
        } else {
            assert_eq!((failed, rests), (vec![], 1), "it is in the dead-letter queue instead");
        }
    }
    let entry = world.entry("items.csv", "v1");
    assert_eq!((entry.state, entry.attempts), (LoadState::Stopped, MAX_ATTEMPTS));
    assert!(entry.reason.unwrap().contains("ResourceNotFoundException"));
    let buried = world.sqs.take("SendMessage");
    assert_eq!(buried.len(), 1);
    assert!(buried[0]["QueueUrl"].as_str().unwrap().ends_with("/dead"));

    world.handler.context.items_table = "items".into();
    assert_eq!(world.deliver(&[message("items.csv", "v1")], PLENTY).await, [""; 0]);
    assert_eq!(world.counts("items.csv", "v1"), receipt(3, 3, 0, 0));
    assert_eq!(world.entry("items.csv", "v1").state, LoadState::Loaded);
}

#[tokio::test]
async fn what_kills_the_function_again_and_again_stops() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=3));
    world.bucket.refuse_reads(3);
    assert_eq!(world.deliver(&[message("items.csv", "v1")], PLENTY).await, ["items.csv v1"]);
    // As if the function had died in each attempt since, and said nothing.
    let entry = LedgerEntry { attempts: MAX_ATTEMPTS, ..world.entry("items.csv", "v1") };
    let item: serde_dynamo::Item = serde_dynamo::to_item(entry).unwrap();
    world.dynamo.put("ledger", json!(item));
    assert_eq!(world.deliver(&[message("items.csv", "v1")], PLENTY).await, [""; 0]);
    let entry = world.entry("items.csv", "v1");
    assert_eq!(entry.state, LoadState::Stopped);
    assert!(entry.reason.unwrap().contains("ended without an error message"));
    assert_eq!(world.sqs.take("SendMessage").len(), 1);
    assert_eq!(world.deliver(&[message("items.csv", "v1")], PLENTY).await, [""; 0]);
    assert_eq!(world.counts("items.csv", "v1"), receipt(3, 3, 0, 0));
}

#[tokio::test]
async fn what_is_redriven_looks_before_it_writes() {
    // By the message itself, and by hand, when the entry is opened first.
    for by_hand in [false, true] {
        let world = World::new().await;
        world.bucket.put("old.csv", "v1", &csv(1..=40));
        assert_eq!(world.deliver(&[message("old.csv", "v1")], PLENTY).await, [""; 0]);
        // As if it had been stopped before the ledger heard of more than the header.
        let mut entry = world.entry("old.csv", "v1");
        assert!(entry.blind);
        (entry.state, entry.receipt) = (LoadState::Stopped, Receipt::default());
        entry.position = Position { offset: 8, line: 2 };
        let entry = if by_hand { entry.again("2026-01-15T10:00:00.000Z".into()) } else { entry };
        let item: serde_dynamo::Item = serde_dynamo::to_item(entry).unwrap();
        world.dynamo.put("ledger", json!(item));
        world.bucket.put("new.csv", "v2", b"id,name\n1,newer\n40,newer\n");
        assert_eq!(world.deliver(&[message_later("new.csv", "v2", 1)], PLENTY).await, [""; 0]);
        assert_eq!(world.deliver(&[message("old.csv", "v1")], PLENTY).await, [""; 0]);
        let items = world.dynamo.items("items");
        assert_eq!(items.iter().filter(|item| item["name"]["S"] == "newer").count(), 2);
        let expected = Receipt { changed: 38, stale: 2, ..receipt(40, 0, 0, 0) };
        assert_eq!((items.len(), world.counts("old.csv", "v1")), (40, expected));
    }
}

#[tokio::test]
async fn too_many_rejects_fail_a_load_before_the_next_window() {
    let mut world = World::new().await;
    world.handler.context.window_size.rows = 10;
    world.bucket.send_pieces_of(40);
    let mut file = csv(1..=100);
    (0..40).for_each(|_| file.extend(b",no key\n"));
    file.extend(b"101,late\n");
    world.bucket.put_with("items.csv", "v1", &file, &[(MAX_REJECTS_METADATA, "0.1")]);
    assert_eq!(world.deliver(&[message("items.csv", "v1")], PLENTY).await, [""; 0]);
    let entry = world.entry("items.csv", "v1");
    assert_eq!(entry.state, LoadState::Failed);
    assert!(entry.reason.unwrap().contains("--max-rejects"));
    assert_eq!(world.dynamo.items("items").len(), 100);
    let counts = world.counts("items.csv", "v1");
    assert!((12..30).contains(&counts.rejected), "{counts:?}");

    world.bucket.put_with("items.csv", "v2", &file, &[(MAX_REJECTS_METADATA, "0.3")]);
    assert_eq!(world.deliver(&[message_later("items.csv", "v2", 1)], PLENTY).await, [""; 0]);
    assert_eq!(world.entry("items.csv", "v2").state, LoadState::Loaded);
}

#[tokio::test]
async fn what_the_uploader_counted_makes_up_for_what_is_not_read() {
    let mut world = World::new().await;
    world.handler.context.window_size.rows = 10;
    world.bucket.send_pieces_of(40);
    let mut file = csv(1..=30);
    file.extend(b"1,again\n2,again\n");
    world.bucket.put_with("items.csv", "v1", &file, &[(DUPLICATES_METADATA, "2")]);
    assert_eq!(world.deliver(&[message("items.csv", "v1")], PLENTY).await, [""; 0]);
    assert_eq!(world.counts("items.csv", "v1"), receipt(32, 30, 0, 2));
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
    let counts = world.counts("items.csv", "v1");
    assert_eq!((counts.read, counts.new + counts.duplicates), (2502, 2502), "{counts:?}");
}

#[tokio::test]
async fn bad_rows_are_rejected_and_the_rest_lands() {
    let world = World::new().await;
    world.bucket.put("bad.csv", "v1", BAD_CSV);
    assert_eq!(world.deliver(&[message("bad.csv", "v1")], PLENTY).await, [""; 0]);
    assert_eq!(world.dynamo.items("items").len(), 8);
    let entry = world.entry("bad.csv", "v1");
    assert_eq!(entry.state, LoadState::Loaded);
    assert_eq!(world.counts("bad.csv", "v1"), receipt(13, 8, 5, 0));
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
    assert_eq!(world.counts("bad.csv", "v1"), receipt(13, 8, 5, 0));
}

#[tokio::test]
async fn an_item_that_dynamodb_refuses_does_not_hold_up_its_batch() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=30));
    world.dynamo.refuse_key(&json!({ "S": "7" }));
    assert_eq!(world.deliver(&[message("items.csv", "v1")], PLENTY).await, [""; 0]);
    assert_eq!(world.dynamo.items("items").len(), 29);
    assert_eq!(world.counts("items.csv", "v1"), receipt(30, 29, 1, 0));
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
    world.bucket.put_with("typed.csv", "v1", &csv(1..=2), &[(COLUMN_TYPES_METADATA, "s")]);
    let half = [csv(1..=1500), b"1501,\"never closed\n".to_vec()].concat();
    world.bucket.put("half.csv", "v1", &half);
    let mut cut = gzip(&csv(2001..=2100));
    cut.truncate(cut.len() - 9);
    world.bucket.put("cut.csv.gz", "v1", &cut);
    let keys = ["no-key.csv", "items.xlsx", "typed.csv", "half.csv", "deleted.csv", "cut.csv.gz"];
    let messages: Vec<_> = keys.iter().map(|key| message(key, "v1")).collect();
    assert_eq!(world.deliver(&messages, PLENTY).await, [""; 0]);
    let said = [
        "no column is called \"id\"",
        "ends in .csv",
        "column types",
        "line 1502",
        "was deleted",
        "gzip data",
    ];
    for (key, said) in keys.into_iter().zip(said) {
        let entry = world.entry(key, "v1");
        assert_eq!(entry.state, LoadState::Failed, "{key}");
        assert!(entry.reason.as_deref().unwrap().contains(said), "{key}: {:?}", entry.reason);
    }
    assert_eq!(world.counts("half.csv", "v1"), receipt(1500, 1500, 0, 0));
    let calls = world.dynamo.calls("PutItem");
    assert_eq!(world.deliver(&messages, PLENTY).await, [""; 0]);
    assert_eq!(world.dynamo.calls("PutItem"), calls, "a failed load is not tried again");
}

#[tokio::test]
async fn the_first_failure_and_all_that_follow_are_reported() {
    let world = World::new().await;
    for (at, key) in ["1.csv", "2.csv", "3.csv"].into_iter().enumerate() {
        world.bucket.put(key, "v1", &csv(2 * at + 1..=2 * at + 2));
    }
    let messages = ["1.csv", "2.csv", "3.csv"].map(|key| message(key, "v1"));
    assert_eq!(world.deliver(&messages[..1], PLENTY).await, [""; 0]);
    world.bucket.refuse_reads(3);
    assert_eq!(world.deliver(&messages[1..], PLENTY).await, ["2.csv v1", "3.csv v1"]);
    assert_eq!(world.deliver(&messages[1..], PLENTY).await, [""; 0]);
    assert_eq!(world.counts("2.csv", "v1"), receipt(2, 2, 0, 0));
    assert_eq!(world.entry("3.csv", "v1").state, LoadState::Loaded);
}

#[tokio::test]
async fn a_message_that_failed_comes_again_after_a_rest() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=1));
    world.bucket.refuse_reads(100);
    for rest in [30, 120] {
        assert_eq!(world.deliver(&[message("items.csv", "v1")], PLENTY).await, ["items.csv v1"]);
        let calls = world.sqs.take("ChangeMessageVisibility");
        let seconds: Vec<_> = calls.iter().map(|call| call["VisibilityTimeout"].as_u64().unwrap()).collect();
        assert!(matches!(seconds[0], 69..=70), "held while it is worked on: {seconds:?}");
        assert_eq!(seconds[1..], [rest]);
        assert_eq!(calls[1]["ReceiptHandle"], "handle");
    }
    world.bucket.refuse_reads(0);
    assert_eq!(world.deliver(&[message("items.csv", "v1")], PLENTY).await, [""; 0]);
    assert_eq!(world.sqs.take("ChangeMessageVisibility").len(), 1);
}

#[tokio::test]
async fn a_throttle_is_sat_out() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=2));
    world.dynamo.throttle("BatchWriteItem", 20);
    assert_eq!(world.deliver(&[message("items.csv", "v1")], PLENTY).await, [""; 0]);
    assert_eq!(world.entry("items.csv", "v1").state, LoadState::Loaded);
}

#[tokio::test]
async fn a_store_that_is_down_is_no_failed_load() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=2));
    world.bucket.refuse_reads(3);
    assert_eq!(world.deliver(&[message("items.csv", "v1")], PLENTY).await, ["items.csv v1"]);
    let entry = world.entry("items.csv", "v1");
    assert_eq!((entry.state, entry.attempts), (LoadState::Loading, 1));
    assert!(entry.reason.unwrap().contains("HeadObject"));
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
    assert_eq!(world.counts("b.csv", &etag), receipt(2, 2, 0, 0));
}

#[tokio::test]
async fn what_is_no_load_is_told_apart() {
    let world = World::new().await;
    let rejects = rejects_key(&LoadId::of("a", "b"), 0);
    assert_eq!(world.deliver(&[message(&rejects, "v1")], PLENTY).await, [""; 0]);
    assert!(world.dynamo.items("ledger").is_empty());
    let nonsense = json!({ "messageId": "nonsense", "body": "{\"Event\":\"s3:TestEvent\"}" });
    world.bucket.put("a.csv", "v1", &csv(1..=2));
    assert_eq!(world.deliver(&[nonsense, message("a.csv", "v1")], PLENTY).await, [""; 0]);
    assert_eq!(world.sqs.take("SendMessage")[0]["MessageBody"], "{\"Event\":\"s3:TestEvent\"}");
    assert_eq!(world.dynamo.items("items").len(), 2);
}

#[tokio::test]
async fn the_log_does_not_quote_the_file() {
    keep_log();
    let world = World::new().await;
    world.bucket.put("bad.csv", "v1", BAD_CSV);
    world.bucket.put("headless.csv", "v1", b"7,Secret Rag\n8,Secret Towel\n");
    world.bucket.put("cut.json", "v1", b"[{\"id\":1,\"name\":\"Secret Rag\"}\n{");
    world.dynamo.refuse_key(&json!({ "S": "1" }));
    let messages = ["bad.csv", "headless.csv", "cut.json"].map(|key| message(key, "v1"));
    assert_eq!(world.deliver(&messages, PLENTY).await, [""; 0]);
    assert!(world.entry("headless.csv", "v1").reason.unwrap().contains("Secret Rag"));
    let log = String::from_utf8(LOG.take()).unwrap();
    assert!(log.contains("\"loaded\"") && log.contains("failed"), "{log}");
    for quoted in ["Secret", "Olive Oil", "Bread Knife"] {
        assert!(!log.contains(quoted), "{log}");
    }
}

#[tokio::test]
async fn each_line_of_a_load_bears_its_id() {
    keep_log();
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=2));
    let id = LoadId::of("items.csv", "v1");
    let lines = || {
        let log = String::from_utf8(LOG.take()).unwrap();
        let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for line in &lines {
            let spans = line["spans"].as_array().unwrap();
            assert!(spans.iter().any(|span| span["load"] == id.as_str()), "{line}");
            assert!(spans.iter().any(|span| span["object"] == "items.csv"), "{line}");
        }
        lines.iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    world.bucket.refuse_reads(3);
    world.deliver(&[message("items.csv", "v1")], PLENTY).await;
    assert_eq!(lines(), ["an attempt begins", "the attempt failed"]);
    world.deliver(&[message("items.csv", "v1")], PLENTY).await;
    assert_eq!(lines(), ["an attempt begins", "loaded"]);
    world.deliver(&[message("items.csv", "v1")], PLENTY).await;
    assert_eq!(lines(), ["the load is settled already"]);
}

/// For all threads: where the first to log has no subscriber, tracing may skip the place for the others, too.
fn keep_log() {
    static KEPT: Once = Once::new();
    KEPT.call_once(|| crate::log::init(|| Log));
}

thread_local! {
    /// What has been logged by this thread, that is by this test.
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.with_borrow_mut(|log| log.write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text).unwrap();
    gzip.finish().unwrap()
}
