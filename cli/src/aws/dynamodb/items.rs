//! Amazon DynamoDB: the items table, read by keys and by scans.

use std::cell::Cell;
use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::operation::scan::ScanOutput;
use aws_sdk_dynamodb::types::{AttributeValue, ConsumedCapacity, KeysAndAttributes, ReturnConsumedCapacity};
use futures_util::stream::{self, Stream};
use restctl_contract::key::{Key, KeyType, WRITTEN_BY};
use restctl_contract::number;

use crate::aws::Aws;
use crate::aws::clock::Clock;
use crate::aws::error::AwsContext;
use crate::failure::{Failure, FailureContext, Result};

/// The most keys of one BatchGetItem.
pub(crate) const MAX_KEYS: usize = 100;

/// The most attempts of a throttled call. A table that has been idle for a long time takes some seconds to scale up.
const MAX_ATTEMPTS: u32 = 10;

/// The pause before unprocessed keys are requested again, and how often in a row that may return nothing.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const MAX_EMPTY_ANSWERS: u32 = 10;

pub(crate) type Attributes = HashMap<String, AttributeValue>;

pub(crate) struct Items<'a> {
    client: Client,
    clock: &'a Clock,
    table: &'a str,
    key: &'a Key,
    read_units: Cell<f64>,
    calls: Cell<u64>,
}

/// One of the `of` equal parts of the table that are scanned in parallel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment {
    pub(crate) number: i32,
    pub(crate) total: i32,
}

impl<'a> Items<'a> {
    pub(crate) fn new(aws: &'a Aws, table: &'a str, key: &'a Key) -> Self {
        let retry = RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS);
        let config = aws.dynamodb.config().to_builder().retry_config(retry).build();
        let client = Client::from_conf(config);
        Self { client, clock: &aws.clock, table, key, read_units: Cell::new(0.0), calls: Cell::new(0) }
    }

    /// Returns the read units that DynamoDB has counted so far.
    pub(crate) fn read_units(&self) -> f64 {
        self.read_units.get()
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls.get()
    }

    /// Returns the items of at most [`MAX_KEYS`] different keys, by key. The read is consistent.
    pub(crate) async fn get(&self, keys: &[&str]) -> Result<HashMap<String, Attributes>> {
        let mut found = HashMap::new();
        let mut waiting = Some(self.build_request(keys)?);
        let (mut pause, mut empty_answers) = (FIRST_PAUSE, 0);
        while let Some(request) = waiting {
            let asked = request.keys().len();
            let call = self.client.batch_get_item().request_items(self.table, request);
            let call = call.return_consumed_capacity(ReturnConsumedCapacity::Total);
            let answer = call.send().await.aws_context("read the items table")?;
            self.count_consumption(answer.consumed_capacity.iter().flatten());
            let items = answer.responses.and_then(|mut tables| tables.remove(self.table));
            found.extend(
                items.into_iter().flatten().filter_map(|item| Some((self.key_of(&item)?.into_owned(), item))),
            );
            waiting = answer.unprocessed_keys.and_then(|mut tables| tables.remove(self.table));
            waiting = waiting.filter(|left| !left.keys().is_empty());
            let Some(left) = &waiting else { break };
            (pause, empty_answers) = match left.keys().len() < asked {
                true => (FIRST_PAUSE, 0),
                false => (LONGEST_PAUSE.min(pause * 2), empty_answers + 1),
            };
            if empty_answers == MAX_EMPTY_ANSWERS {
                return Err(Failure::new("the items table left keys unprocessed")
                    .why("the requests exceed its throughput")
                    .next("try again in a moment"));
            }
            self.clock.sleep(pause).await;
        }
        Ok(found)
    }

    fn build_request(&self, keys: &[&str]) -> Result<KeysAndAttributes> {
        let value = |key: &str| match self.key.kind {
            KeyType::String => AttributeValue::S(key.to_owned()),
            KeyType::Number => AttributeValue::N(key.to_owned()),
        };
        let keys = keys.iter().map(|key| HashMap::from([(self.key.name.clone(), value(key))]));
        let request = KeysAndAttributes::builder().set_keys(Some(keys.collect())).consistent_read(true);
        request.build().context("cannot build the request")
    }

    /// Returns the text of an item's key. A number is in its normalized notation.
    pub(crate) fn key_of<'b>(&self, item: &'b Attributes) -> Option<std::borrow::Cow<'b, str>> {
        match item.get(&self.key.name)? {
            AttributeValue::S(text) => Some(text.into()),
            AttributeValue::N(digits) => number::normalize(digits).ok().map(Into::into),
            _ => None,
        }
    }

    /// Returns the keys and stamps of a segment's items, in pages of at most 1 MB of table data.
    pub(crate) fn scan_keys(
        &self,
        segment: Segment,
        page_items: Option<i32>,
    ) -> impl Stream<Item = Result<Vec<Attributes>>> {
        stream::try_unfold(Some(None), move |start| async move {
            let Some(start) = start else { return Ok(None) };
            let page = self.scan_page(segment, page_items, start).await?;
            Ok(Some((page.items.unwrap_or_default(), page.last_evaluated_key.map(Some))))
        })
    }

    async fn scan_page(
        &self,
        segment: Segment,
        limit: Option<i32>,
        start: Option<Attributes>,
    ) -> Result<ScanOutput> {
        let call = self.client.scan().table_name(self.table).consistent_read(true);
        let call = call.segment(segment.number).total_segments(segment.total).set_limit(limit);
        let call = call
            .projection_expression("#key, #written_by")
            .expression_attribute_names("#key", &self.key.name)
            .expression_attribute_names("#written_by", WRITTEN_BY)
            .set_exclusive_start_key(start)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let page = call.send().await.aws_context("scan the items table")?;
        self.count_consumption(page.consumed_capacity.iter());
        Ok(page)
    }

    fn count_consumption<'b>(&self, consumed: impl Iterator<Item = &'b ConsumedCapacity>) {
        let units: f64 = consumed.filter_map(ConsumedCapacity::capacity_units).sum();
        self.read_units.set(self.read_units.get() + units);
        self.calls.set(self.calls.get() + 1);
    }
}
