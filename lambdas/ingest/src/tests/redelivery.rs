//! When a message comes back. AWS's pages disagree about what Lambda's poller does with a message that the function reports
//! as failed, so a load must be right in each case:
//!
//! - "Configuring a queue to use with Lambda" and "Handling errors for an SQS event source" (AWS Lambda Developer Guide):
//!   it is visible again after the queue's visibility timeout.
//! - "Implementing partial batch responses" on the same page: the failed messages are made visible again.
//! - "ChangeMessageVisibility" (Amazon SQS API Reference): the time counts that was set last, here by the function.
//!   aws/aws-dotnet-messaging#151 and rails-lambda/lambdakiq#23 rely on it.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

use restctl_contract::event::VISIBILITY_TIMEOUT;
use restctl_contract::load::{LoadState, MAX_ATTEMPTS};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::world::{TimeLimit, World, csv, message};
use super::{NONE_FAILED, receipt};
use crate::message::Deadline;

/// What Lambda's poller does with the time that the function has set.
#[derive(Debug, Clone, Copy)]
enum Poller {
    Keeps,
    MakesVisible,
    RestoresQueueTimeout,
}

const POLLERS: [Poller; 3] = [Poller::Keeps, Poller::MakesVisible, Poller::RestoresQueueTimeout];

/// How long an attempt that comes early may wait.
const WAITING_TIME: Duration = Duration::from_secs(290);

thread_local! {
    static SINCE_FAILURE: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// The ledger has the real time of a failure.
fn clock() -> SystemTime {
    SystemTime::now() + SINCE_FAILURE.get()
}

impl Poller {
    fn delay(self, set: Duration) -> Duration {
        match self {
            Poller::Keeps => set,
            Poller::MakesVisible => Duration::ZERO,
            Poller::RestoresQueueTimeout => VISIBILITY_TIMEOUT,
        }
    }
}

/// Returns the time that the function has last set.
fn take_timeout(world: &World) -> Duration {
    let calls = world.sqs.take_calls("ChangeMessageVisibility");
    Duration::from_secs(calls.last().unwrap()["VisibilityTimeout"].as_u64().unwrap())
}

/// How long after a failure an attempt begins.
struct Pause {
    /// As the ledger and the clock say.
    least: Duration,
    /// The sum of what was waited, which does not depend on how fast the machine is.
    most: Duration,
}

fn failure_time(world: &World) -> Option<SystemTime> {
    let entry = world.find_entry("items.csv", "v1")?;
    Some(OffsetDateTime::parse(&entry.updated, &Rfc3339).unwrap().into())
}

/// Lets each attempt fail, and returns the pause before each one after the first, and how often the message was
/// received.
async fn fail_until_stopped(world: &World, poller: Poller) -> (Vec<Pause>, usize) {
    SINCE_FAILURE.set(Duration::ZERO);
    let (mut pauses, mut receives, mut attempts) = (Vec::new(), 0, 0);
    loop {
        receives += 1;
        let failed_before = failure_time(world);
        // Nothing is left of its time: an attempt fails, and one that comes early ends at once.
        let deadline = TimeLimit::RunsOut.to_deadline(clock);
        let failed = world.deliver_before(&[message("items.csv", "v1")], deadline).await;
        let has_begun = world.ledger_entry("items.csv", "v1").attempts > attempts;
        if has_begun {
            attempts += 1;
            let now = clock();
            let most = SINCE_FAILURE.take();
            pauses.extend(
                failed_before.map(|failed| Pause { least: now.duration_since(failed).unwrap(), most }),
            );
        }
        if failed == NONE_FAILED {
            return (pauses, receives);
        }
        let set = take_timeout(world);
        // Whole seconds are set.
        let waited = if has_begun { Duration::ZERO } else { WAITING_TIME.min(set + Duration::from_secs(1)) };
        SINCE_FAILURE.set(SINCE_FAILURE.get() + waited + poller.delay(set));
    }
}

#[tokio::test]
async fn no_poller_makes_a_failing_load_try_again_too_soon() {
    let world = World::new().await;
    for poller in POLLERS {
        world.clear();
        world.bucket.put("items.csv", "v1", &csv(1..=3));
        let (pauses, receives) = fail_until_stopped(&world, poller).await;
        assert_eq!(pauses.len() + 1, MAX_ATTEMPTS as usize, "{poller:?}");
        for (pause, wanted) in pauses.iter().zip([30, 120, 480, 900].map(Duration::from_secs)) {
            assert!(pause.least >= wanted, "{poller:?}: {:?} instead of {wanted:?}", pause.least);
            let longest = match poller {
                Poller::RestoresQueueTimeout => VISIBILITY_TIMEOUT,
                // Each wait ends with a whole second.
                _ => wanted + Duration::from_secs(5),
            };
            assert!(pause.most <= longest, "{poller:?}: {:?} instead of {wanted:?}", pause.most);
        }
        assert!(receives <= 2 * MAX_ATTEMPTS as usize + 4, "{poller:?}: {receives}");
        assert_eq!(world.ledger_entry("items.csv", "v1").state, LoadState::Stopped, "{poller:?}");
        assert_eq!(world.sqs.take_calls("SendMessage").len(), 1, "{poller:?}");
    }
}

#[tokio::test]
async fn with_any_poller_a_load_continues_where_it_stopped() {
    let mut world = World::new().await;
    world.handler.context.window_size.rows = 3;
    for poller in POLLERS {
        world.clear();
        world.bucket.send_pieces_of(40);
        world.bucket.put("items.csv", "v1", &csv(1..=30));
        SINCE_FAILURE.set(Duration::ZERO);
        let (mut receives, mut read) = (1, 0);
        loop {
            let deadline = TimeLimit::Short.to_deadline(clock);
            let failed = world.deliver_before(&[message("items.csv", "v1")], deadline).await;
            if failed == NONE_FAILED {
                break;
            }
            let entry = world.ledger_entry("items.csv", "v1");
            assert_eq!((entry.attempts, entry.reason), (0, None), "{poller:?}");
            assert!(entry.receipt.read > read, "{poller:?}: each invocation comes further");
            (receives, read) = (receives + 1, entry.receipt.read);
            let set = take_timeout(&world);
            assert_eq!(set, Duration::ZERO, "{poller:?}");
            SINCE_FAILURE.set(poller.delay(set));
        }
        assert!((3..=10).contains(&receives), "{poller:?}: {receives}");
        assert_eq!(world.row_counts("items.csv", "v1"), receipt(30, 30, 0, 0), "{poller:?}");
        assert_eq!(world.dynamo.count_calls("BatchGetItem"), 0, "{poller:?}: no other writer is suspected");
    }
}

/// The clock stands still, so that exactly a millisecond can be waited.
fn millisecond_to_wait() -> Deadline {
    let hour = Duration::from_secs(60 * 60);
    let deadline = TimeLimit::RunsOut.to_deadline(|| SystemTime::UNIX_EPOCH);
    Deadline { margin: hour - Duration::from_millis(1), ..deadline }
}

#[tokio::test]
async fn the_function_itself_waits_where_it_can() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=3));
    world.deliver_within(&[message("items.csv", "v1")], TimeLimit::RunsOut).await;
    assert_eq!(take_timeout(&world), Duration::from_secs(30));
    let (reads, puts) = (world.bucket.count_reads(), world.dynamo.count_calls("PutItem"));
    let failed = world.deliver_before(&[message("items.csv", "v1")], millisecond_to_wait()).await;
    assert_eq!(failed, ["items.csv v1"]);
    assert_eq!(take_timeout(&world), Duration::from_secs(29), "a millisecond of 30 s is over");
    let calls = (world.bucket.count_reads(), world.dynamo.count_calls("PutItem"));
    assert_eq!(calls, (reads, puts), "one that comes early neither reads nor writes");
}

