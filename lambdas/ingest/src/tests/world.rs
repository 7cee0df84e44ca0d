use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime};

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_lambda_events::sqs::SqsEvent;
use restctl_aws::{Endpoints, Environment, Service};
use restctl_contract::key::{Key, KeyType};
use restctl_contract::load::{LedgerEntry, LoadId, Receipt};
use restctl_testkit::dynamodb::Dynamo;
use restctl_testkit::s3::Bucket;
use restctl_testkit::sqs::Sqs;
use serde_json::{Value, json};

use crate::dynamodb::{Backoff, Dynamodb};
use crate::handler::Handler;
use crate::load::{LedgerCadence, LoadContext};
use crate::message::{Deadline, LoadQueue};
use crate::source::WindowSize;

/// The handler and the services that it calls.
pub(crate) struct World {
    pub(crate) dynamo: Dynamo,
    pub(crate) bucket: Bucket,
    pub(crate) sqs: Sqs,
    pub(crate) handler: Handler,
}

/// The time of an invocation. No limit depends on the speed of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeLimit {
    Plenty,
    /// There is time to finish the current work, but not for new work: one or two windows are written.
    Short,
    /// The work is cut off at once.
    RunsOut,
}

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Shows a time when even the longest wait after a failure is over.
fn after_any_delay() -> SystemTime {
    SystemTime::now() + HOUR
}

impl TimeLimit {
    /// Returns the deadline of an invocation that begins when the `clock` says.
    pub(crate) fn to_deadline(self, clock: fn() -> SystemTime) -> Deadline {
        let end = clock() + HOUR;
        let deadline = Deadline { last_call: HOUR / 2, half: HOUR / 2, clock, ..Deadline::from_end(end) };
        match self {
            TimeLimit::Plenty => deadline,
            TimeLimit::Short => Deadline { short: HOUR, ..deadline },
            TimeLimit::RunsOut => Deadline { margin: HOUR, ..deadline },
        }
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let dynamo = Dynamo::start().await;
        let bucket = Bucket::start().await;
        let sqs = Sqs::start().await;
        let handler = build_handler(&dynamo, &bucket, &sqs).await;
        let world = Self { dynamo, bucket, sqs, handler };
        world.clear();
        world
    }

    /// Resets everything, which is faster than making another world.
    pub(crate) fn clear(&self) {
        self.dynamo.clear();
        self.dynamo.create_table("items", "id");
        self.dynamo.create_table("ledger", "load");
        self.bucket.clear();
        self.sqs.take_calls("SendMessage");
    }

    /// Runs one invocation and returns the ids of the messages that it reports as failed.
    pub(crate) async fn deliver(&self, messages: &[Value]) -> Vec<String> {
        self.deliver_within(messages, TimeLimit::Plenty).await
    }

    pub(crate) async fn deliver_within(&self, messages: &[Value], time: TimeLimit) -> Vec<String> {
        self.deliver_before(messages, time.to_deadline(after_any_delay)).await
    }

    pub(crate) async fn deliver_before(&self, messages: &[Value], deadline: Deadline) -> Vec<String> {
        let event: SqsEvent = serde_json::from_value(json!({ "Records": messages })).unwrap();
        let response = self.handler.handle_event(event, deadline).await.unwrap();
        response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
    }

    pub(crate) fn ledger_entry(&self, object: &str, version: &str) -> LedgerEntry {
        self.find_entry(object, version).unwrap_or_else(|| panic!("no entry of {object} {version}"))
    }

    pub(crate) fn find_entry(&self, object: &str, version: &str) -> Option<LedgerEntry> {
        let load = LoadId::for_version(object, version);
        let entries = self.dynamo.items("ledger");
        let item = entries.into_iter().find(|entry| entry["load"]["S"] == load.as_str())?;
        let item: serde_dynamo::Item = serde_json::from_value(item).unwrap();
        Some(serde_dynamo::from_item(item).unwrap())
    }

