//! The DynamoDB table of items.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use bytes::Bytes;
use restctl_aws::{CallError, Service, error_chain};
use restctl_contract::key::Key;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::attribute::{Attributes, item_to_json};
use super::id::Id;
use crate::problem::Failure;

/// The time after which a call without an answer is repeated.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(3);

/// The number of attempts if the table is busy or unreachable.
const MAX_ATTEMPTS: u32 = 3;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Reads items from the table.
pub(crate) struct ItemsTable {
    service: Service,
    name: String,
    key: Key,
}

/// The result of reading several items. An id that is in neither field has no item.
#[derive(Default)]
pub(crate) struct FoundItems {
    /// The items as JSON.
    pub(crate) items: HashMap<Id, String>,
    /// The ids that were not read.
    pub(crate) unread: HashSet<Id>,
}

/// A page of items as JSON, each with its id.
pub(crate) struct ItemsPage {
    pub(crate) items: Vec<(Id, String)>,
    /// The last id of the page, if more items follow.
    pub(crate) next: Option<Id>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetItemAnswer<'a> {
    #[serde(borrow)]
    item: Option<Attributes<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BatchGetItemAnswer<'a> {
    #[serde(borrow, default)]
    responses: HashMap<String, Vec<Attributes<'a>>>,
    #[serde(borrow, default)]
    unprocessed_keys: HashMap<String, UnprocessedKeys<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UnprocessedKeys<'a> {
    #[serde(borrow)]
    keys: Vec<Attributes<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ScanAnswer<'a> {
    #[serde(borrow, default)]
    items: Vec<Attributes<'a>>,
    #[serde(borrow)]
    last_evaluated_key: Option<Attributes<'a>>,
}

impl ItemsTable {
    pub(crate) fn new(service: Service, name: String, key: Key) -> Self {
        Self { service, name, key }
    }

    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    /// Opens a connection ahead of the first request.
    pub(crate) async fn connect(&self) {
        self.service.connect().await;
    }

    /// Reads an item as JSON.
    pub(crate) async fn get_item(&self, id: &Id, deadline: Instant) -> Result<Option<String>, Failure> {
        let request = json!({ "TableName": self.name, "Key": { &self.key.name: id.to_attribute() } });
        let answer = self.call_with_retries("GetItem", &request, deadline).await?;
        let answer: GetItemAnswer = parse_answer("GetItem", &answer)?;
        answer.item.map(item_to_json).transpose()
    }

    /// Reads at most 100 items, until every id has been read or the deadline is near.
    ///
    /// # Errors
    /// Fails if no id could be read.
    pub(crate) async fn get_items(&self, ids: &[Id], deadline: Instant) -> Result<FoundItems, Failure> {
        let mut found = FoundItems::default();
        let mut pending: Vec<Id> = ids.to_vec();
        let mut pause = FIRST_PAUSE;
        loop {
            let before = pending.len();
            pending = match self.batch_get_item(&pending, &mut found, deadline).await {
                Ok(unprocessed) => unprocessed,
                // The answer has the items read so far and names the remaining ids.
                Err(Failure::TableBusy { .. }) if pending.len() < ids.len() => break,
                Err(failure) => return Err(failure),
            };
            let resumes = Instant::now() + with_jitter(pause);
            if pending.is_empty() || resumes >= deadline {
                break;
            }
            sleep_until(resumes).await;
            pause = if pending.len() < before { FIRST_PAUSE } else { LONGEST_PAUSE.min(pause * 2) };
        }
        if pending.len() == ids.len() {
            return Err(Failure::TableBusy { cause: "the table left every key unprocessed".to_owned() });
        }
        found.unread = pending.into_iter().collect();
        Ok(found)
    }

    /// Adds the items to `found` and returns the ids that were left unprocessed.
    async fn batch_get_item(
        &self,
        ids: &[Id],
        found: &mut FoundItems,
        deadline: Instant,
    ) -> Result<Vec<Id>, Failure> {
        const OPERATION: &str = "BatchGetItem";
        let keys: Vec<Value> = ids.iter().map(|id| json!({ &self.key.name: id.to_attribute() })).collect();
        let request = json!({ "RequestItems": { &self.name: { "Keys": keys } } });
        let answer = self.call_with_retries(OPERATION, &request, deadline).await?;
        let mut answer: BatchGetItemAnswer = parse_answer(OPERATION, &answer)?;
        for item in answer.responses.remove(&self.name).unwrap_or_default() {
            found.items.insert(self.item_id(&item)?, item_to_json(item)?);
        }
        let left = answer.unprocessed_keys.remove(&self.name).map(|left| left.keys).unwrap_or_default();
        left.iter().map(|key| self.item_id(key)).collect()
    }

    /// Reads the items after `after`: at most `limit` of them, and at most 1 MB.
    pub(crate) async fn scan_page(
        &self,
        limit: usize,
        after: Option<&Id>,
        deadline: Instant,
    ) -> Result<ItemsPage, Failure> {
        let mut request = json!({ "TableName": self.name, "Limit": limit });
        if let Some(id) = after {
            request["ExclusiveStartKey"] = json!({ &self.key.name: id.to_attribute() });
        }
        let answer = self.call_with_retries("Scan", &request, deadline).await?;
        let answer: ScanAnswer = parse_answer("Scan", &answer)?;
        let next = answer.last_evaluated_key.map(|key| self.item_id(&key)).transpose()?;
        let items = answer.items.into_iter().map(|item| Ok((self.item_id(&item)?, item_to_json(item)?)));
        Ok(ItemsPage { items: items.collect::<Result<_, Failure>>()?, next })
    }

    fn item_id(&self, item: &Attributes) -> Result<Id, Failure> {
        let id = item.get(&self.key.name).and_then(Id::from_attribute);
        id.ok_or_else(|| Failure::Internal("the table returned an item without its key".to_owned()))
    }

    /// Calls DynamoDB, and tries again if that may help.
    async fn call_with_retries(
        &self,
        operation: &'static str,
        request: &Value,
        deadline: Instant,
    ) -> Result<Bytes, Failure> {
        let body = Bytes::from(request.to_string());
        let mut pause = FIRST_PAUSE;
        let mut attempt = 1;
        loop {
            let call = self.service.call(operation, body.clone());
            let error = match timeout_at(deadline, call).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(refused @ CallError::Refused { .. })) => {
                    return Err(Failure::Internal(refused.to_string()));
                }
                Ok(Err(error)) => error,
                Err(_) => {
                    return Err(Failure::TableBusy {
                        cause: "the function's time is running out".to_owned(),
                    });
                }
            };
            let resumes = Instant::now() + with_jitter(pause);
            if attempt == MAX_ATTEMPTS || resumes >= deadline {
                return Err(Failure::TableBusy { cause: error_chain(&error) });
            }
            sleep_until(resumes).await;
            (pause, attempt) = (pause * 2, attempt + 1);
        }
    }
}

/// Reads DynamoDB's answer. The parser's error might quote a piece of an item, so only its position is kept.
fn parse_answer<'a, T: Deserialize<'a>>(operation: &str, answer: &'a [u8]) -> Result<T, Failure> {
    serde_json::from_slice(answer).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Failure::Internal(format!("{operation} returned an answer that is unreadable at {line}:{column}"))
    })
}

/// Returns a time between half of `pause` and all of it: functions that were throttled together must not retry together.
/// A hasher's random keys are random enough for that.
fn with_jitter(pause: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish();
    pause.mul_f64(0.5 + random as f64 / u64::MAX as f64 / 2.0)
}
