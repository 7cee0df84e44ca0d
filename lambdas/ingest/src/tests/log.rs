//! What the log says, and what it must not say.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;

use restctl_contract::load::LoadId;
use serde_json::{Value, json};

use super::world::{World, csv, message};
use super::{BAD_CSV, NONE_FAILED};

#[tokio::test]
async fn the_log_does_not_quote_the_file() {
    capture_log();
    let world = World::new().await;
    world.bucket.put("bad.csv", "v1", BAD_CSV);
    world.bucket.put("headless.csv", "v1", b"7,Secret Rag\n8,Secret Towel\n");
    world.bucket.put("cut.json", "v1", b"[{\"id\":1,\"name\":\"Secret Rag\"}\n{");
    world.dynamo.refuse_key(&json!({ "S": "1" }));
    let messages = ["bad.csv", "headless.csv", "cut.json"].map(|key| message(key, "v1"));
    assert_eq!(world.deliver(&messages).await, NONE_FAILED);
    assert!(world.ledger_entry("headless.csv", "v1").reason.unwrap().contains("Secret Rag"));
    let log = String::from_utf8(LOG.take()).unwrap();
    assert!(log.contains("\"loaded\"") && log.contains("failed"), "{log}");
    for quoted in ["Secret", "Olive Oil", "Bread Knife"] {
        assert!(!log.contains(quoted), "{log}");
    }
}

#[tokio::test]
async fn every_log_line_of_a_load_has_its_id() {
    capture_log();
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=2));
    let id = LoadId::for_version("items.csv", "v1");
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
    world.deliver(&[message("items.csv", "v1")]).await;
    assert_eq!(lines(), ["an attempt begins", "the attempt failed", "the message will be delivered again"]);
    world.deliver(&[message("items.csv", "v1")]).await;
    assert_eq!(lines(), ["an attempt begins", "loaded"]);
    world.deliver(&[message("items.csv", "v1")]).await;
    assert_eq!(lines(), ["the load is settled already"]);
}

#[tokio::test]
async fn a_line_is_short_and_single_whatever_others_write() {
    capture_log();
    let world = World::new().await;
    let hostile: String =
        "\n{\"level\":\"INFO\"}\u{85}\u{2028}\u{1b}[2J".chars().cycle().take(200_000).collect();
    let key = format!("{}.csv", &hostile[..28].repeat(30));
    world.bucket.put(&key, "v1", &csv(1..=2));
    world.dynamo.refuse_calls("BatchWriteItem", &hostile);
    let body = json!({ "source": hostile, "detail-type": hostile, "time": "2026-01-15T09:30:05Z",
        "detail": { "bucket": { "name": hostile }, "object": { "key": hostile } } });
    let foreign = json!({ "messageId": hostile, "body": body.to_string() });
    assert_eq!(world.deliver(&[foreign, message(&key, "v1")]).await.len(), 1);
    let reason = world.ledger_entry(&key, "v1").reason.unwrap();
    assert!(reason.contains("BatchWriteItem was refused") && reason.ends_with('…'), "{reason}");
    let log = String::from_utf8(LOG.take()).unwrap();
    assert_eq!(log.lines().count(), 4, "{} bytes", log.len());
    for line in log.lines() {
        assert!(line.len() < 50_000, "{} bytes", line.len());
        assert!(!line.contains(['\u{85}', '\u{2028}', '\u{1b}']), "{line}");
        serde_json::from_str::<Value>(line).unwrap();
    }
}

/// Sets the subscriber of all threads. If a thread without one logs first, tracing may skip the line in the others,
/// too.
fn capture_log() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| crate::log::init(|| CapturedLog));
}

thread_local! {
    /// The log of this thread, that is, of this test.
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct CapturedLog;

impl Write for CapturedLog {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.with_borrow_mut(|log| log.write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
