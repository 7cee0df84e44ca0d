//! Loads that run out of the order of their uploads.

use restctl_contract::load::{LoadState, Position, Receipt};
use serde_json::json;

use super::world::{World, csv, message, message_later};
use super::{NONE_FAILED, receipt};

#[tokio::test]
async fn a_late_load_does_not_replace_newer_items() {
    let world = World::new().await;
    for (version, file) in [("v1", "id,name\n1,a\n2,a\n3,a\n"), ("v3", "id,name\n1,c\n2,a\n4,c\n")] {
        world.bucket.put("items.csv", version, file.as_bytes());
        let second = version[1..].parse().unwrap();
        assert_eq!(world.deliver(&[message_later("items.csv", version, second)]).await, NONE_FAILED);
    }
    // The third version replaced item 1, left item 2 unchanged and did not have item 3.
    world.bucket.put("items.csv", "v2", b"id,name\n1,b\n2,b\n3,b\n4,b\n5,b\n");
    assert_eq!(world.deliver(&[message_later("items.csv", "v2", 2)]).await, NONE_FAILED);
    let items = world.dynamo.items("items");
    let names: Vec<_> = items.iter().map(|item| item["name"]["S"].as_str().unwrap()).collect();
    assert_eq!(names, ["c", "a", "b", "c", "b"]);
    let expected = Receipt { new: 1, changed: 1, stale: 3, ..receipt(5, 1, 0, 0) };
    assert_eq!(world.row_counts("items.csv", "v2"), expected);
    let newer = world.ledger_entry("items.csv", "v3");
    assert_eq!(newer.confirmed, newer.position);
}

#[tokio::test]
async fn a_late_load_fails_if_a_newer_file_is_deleted() {
    let world = World::new().await;
    for version in ["v1", "v3"] {
        world.bucket.put("items.csv", version, &csv(1..=3));
        let second = version[1..].parse().unwrap();
        assert_eq!(world.deliver(&[message_later("items.csv", version, second)]).await, NONE_FAILED);
    }
    world.bucket.delete_version("items.csv", "v3");
    world.bucket.put("late.csv", "v2", b"id,name\n1,late\n");
    assert_eq!(world.deliver(&[message_later("late.csv", "v2", 2)]).await, NONE_FAILED);
    let entry = world.ledger_entry("late.csv", "v2");
    assert_eq!(entry.state, LoadState::Failed);
    assert!(entry.reason.unwrap().contains("\"items.csv\" was uploaded later"));
}

#[tokio::test]
async fn a_redriven_load_compares_before_it_writes() {
    // The message is delivered again, or a user retries the load, which opens its entry first.
    for by_hand in [false, true] {
        let world = World::new().await;
        world.bucket.put("old.csv", "v1", &csv(1..=40));
        assert_eq!(world.deliver(&[message("old.csv", "v1")]).await, NONE_FAILED);
        // The load stopped before the ledger had a position after the header.
        let mut entry = world.ledger_entry("old.csv", "v1");
        assert!(entry.blind);
        (entry.state, entry.receipt) = (LoadState::Stopped, Receipt::default());
        entry.position = Position { offset: 8, line: 2 };
        let entry = if by_hand { entry.reopened_at("2026-01-15T10:00:00.000Z".into()) } else { entry };
        let item: serde_dynamo::Item = serde_dynamo::to_item(entry).unwrap();
        world.dynamo.put_item("ledger", json!(item));
        world.bucket.put("new.csv", "v2", b"id,name\n1,newer\n40,newer\n");
        assert_eq!(world.deliver(&[message_later("new.csv", "v2", 1)]).await, NONE_FAILED);
        assert_eq!(world.deliver(&[message("old.csv", "v1")]).await, NONE_FAILED);
        let items = world.dynamo.items("items");
        assert_eq!(items.iter().filter(|item| item["name"]["S"] == "newer").count(), 2);
        let expected = Receipt { changed: 38, stale: 2, ..receipt(40, 0, 0, 0) };
        assert_eq!((items.len(), world.row_counts("old.csv", "v1")), (40, expected));
    }
}
