use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime};

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_lambda_events::sqs::SqsEvent;
use restctl_contract::key::{Key, KeyType};
use restctl_contract::load::{LedgerEntry, LoadId};
use restctl_testkit::dynamodb::Dynamo;
use serde_json::{Value, json};

use super::s3::Bucket;
use super::sqs::Sqs;
use crate::deadline::Deadline;
use crate::load::Ingest;
use crate::queue::Queue;

/// The function with everything it talks to.
pub(crate) struct World {
    pub(crate) dynamo: Dynamo,
    pub(crate) bucket: Bucket,
    pub(crate) sqs: Sqs,
    ingest: Ingest,
}

impl World {
    pub(crate) async fn new() -> Self {
        let dynamo = Dynamo::start().await;
        dynamo.create_table("items", "id");
        dynamo.create_table("ledger", "load");
        let bucket = Bucket::start().await;
        let sqs = Sqs::start().await;
        let config = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::from_static("eu-central-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "tests"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
            .load()
            .await;
        let s3 = aws_sdk_s3::config::Builder::from(&config).endpoint_url(bucket.url()).force_path_style(true);
        let dynamodb = aws_sdk_dynamodb::config::Builder::from(&config).endpoint_url(dynamo.url());
        let queue = aws_sdk_sqs::config::Builder::from(&config).endpoint_url(sqs.url());
        let ingest = Ingest {
            s3: aws_sdk_s3::Client::from_conf(s3.build()),
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
            queue: Queue::new(aws_sdk_sqs::Client::from_conf(queue.build()), sqs.url().to_owned()),
            items_table: "items".into(),
            ledger_table: "ledger".into(),
            key: Key { name: "id".into(), kind: KeyType::String },
        };
        Self { dynamo, bucket, sqs, ingest }
    }

    /// One invocation with `time` left; the identifiers it reports as failed.
    pub(crate) async fn deliver(&self, messages: &[Value], time: Duration) -> Vec<String> {
        let event: SqsEvent = serde_json::from_value(json!({ "Records": messages })).unwrap();
        let deadline = Deadline::at(SystemTime::now() + time);
        let response = self.ingest.handle(event, deadline).await.unwrap();
        response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
    }

    pub(crate) fn entry(&self, object: &str, version: &str) -> LedgerEntry {
        let load = LoadId::of(object, version);
        let entries = self.dynamo.items("ledger");
        let item = entries.into_iter().find(|entry| entry["load"]["S"] == load.as_str());
        let item = item.unwrap_or_else(|| panic!("no entry of {object} {version}"));
        let item: serde_dynamo::Item = serde_json::from_value(item).unwrap();
        serde_dynamo::from_item(item).unwrap()
    }
}

/// A message about an object; its identifier is made of both names. Without a version the event has none.
pub(crate) fn message(key: &str, version: &str) -> Value {
    let mut object = json!({ "key": key, "size": 1024, "etag": "from-the-event", "sequencer": "00" });
    if !version.is_empty() {
        object["version-id"] = version.into();
    }
    let event = json!({
        "source": "aws.s3",
        "detail-type": "Object Created",
        "time": "2026-01-15T09:30:05Z",
        "detail": { "bucket": { "name": "data" }, "object": object },
    });
    json!({ "messageId": format!("{key} {version}"), "body": event.to_string() })
}

/// Rows with these ids, and names that tell them apart.
pub(crate) fn csv(ids: RangeInclusive<usize>) -> Vec<u8> {
    let rows = ids.map(|id| format!("{id},n{id}\n"));
    format!("id,name\n{}", rows.collect::<String>()).into_bytes()
}
