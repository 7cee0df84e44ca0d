//! Compares the handler with a plain map. Whatever happens to messages, calls and the process itself, the table ends as if
//! the files had been loaded one after the other in the order of their uploads.

use std::collections::{BTreeMap, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use fastrand::Rng;
use restctl_contract::load::{LedgerEntry, LoadState, Receipt};
use serde_dynamo::Item;
use serde_json::{Value, json};

use super::world::{TimeLimit, World, assert_adds_up, message_at};
use crate::source::WindowSize;

/// The number of random histories in each test, unless `RESTCTL_HISTORIES` sets another.
const HISTORIES: u64 = 1_000;

/// More deliveries than any history needs.
const MAX_DELIVERIES: usize = 1_000;

/// A file, uploaded in the second of its number.
struct Upload {
    object: &'static str,
    version: String,
    body: String,
    /// The key and the value of each row that can be loaded.
    rows: Vec<(u8, u8)>,
    /// The number of rows, including rejects.
    read: u64,
    readable: bool,
}

impl Upload {
    /// Has few keys and few values, so that everything that can happen to a row happens.
    fn random(rng: &mut Rng, number: usize) -> Self {
        let mut upload = Self {
            object: *rng.choice(&["a.csv", "b.csv", "c.csv"]).unwrap(),
            version: format!("v{number}"),
            body: "id,value\n".to_owned(),
            rows: Vec::new(),
            read: 0,
            readable: rng.u8(..8) > 0,
        };
        for _ in 0..rng.usize(..14) {
            let (key, value) = (rng.u8(..7), rng.u8(..3));
            upload.read += 1;
            if rng.u8(..10) == 0 {
                upload.body.push_str(&format!(",{value}\n"));
            } else {
                upload.body.push_str(&format!("{key},{value}\n"));
                upload.rows.push((key, value));
            }
        }
        if !upload.readable {
            upload.body.push_str("1,\"never closed\n");
        }
        upload
    }

    fn message(&self, number: usize, id: usize) -> Message {
        let time = format!("2026-01-15T09:30:{number:02}Z");
        Message {
            body: message_at(self.object, &self.version, &time),
            id: format!("message {id}"),
            receives: 0,
        }
    }
}

struct Message {
    id: String,
    body: Value,
    receives: usize,
}

/// The queue of loads and its dead letters, as SQS keeps them for one message group.
struct ModelQueue {
    loads: VecDeque<Message>,
    dead: Vec<Message>,
}

struct History<'a> {
    world: &'a mut World,
    rng: Rng,
    uploads: Vec<Upload>,
    queue: ModelQueue,
    next_id: usize,
}

impl<'a> History<'a> {
    fn random(world: &'a mut World, seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        world.clear();
        world.handler.context.window_size = WindowSize { rows: rng.usize(1..6), ..WindowSize::default() };
        world.bucket.send_pieces_of(rng.usize(4..40));
        let uploads: Vec<_> = (1..=rng.usize(1..6)).map(|number| Upload::random(&mut rng, number)).collect();
        for upload in &uploads {
            world.bucket.put(upload.object, &upload.version, upload.body.as_bytes());
        }
        let queue = ModelQueue { loads: VecDeque::new(), dead: Vec::new() };
        let mut history = Self { world, rng, uploads, queue, next_id: 0 };
        for number in 0..history.uploads.len() {
            history.enqueue(number);
        }
        history
    }

    /// Queues the event of an upload: usually once and at the end, sometimes twice or earlier.
    fn enqueue(&mut self, number: usize) {
        let times = if self.rng.u8(..5) == 0 { 2 } else { 1 };
        for _ in 0..times {
            self.next_id += 1;
            let message = self.uploads[number].message(number, self.next_id);
            let queued = self.queue.loads.len();
            let index = if self.rng.u8(..3) == 0 { self.rng.usize(..=queued) } else { queued };
            self.queue.loads.insert(index, message);
        }
    }

    async fn play(&mut self) {
        for _ in 0..MAX_DELIVERIES {
            let has_trouble = self.next_id < 1_000 && self.rng.u8(..10) < 7;
            if self.queue.loads.is_empty() && !self.redrive() {
                return;
            }
            if has_trouble {
                self.make_trouble();
            }
            let crash = has_trouble && self.rng.u8(..3) == 0;
            let crash_after = crash.then(|| self.rng.usize(..120));
            let time = if self.rng.bool() { TimeLimit::Plenty } else { TimeLimit::Short };
            self.deliver(time, crash_after).await;
            match self.rng.u8(..16) {
                0 | 1 => _ = self.redrive(),
                2 if has_trouble => self.retry(),
                _ => {}
            }
        }
        panic!("the loads never settle");
    }

    /// Moves the dead letters to the end of the queue, and returns whether there were any.
    fn redrive(&mut self) -> bool {
        let any = !self.queue.dead.is_empty();
        self.queue.loads.extend(self.queue.dead.drain(..).map(|message| Message { receives: 0, ..message }));
        any
    }

    /// Does what `restctl loads retry` does, to a random load if it has failed or stopped.
    fn retry(&mut self) {
        let number = self.rng.usize(..self.uploads.len());
        let upload = &self.uploads[number];
        let entry = self.world.find_entry(upload.object, &upload.version);
        let settled = |entry: &LedgerEntry| matches!(entry.state, LoadState::Failed | LoadState::Stopped);
        if let Some(entry) = entry.filter(settled) {
            let again: Item = serde_dynamo::to_item(entry.again("2026-01-15T10:00:00.000Z".into())).unwrap();
            self.world.dynamo.put("ledger", json!(again));
            self.next_id += 1;
            self.queue.loads.push_back(upload.message(number, self.next_id));
        }
    }

