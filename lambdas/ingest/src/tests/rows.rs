//! What happens to each row.

use restctl_contract::key::WRITTEN_BY;
use restctl_contract::load::{COLUMN_TYPES_METADATA, DUPLICATES_METADATA, LoadState, Receipt};
use serde_json::{Value, json};

use super::world::{World, csv, message, message_later};
use super::{ITEMS_CSV, NONE_FAILED, receipt};

#[tokio::test]
async fn every_row_of_a_file_is_written() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=60));
    assert_eq!(world.deliver(&[message("items.csv", "v1")]).await, NONE_FAILED);
    assert_eq!(world.dynamo.items("items").len(), 60);
    assert_eq!(world.dynamo.count_calls("BatchWriteItem"), 3);
    let entry = world.ledger_entry("items.csv", "v1");
    assert_eq!((entry.state, entry.progress), (LoadState::Loaded, 60));
    assert_eq!(world.row_counts("items.csv", "v1"), receipt(60, 60, 0, 0));
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
    assert_eq!(world.deliver(&[message("items.csv", "v1")]).await, NONE_FAILED);
    let items = world.dynamo.items("items");
    assert_eq!(items.len(), 2985);
    assert_eq!(world.row_counts("items.csv", "v1"), receipt(3000, 2985, 0, 15));
    let item = items.iter().find(|item| item["id"]["S"] == "42").unwrap();
    assert_eq!(item["name"], json!({ "S": "Pocket Towel" }));
    assert_eq!(item["price"], json!({ "N": "12.5" }));
    assert_eq!(item["discontinued"], json!({ "BOOL": false }));
    assert_eq!(item["sku"], json!({ "S": "00042" }));
    let superseded = items.iter().filter(|item| item["updated"]["S"] == "2024-12-31");
    assert_eq!(superseded.count(), 0, "the later of two rows wins");
}

#[tokio::test]
async fn only_new_and_changed_rows_are_written() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=50));
    assert_eq!(world.deliver(&[message("items.csv", "v1")]).await, NONE_FAILED);
    assert_eq!(world.dynamo.count_calls("BatchGetItem"), 0, "an empty table is not read");
    let before = world.dynamo.items("items");

    world.bucket.put("items.csv", "v2", &csv(1..=50));
    assert_eq!(world.deliver(&[message_later("items.csv", "v2", 1)]).await, NONE_FAILED);
    assert_eq!(world.row_counts("items.csv", "v2"), Receipt { unchanged: 50, ..receipt(50, 0, 0, 0) });
    let units = world.ledger_entry("items.csv", "v2").receipt;
    assert_eq!((units.read_units, units.write_units), (51.0, 0.0));
    assert_eq!((world.dynamo.items("items"), world.dynamo.count_calls("BatchWriteItem")), (before, 2));

    let mut file = csv(41..=60);
    file.extend(b"1,other\n");
    world.bucket.put("items.csv", "v3", &file);
    assert_eq!(world.deliver(&[message_later("items.csv", "v3", 2)]).await, NONE_FAILED);
    let expected = Receipt { changed: 1, unchanged: 10, ..receipt(21, 10, 0, 0) };
    assert_eq!(world.row_counts("items.csv", "v3"), expected);
    assert_eq!(world.ledger_entry("items.csv", "v3").receipt.write_units, 11.0);
}

#[tokio::test]
async fn units_that_the_endpoint_does_not_count_are_estimated() {
    let mut world = World::new().await;
    world.handler.context.estimates_units = true;
    let text = |bytes: usize| "x".repeat(bytes);
    let file = format!("id,text\n1,{}\n2,{}\n3,short\n", text(4096), text(9000));
    world.bucket.put("items.csv", "v1", file.as_bytes());
    assert_eq!(world.deliver(&[message("items.csv", "v1")]).await, NONE_FAILED);
    let first = world.ledger_entry("items.csv", "v1").receipt;
    assert_eq!((first.read_units, first.units_are_estimated), (1.0, true));

    world.bucket.put("items.csv", "v2", format!("{file}4,new\n").as_bytes());
    assert_eq!(world.deliver(&[message_later("items.csv", "v2", 1)]).await, NONE_FAILED);
    let second = world.ledger_entry("items.csv", "v2").receipt;
    let empty_check = 2.0;
    // Two units for more than 4 KB, three for more than 8 KB, one for each of the others.
    assert_eq!(second.read_units, empty_check + 2.0 + 3.0 + 1.0 + 1.0);
}

#[tokio::test]
async fn the_last_row_of_a_key_wins_at_any_distance() {
    let world = World::new().await;
    let mut file = csv(1..=2500);
    file.extend(b"2500,near\n1,far\n");
    world.bucket.put("items.csv", "v1", &file);
    assert_eq!(world.deliver(&[message("items.csv", "v1")]).await, NONE_FAILED);
    let items = world.dynamo.items("items");
    let name = |id: &str| items.iter().find(|item| item["id"]["S"] == id).unwrap()["name"]["S"].clone();
    assert_eq!((name("1"), name("2500")), (Value::from("far"), Value::from("near")));
    assert_eq!(items.len(), 2500);
    let counts = world.row_counts("items.csv", "v1");
    assert_eq!((counts.read, counts.new + counts.duplicates), (2502, 2502), "{counts:?}");
}

#[tokio::test]
async fn a_blind_load_takes_the_number_of_duplicates_from_the_uploader() {
    let mut world = World::new().await;
    world.handler.context.window_size.rows = 10;
    world.bucket.send_pieces_of(40);
    let mut file = csv(1..=30);
    file.extend(b"1,again\n2,again\n");
    world.bucket.put_with("items.csv", "v1", &file, &[(DUPLICATES_METADATA, "2")]);
    assert_eq!(world.deliver(&[message("items.csv", "v1")]).await, NONE_FAILED);
    assert_eq!(world.row_counts("items.csv", "v1"), receipt(32, 30, 0, 2));
}
