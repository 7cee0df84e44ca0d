//! Objects that are not data.

use restctl_contract::load::{COLUMN_TYPES_METADATA, DIALECT_METADATA, LedgerEntry, LoadState, Receipt};
use serde_json::json;

use super::world::{TimeLimit, World, csv, message, message_later};
use super::{NONE_FAILED, receipt};

const COMMAS: (&str, &str) = (DIALECT_METADATA, "format=csv&delimiter=%2C");

#[tokio::test]
async fn objects_that_are_no_data_are_ignored_and_counted() {
    let world = World::new().await;
    let keys = ["in/", "in/_SUCCESS", ".DS_Store", "a.csv.tmp", "in_$folder$", "notes.txt", "b\u{1}c"];
    for key in keys {
        world.bucket.put(key, "v1", b"");
    }
    let messages: Vec<_> = keys.iter().map(|key| message(key, "v1")).collect();
    assert_eq!(world.deliver(&messages).await, NONE_FAILED);
    for key in keys {
        let entry = world.ledger_entry(key, "v1");
        assert_eq!((entry.state, entry.attempts), (LoadState::Ignored, 0), "{key}");
        assert_eq!(entry.receipt, Receipt::default());
        assert!(entry.reason.is_some_and(|reason| reason.starts_with("its name ")), "{key}");
    }
    assert_eq!(world.dynamo.items("ledger").len(), keys.len(), "none of them is the newest load");
    assert_eq!(world.dynamo.count_calls("Scan"), 0, "the table is not read");
    let puts = world.dynamo.count_calls("PutItem");
    assert_eq!(world.deliver(&messages).await, NONE_FAILED);
    assert_eq!(world.dynamo.count_calls("PutItem"), puts, "each is counted once");
}

#[tokio::test]
async fn an_ignored_object_neither_stamps_nor_makes_a_load_late() {
    let world = World::new().await;
    world.bucket.put("notes.txt", "v9", b"");
    world.bucket.put("items.csv", "v1", &csv(1..=2));
    let messages = [message_later("notes.txt", "v9", 9), message_later("items.csv", "v1", 1)];
    assert_eq!(world.deliver(&messages).await, NONE_FAILED);
    assert_eq!(world.row_counts("items.csv", "v1"), receipt(2, 2, 0, 0));
    assert_eq!(world.dynamo.count_calls("Scan"), 1, "the ledger is not searched for newer loads");
}

#[tokio::test]
async fn an_upload_is_data_whatever_its_name() {
    let world = World::new().await;
    for (number, key) in ["_items", "in/", "items.tmp", "export"].into_iter().enumerate() {
        let file = csv(number..=number);
        world.bucket.put_with(key, "v1", &file, &[COMMAS, (COLUMN_TYPES_METADATA, "s2")]);
        assert_eq!(world.deliver(&[message(key, "v1")]).await, NONE_FAILED);
        assert_eq!(world.row_counts(key, "v1"), receipt(1, 1, 0, 0), "{key}");
        // Another tool replaces the file.
        let file = csv(number + 10..=number + 10);
        world.bucket.put(key, "v2", &file);
        assert_eq!(world.deliver(&[message_later(key, "v2", 1)]).await, NONE_FAILED);
        assert_eq!(world.row_counts(key, "v2"), receipt(1, 1, 0, 0), "{key}");
    }
}

#[tokio::test]
async fn an_outage_delays_the_decision() {
    let world = World::new().await;
    world.bucket.put_with("export", "v1", &csv(1..=1), &[COMMAS]);
    world.bucket.refuse_reads(3);
    let failed = world.deliver_within(&[message("export", "v1")], TimeLimit::RunsOut).await;
    assert_eq!(failed, ["export v1"]);
    assert!(world.dynamo.items("ledger").is_empty());
    assert_eq!(world.deliver(&[message("export", "v1")]).await, NONE_FAILED);
    assert_eq!(world.ledger_entry("export", "v1").state, LoadState::Loaded);
}

#[tokio::test]
async fn a_load_that_an_older_version_left_stopped_is_ignored_when_redriven() {
    let world = World::new().await;
    world.bucket.put("notes.txt", "v1", b"");
    assert_eq!(world.deliver(&[message("notes.txt", "v1")]).await, NONE_FAILED);
    let ignored = world.ledger_entry("notes.txt", "v1");
    let stopped = LedgerEntry { state: LoadState::Stopped, reason: None, ..ignored };
    let item: serde_dynamo::Item = serde_dynamo::to_item(stopped).unwrap();
    world.dynamo.put_item("ledger", json!(item));
    assert_eq!(world.deliver(&[message("notes.txt", "v1")]).await, NONE_FAILED);
    assert_eq!(world.ledger_entry("notes.txt", "v1").state, LoadState::Ignored);
}
