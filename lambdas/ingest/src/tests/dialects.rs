//! How objects are read: those of `restctl upload`, and those of other tools.

use restctl_contract::load::{COLUMN_TYPES_METADATA, DIALECT_METADATA, LoadState};
use serde_json::{Value, json};

use super::world::{TimeLimit, World, csv, message, message_later};
use super::{NONE_FAILED, gzip, receipt};

const SEMICOLONS: (&str, &str) = (DIALECT_METADATA, "format=csv&delimiter=%3B");

/// Delivers the version `vN` as uploaded in second N.
async fn load(world: &World, key: &str, version: &str) {
    let second = version[1..].parse().unwrap();
    assert_eq!(world.deliver(&[message_later(key, version, second)]).await, NONE_FAILED);
    let entry = world.ledger_entry(key, version);
    assert_eq!(entry.state, LoadState::Loaded, "{:?}", entry.reason);
}

fn item(world: &World, id: &str) -> Value {
    world.dynamo.items("items").into_iter().find(|item| item["id"]["S"] == id).unwrap_or_default()
}

#[tokio::test]
async fn an_upload_is_read_as_its_metadata_says() {
    let world = World::new().await;
    let skip = "format=csv&compression=gzip&delimiter=%7C&skip-column=b";
    let metadata = [(DIALECT_METADATA, skip), (COLUMN_TYPES_METADATA, "sn")];
    world.bucket.put_with("export", "v1", &gzip(b"id|b|n\n1|x|2\n"), &metadata);
    load(&world, "export", "v1").await;
    assert_eq!(item(&world, "1")["n"], json!({ "N": "2" }));
    assert_eq!(item(&world, "1").get("b"), None);
    assert_eq!(world.ledger_entry("export", "v1").dialect, None, "the metadata has it");
    assert_eq!(world.bucket.count_reads(), 2, "HeadObject and GetObject");
}

#[tokio::test]
async fn the_dialect_of_another_tool_is_found() {
    let world = World::new().await;
    world.bucket.put("a.csv", "v1", b"id;n\n1;2,5\n");
    world.bucket.put("b.csv", "v2", &gzip(b"id\tn\n2\t7\n"));
    world.bucket.put("c.csv.gz", "v3", b"id,n\n3,7\n");
    world.bucket.put("d.json", "v4", b"[{\"id\":\"4\",\"n\":7}]");
    for (key, version) in [("a.csv", "v1"), ("b.csv", "v2"), ("c.csv.gz", "v3"), ("d.json", "v4")] {
        load(&world, key, version).await;
        assert_eq!(world.row_counts(key, version).new, 1, "{key}");
    }
    assert_eq!(item(&world, "1")["n"], json!({ "S": "2,5" }));
    let entry = world.ledger_entry("b.csv", "v2");
    assert_eq!(entry.dialect.as_deref(), Some("format=csv&compression=gzip&delimiter=tab"));
    assert_eq!(entry.column_types.as_deref(), Some("s2"));
    let entry = world.ledger_entry("d.json", "v4");
    assert_eq!((entry.dialect.as_deref(), entry.column_types), (Some("format=json"), None));
}

#[tokio::test]
async fn the_content_encoding_does_not_count_but_the_bytes_do() {
    let world = World::new().await;
    world.bucket.put_encoded("a.csv", "v1", &gzip(b"id,n\n1,2\n"), "gzip");
    world.bucket.put_encoded("b.csv", "v2", b"id,n\n2,3\n", "gzip");
    load(&world, "a.csv", "v1").await;
    load(&world, "b.csv", "v2").await;
    assert_eq!(
        (item(&world, "1")["n"]["S"].clone(), item(&world, "2")["n"]["S"].clone()),
        ("2".into(), "3".into())
    );
}

#[tokio::test]
async fn the_head_of_a_file_survives_broken_connections_and_ignored_ranges() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=60));
    world.bucket.break_off(4, 100);
    load(&world, "items.csv", "v1").await;
    world.bucket.put("many.csv", "v2", &csv(1..=20_000));
    world.bucket.ignore_ranges();
    load(&world, "many.csv", "v2").await;
    assert_eq!(world.row_counts("many.csv", "v2").read, 20_000);
}

