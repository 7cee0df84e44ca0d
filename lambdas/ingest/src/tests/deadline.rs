//! Files of which long stretches have no rows, read by a clock that moves only when the load looks at it.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

use restctl_contract::load::{LedgerEntry, LoadState};

use super::world::{World, csv, message};
use super::{NONE_FAILED, gzip, receipt};
use crate::message::Deadline;

/// More than the longest record.
const LONG: usize = 5 * 1024 * 1024;

/// Much shorter than any of these tests' files takes, and much longer than a call takes by a real clock.
const INVOCATION_LOOKS: u32 = 100;

thread_local! {
    static LOOKS: Cell<u32> = const { Cell::new(0) };
}

/// Each look takes an hour.
fn next_hour() -> SystemTime {
    let hours = LOOKS.get();
    LOOKS.set(hours + 1);
    SystemTime::UNIX_EPOCH + hour(hours)
}

fn hour(hours: u32) -> Duration {
    Duration::from_secs(60 * 60) * hours
}

/// Returns the deadline of an invocation in which the load may look at the clock this often.
fn deadline_after(looks: u32) -> Deadline {
    LOOKS.set(0);
    Deadline {
        end: SystemTime::UNIX_EPOCH + hour(looks),
        margin: hour(1),
        last_call: hour(1),
        short: hour(looks) / 10,
        half: hour(looks) / 2,
        clock: next_hour,
    }
}

/// Runs an invocation and returns whether the load is done, and its entry.
async fn invoke_once(world: &World, name: &str, looks: u32) -> (bool, LedgerEntry) {
    let failed = world.deliver_before(&[message(name, "v1")], deadline_after(looks)).await;
    (failed == NONE_FAILED, world.ledger_entry(name, "v1"))
}

/// Runs invocations until the load is done, and returns how many there were, and its entry.
async fn invoke_until_done(world: &World, name: &str, looks: u32) -> (u32, LedgerEntry) {
    let mut offset = None;
    for invocations in 1..100 {
        let (done, entry) = invoke_once(world, name, looks).await;
        if done {
            return (invocations, entry);
        }
        assert_eq!((entry.state, entry.attempts, &entry.reason), (LoadState::Loading, 0, &None), "{name}");
        assert!(offset < Some(entry.position.offset), "{name}: no further than {offset:?}");
        offset = Some(entry.position.offset);
    }
    panic!("{name}: {:?}", world.ledger_entry(name, "v1"));
}

fn between(start: &[u8], filling: &str, end: &[u8]) -> Vec<u8> {
    [start, filling.repeat((LONG / filling.len()).max(1)).as_bytes(), end].concat()
}

#[tokio::test]
async fn a_load_stops_and_continues_within_lines_that_give_no_window() {
    let world = World::new().await;
    for (name, filling, rows) in [
        ("blank.csv", "\n", receipt(3, 3, 0, 0)),
        ("blank-crlf.csv", "\r\n", receipt(3, 3, 0, 0)),
        ("one-key.csv", "2,x\n", receipt(3 + LONG as u64 / 4, 3, 0, LONG as u64 / 4)),
    ] {
        world.clear();
        world.bucket.put(name, "v1", &between(&csv(1..=2), filling, b"3,n3\n"));
        let (invocations, entry) = invoke_until_done(&world, name, INVOCATION_LOOKS).await;
        assert_eq!((entry.state, entry.reason), (LoadState::Loaded, None), "{name}");
        assert!(invocations > 2, "{name}: {invocations}");
        let mut counts = world.row_counts(name, "v1");
        // Each invocation writes the row once more.
        (counts.new, counts.duplicates) =
            (counts.new.min(3), counts.duplicates + counts.new.saturating_sub(3));
        assert_eq!(counts, rows, "{name}");
        assert_eq!(world.dynamo.items("items").len(), 3, "{name}");
    }
}

#[tokio::test]
async fn a_load_of_json_stops_and_continues_within_blank_lines() {
    let world = World::new().await;
    for name in ["items.ndjson", "items.json"] {
        world.clear();
        let blank = "\n".repeat(2 * LONG);
        world.bucket.put(name, "v1", &between(b"{\"id\":1}", &blank, b"{\"id\":2}\n"));
        let (invocations, entry) = invoke_until_done(&world, name, 10 * INVOCATION_LOOKS).await;
        assert_eq!((entry.state, entry.reason), (LoadState::Loaded, None), "{name}");
        assert!(invocations > 1, "{name}: {invocations}");
        assert_eq!(world.row_counts(name, "v1"), receipt(2, 2, 0, 0), "{name}");
    }
}

#[tokio::test]
async fn a_compressed_load_continues_within_blank_lines() {
    let world = World::new().await;
    world.bucket.put("items.csv.gz", "v1", &gzip(&between(&csv(1..=2), "\n", b"3,n3\n")));
    let (done, first) = invoke_once(&world, "items.csv.gz", INVOCATION_LOOKS).await;
    assert!(!done && first.position.offset > 500_000, "{first:?}");
    let (done, entry) = invoke_once(&world, "items.csv.gz", 10_000).await;
    assert_eq!((done, entry.state, entry.reason), (true, LoadState::Loaded, None));
    assert_eq!(world.row_counts("items.csv.gz", "v1"), receipt(3, 3, 0, 0));
}

#[tokio::test]
async fn a_load_that_an_invocation_cannot_bring_further_fails() {
    let world = World::new().await;
    let line_1 = b"{\"id\":1}\n";
    for (name, file) in [
        ("blank.csv.gz", gzip(&between(&csv(1..=1), "\n", b"2,n2\n"))),
        ("line.csv", between(&csv(1..=1), "x", b"\n2,n2\n")),
        ("zeros.csv", between(&csv(1..=1), "\0", b"\n2,n2\n")),
        ("zeros.csv.gz", gzip(&between(&csv(1..=1), "\0", b"\n2,n2\n"))),
        ("spaces.ndjson", between(line_1, " ", b"{\"id\":2}\n")),
        ("broken.ndjson", between(b"{\"id\":1}\n{\"id\":", "\n x", b"\n{\"id\":2}\n")),
        ("string.ndjson", between(b"{\"id\":1}\n{\"id\":\"", "x", b"\n{\"id\":2}\n")),
        ("element.json", between(b"[{\"id\":1},{\"l\":[", "1,", b"1]},{\"id\":2}]")),
        ("spaces.json", between(b"[{\"id\":1},", " ", b"{\"id\":2}]")),
        ("string.json.gz", gzip(&between(b"[{\"id\":1},{\"l\":\"", "x", b"\"},{\"id\":2}]"))),
    ] {
        world.clear();
        world.bucket.put(name, "v1", &file);
        let (invocations, entry) = invoke_until_done(&world, name, INVOCATION_LOOKS).await;
        assert_eq!(entry.state, LoadState::Failed, "{name}: {entry:?}");
        assert!(invocations <= 3, "{name}: {invocations}");
        let reason = entry.reason.unwrap_or_default();
        assert!(reason.contains("one run of the function is too short"), "{name}: {reason}");
        // Of a JSON row, white space does not show that it is complete.
        let rows =
            u64::from(!name.ends_with(".ndjson") || name.contains("string") || name.contains("broken"));
        assert_eq!(
            world.row_counts(name, "v1"),
            receipt(rows, rows, 0, 0),
            "{name}: rows before it are loaded"
        );
        assert_eq!(world.sqs.take_calls("SendMessage"), [] as [serde_json::Value; 0], "{name}");
    }
}
