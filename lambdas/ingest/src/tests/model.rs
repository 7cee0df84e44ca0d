//! Compares the handler with a plain map. Whatever happens to messages, calls and the process itself, the table ends
//! as if the files had been loaded one after the other in the order of their uploads.

mod history;
mod upload;

use std::collections::BTreeMap;

use history::History;
use restctl_contract::load::Receipt;
use upload::{Upload, expected_receipt};

use super::world::{TimeLimit, World};
use crate::source::WindowSize;

/// The number of random histories in each test, unless `RESTCTL_HISTORIES` sets another.
const HISTORIES: u64 = 1_000;

/// Prints the seed if its history fails.
struct PrintedOnPanic(u64);

impl Drop for PrintedOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the history of seed {} failed", self.0);
        }
    }
}

async fn play_histories(seeds: impl Iterator<Item = u64>) {
    let mut world = World::new().await;
    for seed in seeds {
        let _seed = PrintedOnPanic(seed);
        let mut history = History::random(&mut world, seed);
        history.play_to_end().await;
        history.assert_ends_as_model();
    }
}

fn number_of_histories() -> u64 {
    std::env::var("RESTCTL_HISTORIES").ok().and_then(|number| number.parse().ok()).unwrap_or(HISTORIES)
}

#[tokio::test]
async fn the_table_ends_as_the_model() {
    play_histories(0..number_of_histories()).await;
}

#[tokio::test]
async fn the_table_ends_as_the_model_in_other_histories() {
    play_histories(1_000_000..1_000_000 + number_of_histories()).await;
}

/// Loads a file on top of others. The invocation dies at every point in turn, until it gets through.
#[tokio::test]
async fn a_crash_at_any_point_loses_nothing() {
    let mut world = World::new().await;
    for crash_after in 0.. {
        let mut history = History::random(&mut world, 7);
        history.play_to_end().await;
        let mut last = Upload::random(&mut history.rng, 40);
        while last.rows.len() < 10 {
            last = Upload::random(&mut history.rng, 40);
        }
        history.world.bucket.put(last.object, &last.version, &last.body());
        history.queue.loads.push_back(last.to_message(40, 1_000));
        history.uploads.push(last);
        history.deliver_first(TimeLimit::Plenty, Some(crash_after)).await;
        let got_through = history.queue.loads.is_empty();
        while !history.queue.loads.is_empty() || history.redrive_dead_letters() {
            history.deliver_first(TimeLimit::Plenty, None).await;
        }
        history.assert_ends_as_model();
        if got_through {
            assert!(crash_after > 20, "only {crash_after} points");
            return;
        }
    }
}

/// If nothing goes wrong and every message is delivered in order, the receipt is known exactly.
#[tokio::test]
async fn receipts_count_every_row() {
    let mut world = World::new().await;
    for seed in 0..200 {
        let _seed = PrintedOnPanic(seed);
        let mut history = History::random(&mut world, seed);
        history.queue.loads.clear();
        history.world.handler.context.window_size = WindowSize::default();
        history.world.bucket.send_pieces_of(usize::MAX);
        let mut table = BTreeMap::new();
        for number in 0..history.uploads.len() {
            let message = history.uploads[number].to_message(number, number);
            history.queue.loads.push_back(message);
            history.deliver_first(TimeLimit::Plenty, None).await;
            let upload = &history.uploads[number];
            let receipt = history.world.ledger_entry(upload.object, &upload.version).receipt;
            let counts = Receipt { read_units: 0.0, write_units: 0.0, seconds: 0.0, ..receipt };
            assert_eq!(counts, expected_receipt(upload, &mut table));
            assert_eq!(receipt.write_units, (counts.new + counts.changed) as f64);
        }
    }
}