    /// Returns how many of a load's rows had each outcome, without the cost.
    pub(crate) fn row_counts(&self, object: &str, version: &str) -> Receipt {
        let receipt = self.ledger_entry(object, version).receipt;
        assert_adds_up(&receipt);
        Receipt { read_units: 0.0, write_units: 0.0, seconds: 0.0, ..receipt }
    }
}

async fn build_handler(dynamo: &Dynamo, bucket: &Bucket, sqs: &Sqs) -> Handler {
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::from_static("eu-central-1"))
        .credentials_provider(Credentials::new("id", "secret", None, None, "tests"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
        .endpoint_url(dynamo.url())
        .load()
        .await;
    let s3 = aws_sdk_s3::config::Builder::from(&config).endpoint_url(bucket.url()).force_path_style(true);
    let queue = aws_sdk_sqs::config::Builder::from(&config).endpoint_url(sqs.url());
    let queue = aws_sdk_sqs::Client::from_conf(queue.build());
    let environment = Environment {
        region: "eu-central-1".to_owned(),
        credentials: Credentials::new("id", "secret", None, None, "tests"),
        endpoints: Endpoints::Shared(dynamo.url().to_owned()),
    };
    let https = restctl_aws::https_client().unwrap();
    let service = Service::dynamodb(https, &environment, Duration::from_secs(60)).unwrap();
    let backoff = Backoff { first: Duration::from_millis(1), longest: Duration::from_millis(50) };
    let context = LoadContext {
        s3: aws_sdk_s3::Client::from_conf(s3.build()),
        dynamodb: Dynamodb::new(service, backoff),
        items_table: "items".into(),
        ledger_table: "ledger".into(),
        key: Key { name: "id".into(), kind: KeyType::String },
        estimates_units: false,
        window_size: WindowSize::default(),
        cadence: LedgerCadence { progress: Duration::ZERO, rejects: Duration::ZERO },
    };
    let queue = LoadQueue::new(queue, format!("{}/loads", sqs.url()), format!("{}/dead", sqs.url()));
    Handler { queue, context }
}

/// Asserts that the receipt accounts for every row.
#[track_caller]
pub(crate) fn assert_adds_up(receipt: &Receipt) {
    let Receipt { read, new, changed, unchanged, stale, rejected, duplicates, .. } = *receipt;
    assert_eq!(read, new + changed + unchanged + stale + rejected + duplicates, "{receipt:?}");
}

/// Returns a message about an object, whose id is `KEY VERSION`. If `version` is empty, the event has none.
pub(crate) fn message(key: &str, version: &str) -> Value {
    let body = message_at(key, version, "2026-01-15T09:30:05Z");
    json!({ "messageId": format!("{key} {version}"), "receiptHandle": "handle", "body": body.to_string() })
}

/// Returns the same message, uploaded some seconds later.
pub(crate) fn message_later(key: &str, version: &str, seconds: u32) -> Value {
    let body = message_at(key, version, &format!("2026-01-15T09:30:{:02}Z", 5 + seconds));
    json!({ "messageId": format!("{key} {version}"), "receiptHandle": "handle", "body": body.to_string() })
}

/// Returns the body of a message about an object that was uploaded at `time`.
pub(crate) fn message_at(key: &str, version: &str, time: &str) -> Value {
    let mut object = json!({ "key": key, "size": 1024, "etag": "from-the-event", "sequencer": "00" });
    if !version.is_empty() {
        object["version-id"] = version.into();
    }
    json!({
        "source": "aws.s3",
        "detail-type": "Object Created",
        "time": time,
        "detail": { "bucket": { "name": "data" }, "object": object },
    })
}

/// Returns a file with these ids and a name for each of them.
pub(crate) fn csv(ids: RangeInclusive<usize>) -> Vec<u8> {
    let rows = ids.map(|id| format!("{id},n{id}\n"));
    format!("id,name\n{}", rows.collect::<String>()).into_bytes()
}
