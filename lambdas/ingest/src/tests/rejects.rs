//! Rows that cannot be loaded.

use restctl_contract::load::{LoadId, LoadState, MAX_REJECTS_METADATA, rejects_key};
use serde_json::json;

use super::world::{World, csv, message, message_later};
use super::{BAD_CSV, NONE_FAILED, receipt};

#[tokio::test]
async fn too_many_rejects_fail_a_load_before_the_next_window() {
    let mut world = World::new().await;
    world.handler.context.window_size.rows = 10;
    world.bucket.send_pieces_of(40);
    let mut file = csv(1..=100);
    (0..40).for_each(|_| file.extend(b",no key\n"));
    file.extend(b"101,late\n");
    world.bucket.put_with("items.csv", "v1", &file, &[(MAX_REJECTS_METADATA, "0.1")]);
    assert_eq!(world.deliver(&[message("items.csv", "v1")]).await, NONE_FAILED);
    let entry = world.ledger_entry("items.csv", "v1");
    assert_eq!(entry.state, LoadState::Failed);
    assert!(entry.reason.unwrap().contains("--max-rejects"));
    assert_eq!(world.dynamo.items("items").len(), 100);
    let counts = world.row_counts("items.csv", "v1");
    assert!((12..30).contains(&counts.rejected), "{counts:?}");

    world.bucket.put_with("items.csv", "v2", &file, &[(MAX_REJECTS_METADATA, "0.3")]);
    assert_eq!(world.deliver(&[message_later("items.csv", "v2", 1)]).await, NONE_FAILED);
    assert_eq!(world.ledger_entry("items.csv", "v2").state, LoadState::Loaded);
}

#[tokio::test]
async fn bad_rows_are_rejected_and_the_others_are_written() {
    let world = World::new().await;
    world.bucket.put("bad.csv", "v1", BAD_CSV);
    assert_eq!(world.deliver(&[message("bad.csv", "v1")]).await, NONE_FAILED);
    assert_eq!(world.dynamo.items("items").len(), 8);
    let entry = world.ledger_entry("bad.csv", "v1");
    assert_eq!(entry.state, LoadState::Loaded);
    assert_eq!(world.row_counts("bad.csv", "v1"), receipt(13, 8, 5, 0));
    let key = rejects_key(&LoadId::for_version("bad.csv", "v1"), 0);
    assert_eq!(entry.reject_parts, 1);
    let expected = "line,column,reason,row\n\
        3,,has 3 values for the 4 columns of the header,\"2,Bread Knife,64.25\"\n\
        5,id,the key is empty,\",Olive Oil,14.99,false\"\n\
        7,,has 5 values for the 4 columns of the header,\"6,Tea Towel,11,false,extra\"\n\
        11,id,the key is empty,\"\"\"\"\",Spice Rack,18.5,false\"\n\
        13,,has 1 values for the 4 columns of the header,11\n";
    assert_eq!(String::from_utf8(world.bucket.written_object(&key).unwrap()).unwrap(), expected);
}

#[tokio::test]
async fn a_load_is_not_done_until_its_rejects_are_stored() {
    let world = World::new().await;
    world.bucket.put("bad.csv", "v1", BAD_CSV);
    world.bucket.refuse_writes(3);
    assert_eq!(world.deliver(&[message("bad.csv", "v1")]).await, ["bad.csv v1"]);
    assert_eq!(world.ledger_entry("bad.csv", "v1").state, LoadState::Loading);
    assert_eq!(world.deliver(&[message("bad.csv", "v1")]).await, NONE_FAILED);
    assert_eq!(world.row_counts("bad.csv", "v1"), receipt(13, 8, 5, 0));
}

#[tokio::test]
async fn one_item_that_dynamodb_refuses_does_not_stop_its_batch() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=30));
    world.dynamo.refuse_key(&json!({ "S": "7" }));
    assert_eq!(world.deliver(&[message("items.csv", "v1")]).await, NONE_FAILED);
    assert_eq!(world.dynamo.items("items").len(), 29);
    assert_eq!(world.row_counts("items.csv", "v1"), receipt(30, 29, 1, 0));
    let rejects =
        world.bucket.written_object(&rejects_key(&LoadId::for_version("items.csv", "v1"), 0)).unwrap();
    let rejects = String::from_utf8(rejects).unwrap();
    assert!(rejects.contains("8,,\"is refused by DynamoDB: One or more parameter values"), "{rejects}");
    assert!(rejects.ends_with("\"id=7,name=n7\"\n"), "{rejects}");
}