    fn make_trouble(&mut self) {
        let World { dynamo, bucket, .. } = &*self.world;
        match self.rng.u8(..6) {
            0 => dynamo.leave_unprocessed(self.rng.usize(1..6), self.rng.usize(1..4)),
            1 => dynamo.throttle("BatchWriteItem", self.rng.usize(1..4)),
            2 => dynamo.throttle("BatchGetItem", self.rng.usize(1..4)),
            3 => dynamo.throttle("PutItem", self.rng.usize(1..4)),
            4 => bucket.refuse_reads(self.rng.usize(1..5)),
            _ => bucket.break_off(self.rng.usize(1..4), self.rng.usize(..60)),
        }
    }

    /// Delivers the first message to one invocation, which dies after it has been polled `crash_after` times.
    async fn deliver(&mut self, time: TimeLimit, crash_after: Option<usize>) {
        let message = self.queue.loads.front_mut().unwrap();
        message.receives += 1;
        let attributes = json!({ "ApproximateReceiveCount": message.receives.to_string() });
        let record = json!({ "messageId": message.id, "receiptHandle": "handle", "attributes": attributes, "body": message.body.to_string() });
        let records = [record];
        let invocation = self.world.deliver_within(&records, time);
        let failed = match crash_after {
            None => Some(invocation.await),
            Some(polls) => run_until_crash(invocation, polls).await,
        };
        if failed.is_none() {
            let_servers_finish().await;
        }
        for dead_letter in self.world.sqs.take("SendMessage") {
            let body = serde_json::from_str(dead_letter["MessageBody"].as_str().unwrap()).unwrap();
            self.next_id += 1;
            self.queue.dead.push(Message { id: format!("message {}", self.next_id), body, receives: 0 });
        }
        if failed.is_some_and(|failed| failed.is_empty()) {
            self.queue.loads.pop_front();
        }
    }

    fn check(&self) {
        let mut model = BTreeMap::new();
        for upload in &self.uploads {
            model.extend(upload.rows.iter().copied());
            let entry = self.world.entry(upload.object, &upload.version);
            assert_eq!(entry.state, if upload.readable { LoadState::Loaded } else { LoadState::Failed });
            assert_adds_up(&entry.receipt);
            assert_eq!(entry.receipt.read, upload.read, "{entry:?}");
        }
        let items = self.world.dynamo.items("items");
        let number = |item: &Value, name: &str| item[name]["S"].as_str().unwrap().parse::<u8>().unwrap();
        let table: BTreeMap<u8, u8> =
            items.iter().map(|item| (number(item, "id"), number(item, "value"))).collect();
        assert_eq!(table, model);
    }
}

/// Runs the future, and drops it if it is not ready after `polls` polls.
async fn run_until_crash<T>(future: impl Future<Output = T>, mut polls: usize) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| {
        if polls == 0 {
            return Poll::Ready(None);
        }
        polls -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// Lets the servers finish what a process sent them before it died. In AWS that happens long before its message comes
/// again.
async fn let_servers_finish() {
    for _ in 0..300 {
        tokio::task::yield_now().await;
    }
}

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
        history.play().await;
        history.check();
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
        history.play().await;
        let mut last = Upload::random(&mut history.rng, 40);
        while last.rows.len() < 10 {
            last = Upload::random(&mut history.rng, 40);
        }
        history.world.bucket.put(last.object, &last.version, last.body.as_bytes());
        history.queue.loads.push_back(last.message(40, 1_000));
        history.uploads.push(last);
        history.deliver(TimeLimit::Plenty, Some(crash_after)).await;
        let got_through = history.queue.loads.is_empty();
        while !history.queue.loads.is_empty() || history.redrive() {
            history.deliver(TimeLimit::Plenty, None).await;
        }
        history.check();
        if got_through {
            assert!(crash_after > 20, "only {crash_after} points");
            return;
        }
    }
}

/// If nothing goes wrong and every message comes in its turn, the receipt is known exactly.
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
            let message = history.uploads[number].message(number, number);
            history.queue.loads.push_back(message);
            history.deliver(TimeLimit::Plenty, None).await;
            let upload = &history.uploads[number];
            let receipt = history.world.entry(upload.object, &upload.version).receipt;
            let counts = Receipt { read_units: 0.0, write_units: 0.0, seconds: 0.0, ..receipt };
            assert_eq!(counts, expected_receipt(upload, &mut table));
            assert_eq!(receipt.write_units, (counts.new + counts.changed) as f64);
        }
    }
}

fn expected_receipt(upload: &Upload, table: &mut BTreeMap<u8, u8>) -> Receipt {
    let last: BTreeMap<u8, u8> = upload.rows.iter().copied().collect();
    let mut receipt = Receipt {
        read: upload.read,
        rejected: upload.read - upload.rows.len() as u64,
        duplicates: (upload.rows.len() - last.len()) as u64,
        ..Receipt::default()
    };
    for (key, value) in last {
        match table.insert(key, value) {
            None => receipt.new += 1,
            Some(before) if before == value => receipt.unchanged += 1,
            Some(_) => receipt.changed += 1,
        }
    }
    receipt
}