#[tokio::test]
async fn the_function_itself_waits_if_the_ledger_is_unavailable() {
    let mut world = World::new().await;
    world.handler.context.ledger_table = "gone".into();
    let failed = world.deliver_before(&[message("items.csv", "v1")], millisecond_to_wait()).await;
    assert_eq!(failed, ["items.csv v1"]);
    assert_eq!(take_timeout(&world), Duration::from_secs(29), "a millisecond of 30 s is over");
}

#[tokio::test]
async fn a_message_that_another_invocation_may_have_is_left_alone() {
    for (code, message_text) in [
        ("ReceiptHandleIsInvalid", "The input receipt handle is invalid."),
        ("AWS.SimpleQueueService.MessageNotInflight", ""),
        (
            "InvalidParameterValue",
            "Value AQEB for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.",
        ),
    ] {
        let world = World::new().await;
        world.bucket.put("items.csv", "v1", &csv(1..=3));
        world.sqs.refuse_calls("ChangeMessageVisibility", code, message_text);
        assert_eq!(world.deliver(&[message("items.csv", "v1")]).await, ["items.csv v1"], "{code}");
        assert!(world.dynamo.items("ledger").is_empty(), "{code}");
        assert_eq!(world.sqs.take_calls("ChangeMessageVisibility").len(), 1, "{code}");
    }
}

#[tokio::test]
async fn a_queue_that_does_not_answer_delays_no_load() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=3));
    let deadline = Deadline { last_call: Duration::ZERO, ..TimeLimit::Plenty.to_deadline(SystemTime::now) };
    assert_eq!(world.deliver_before(&[message("items.csv", "v1")], deadline).await, NONE_FAILED);
    assert_eq!(world.row_counts("items.csv", "v1"), receipt(3, 3, 0, 0));
    assert_eq!(world.sqs.take_calls("ChangeMessageVisibility").len(), 0);
}

#[tokio::test]
async fn a_queue_that_cannot_hide_a_message_delays_no_load() {
    let world = World::new().await;
    world.bucket.put("items.csv", "v1", &csv(1..=3));
    world.sqs.refuse_calls("ChangeMessageVisibility", "AccessDenied", "no");
    assert_eq!(world.deliver(&[message("items.csv", "v1")]).await, NONE_FAILED);
    assert_eq!(world.row_counts("items.csv", "v1"), receipt(3, 3, 0, 0));
}
