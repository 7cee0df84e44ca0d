use std::collections::{BTreeMap, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use fastrand::Rng;
use restctl_contract::load::{LedgerEntry, LoadState};
use serde_dynamo::Item;
use serde_json::{Value, json};

use super::upload::{Message, Upload};
use crate::source::WindowSize;
use crate::tests::world::{TimeLimit, World, assert_adds_up};

/// More deliveries than any history needs.
const MAX_DELIVERIES: usize = 1_000;

/// The queue of loads and its dead letters, as SQS keeps them for one message group.
pub(super) struct ModelQueue {
    pub(super) loads: VecDeque<Message>,
    pub(super) dead: Vec<Message>,
}

pub(super) struct History<'a> {
    pub(super) world: &'a mut World,
    pub(super) rng: Rng,
    pub(super) uploads: Vec<Upload>,
    pub(super) queue: ModelQueue,
    next_id: usize,
}

impl<'a> History<'a> {
    pub(super) fn random(world: &'a mut World, seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        world.clear();
        world.handler.context.window_size = WindowSize { rows: rng.usize(1..6), ..WindowSize::default() };
        world.bucket.send_pieces_of(rng.usize(4..40));
        let uploads: Vec<_> = (1..=rng.usize(1..6)).map(|number| Upload::random(&mut rng, number)).collect();
        for upload in &uploads {
            world.bucket.put(upload.object, &upload.version, &upload.body());
        }
        let queue = ModelQueue { loads: VecDeque::new(), dead: Vec::new() };
        let mut history = Self { world, rng, uploads, queue, next_id: 0 };
        for number in 0..history.uploads.len() {
            history.enqueue_upload(number);
        }
        history
    }

    /// Queues the event of an upload: usually once and at the end, sometimes twice or earlier.
    fn enqueue_upload(&mut self, number: usize) {
        let times = if self.rng.u8(..5) == 0 { 2 } else { 1 };
        for _ in 0..times {
            self.next_id += 1;
            let message = self.uploads[number].to_message(number, self.next_id);
            let queued = self.queue.loads.len();
            let index = if self.rng.u8(..3) == 0 { self.rng.usize(..=queued) } else { queued };
            self.queue.loads.insert(index, message);
        }
    }

    pub(super) async fn play_to_end(&mut self) {
        for _ in 0..MAX_DELIVERIES {
            let has_trouble = self.next_id < 1_000 && self.rng.u8(..10) < 7;
            if self.queue.loads.is_empty() && !self.redrive_dead_letters() {
                return;
            }
            if has_trouble {
                self.make_trouble();
            }
            let crash = has_trouble && self.rng.u8(..3) == 0;
            let crash_after = crash.then(|| self.rng.usize(..120));
            let time = if self.rng.bool() { TimeLimit::Plenty } else { TimeLimit::Short };
            self.deliver_first(time, crash_after).await;
            match self.rng.u8(..16) {
                0 | 1 => _ = self.redrive_dead_letters(),
                2 if has_trouble => self.retry_random_load(),
                _ => {}
            }
        }
        panic!("the loads never settle");
    }

    /// Moves the dead letters to the end of the queue, and returns whether there were any.
    pub(super) fn redrive_dead_letters(&mut self) -> bool {
        let any = !self.queue.dead.is_empty();
        self.queue.loads.extend(self.queue.dead.drain(..).map(|message| Message { receives: 0, ..message }));
        any
    }

    /// Does what `restctl loads retry` does, to a random load if it has failed or stopped.
    fn retry_random_load(&mut self) {
        let number = self.rng.usize(..self.uploads.len());
        let upload = &self.uploads[number];
        let entry = self.world.find_entry(upload.object, &upload.version);
        let settled = |entry: &LedgerEntry| matches!(entry.state, LoadState::Failed | LoadState::Stopped);
        if let Some(entry) = entry.filter(settled) {
            let again: Item =
                serde_dynamo::to_item(entry.reopened_at("2026-01-15T10:00:00.000Z".into())).unwrap();
            self.world.dynamo.put_item("ledger", json!(again));
            self.next_id += 1;
            self.queue.loads.push_back(upload.to_message(number, self.next_id));
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
    pub(super) async fn deliver_first(&mut self, time: TimeLimit, crash_after: Option<usize>) {
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
        for dead_letter in self.world.sqs.take_calls("SendMessage") {
            let body = serde_json::from_str(dead_letter["MessageBody"].as_str().unwrap()).unwrap();
            self.next_id += 1;
            self.queue.dead.push(Message { id: format!("message {}", self.next_id), body, receives: 0 });
        }
        if failed.is_some_and(|failed| failed.is_empty()) {
            self.queue.loads.pop_front();
        }
    }

    pub(super) fn assert_ends_as_model(&self) {
        let mut model = BTreeMap::new();
        for upload in &self.uploads {
            model.extend(upload.rows.iter().copied());
            let entry = self.world.ledger_entry(upload.object, &upload.version);
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