#[tokio::test]
async fn another_tool_gets_the_dialect_and_the_types_of_the_last_upload() {
    let world = World::new().await;
    let types = (COLUMN_TYPES_METADATA, "sbn");
    world.bucket.put_with("items.csv", "v1", b"id;b;n\n1;true;2\n", &[SEMICOLONS, types]);
    load(&world, "items.csv", "v1").await;
    // Other columns in another order, compressed, and a delimiter that detection would not choose.
    world.bucket.put("items.csv", "v2", &gzip(b"n;x,y;id;b\n1,5;1,2;2;\n2.50;3,4;3;False\n"));
    load(&world, "items.csv", "v2").await;
    assert_eq!(item(&world, "3")["n"], json!({ "N": "2.5" }));
    assert_eq!(item(&world, "3")["b"], json!({ "BOOL": false }));
    assert_eq!(item(&world, "3")["x,y"], json!({ "S": "3,4" }));
    assert_eq!(world.row_counts("items.csv", "v2").rejected, 1, "1,5 is not a number");
    world.bucket.put("other.csv", "v3", b"id,n\n5,7\n");
    load(&world, "other.csv", "v3").await;
    assert_eq!(item(&world, "5")["n"], json!({ "S": "7" }), "another name remembers nothing");
}

#[tokio::test]
async fn the_last_upload_is_remembered_and_a_failed_one_is_not() {
    let world = World::new().await;
    let with = |types| [(DIALECT_METADATA, "format=csv&delimiter=%2C"), (COLUMN_TYPES_METADATA, types)];
    world.bucket.put_with("items.csv", "v3", b"id,n\n1,2\n", &with("sn"));
    world.bucket.put_with("items.csv", "v1", b"id,n\n1,2\n", &with("s2"));
    load(&world, "items.csv", "v3").await;
    load(&world, "items.csv", "v1").await;
    world.bucket.put_with("items.csv", "v5", b"id,n\n1,2\n", &with("s"));
    assert_eq!(world.deliver(&[message_later("items.csv", "v5", 5)]).await, NONE_FAILED);
    world.bucket.put("items.csv", "v6", b"id,n\n6,7\n");
    load(&world, "items.csv", "v6").await;
    assert_eq!(item(&world, "6")["n"], json!({ "N": "7" }));
}

#[tokio::test]
async fn a_load_of_another_tool_goes_on_as_it_began() {
    let mut world = World::new().await;
    world.handler.context.window_size.rows = 10;
    world.bucket.send_pieces_of(40);
    world.bucket.put("items.csv", "v1", &csv(1..=50));
    let first = [message("items.csv", "v1")];
    assert_eq!(world.deliver_within(&first, TimeLimit::Short).await, ["items.csv v1"]);
    assert_eq!(world.ledger_entry("items.csv", "v1").state, LoadState::Loading);
    world.bucket.put_with("items.csv", "v2", b"id;name\na;b\n", &[SEMICOLONS]);
    load(&world, "items.csv", "v2").await;
    assert_eq!(world.deliver(&first).await, NONE_FAILED);
    assert_eq!(world.row_counts("items.csv", "v1"), receipt(50, 50, 0, 0));
}

#[tokio::test]
async fn types_that_do_not_fit_into_the_ledger_are_not_remembered() {
    let world = World::new().await;
    let names: String = (0..30_000).map(|number| format!(",column {number}")).collect();
    let row: String = (0..30_000).map(|_| ",1").collect();
    let file = format!("id{names}\n1{row}\n");
    let metadata = [(DIALECT_METADATA, "format=csv&delimiter=%2C"), (COLUMN_TYPES_METADATA, "sn30000")];
    world.bucket.put_with("wide.csv", "v1", file.as_bytes(), &metadata);
    assert_eq!(world.deliver(&[message("wide.csv", "v1")]).await, NONE_FAILED);
    world.bucket.put("wide.csv", "v2", b"id,column 1\n2,3\n");
    load(&world, "wide.csv", "v2").await;
    assert_eq!(item(&world, "2")["column 1"], json!({ "S": "3" }));
}

#[tokio::test]
async fn a_dialect_of_a_later_version_fails_the_load_and_says_what_to_do() {
    let world = World::new().await;
    world.bucket.put_with("items.csv", "v1", &csv(1..=2), &[(DIALECT_METADATA, "format=avro")]);
    assert_eq!(world.deliver(&[message("items.csv", "v1")]).await, NONE_FAILED);
    let entry = world.ledger_entry("items.csv", "v1");
    assert_eq!(entry.state, LoadState::Failed);
    assert!(entry.reason.unwrap().contains("restctl upload"));
}
