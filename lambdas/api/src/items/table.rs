//! The table of items, read by id or one after the other.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use bytes::Bytes;
use restctl_aws::{CallError, Service};
use restctl_contract::key::Key;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::attribute::{Attributes, item_text};
use super::id::Id;
use crate::problem::Failure;

/// A call without an answer for so long is made again.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(3);

/// How often a call is made that finds the table or the way there out of order.
const ATTEMPTS: u32 = 3;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

pub(crate) struct Table {
    service: Service,
    name: String,
    key: Key,
}

/// What came of reading many items. An id in neither has no item.
#[derive(Default)]
pub(crate) struct Found {
    /// The items as JSON.
    pub(crate) items: HashMap<Id, String>,
    /// Ids that were not read.
    pub(crate) unread: HashSet<Id>,
}

/// Some items of the table, as JSON, each with its id.
pub(crate) struct Page {
    pub(crate) items: Vec<(Id, String)>,
    /// Where the table goes on.
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
    unprocessed_keys: HashMap<String, Unprocessed<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Unprocessed<'a> {
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

impl Table {
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

    /// The item as JSON.
    pub(crate) async fn get(&self, id: &Id, deadline: Instant) -> Result<Option<String>, Failure> {
        let request = json!({ "TableName": self.name, "Key": { &self.key.name: id.to_attribute() } });
        let answer = self.call("GetItem", &request, deadline).await?;
        let answer: GetItemAnswer = parse("GetItem", &answer)?;
        answer.item.map(text).transpose()
    }

    /// Reads at most 100 items, until every id is read or the deadline is near.
    ///
    /// # Errors
    /// If not one id could be read.
    pub(crate) async fn get_many(&self, ids: &[Id], deadline: Instant) -> Result<Found, Failure> {
        let mut found = Found::default();
        let mut pending: Vec<Id> = ids.to_vec();
        let mut pause = FIRST_PAUSE;
        loop {
            let before = pending.len();
            pending = match self.batch_get(&pending, &mut found, deadline).await {
                Ok(unprocessed) => unprocessed,
                // What has been read is worth an answer, which names the rest.
                Err(Failure::TableBusy { .. }) if pending.len() < ids.len() => break,
                Err(failure) => return Err(failure),
            };
            let resumes = Instant::now() + jitter(pause);
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

    /// Adds the items to `found`, and returns the ids that were left unprocessed.
    async fn batch_get(&self, ids: &[Id], found: &mut Found, deadline: Instant) -> Result<Vec<Id>, Failure> {
        const OPERATION: &str = "BatchGetItem";
        let keys: Vec<Value> = ids.iter().map(|id| json!({ &self.key.name: id.to_attribute() })).collect();
        let request = json!({ "RequestItems": { &self.name: { "Keys": keys } } });
        let answer = self.call(OPERATION, &request, deadline).await?;
        let mut answer: BatchGetItemAnswer = parse(OPERATION, &answer)?;
        for item in answer.responses.remove(&self.name).unwrap_or_default() {
            found.items.insert(self.id(&item)?, text(item)?);
        }
        let left = answer.unprocessed_keys.remove(&self.name).map(|left| left.keys).unwrap_or_default();
        left.iter().map(|key| self.id(key)).collect()
    }

    /// At most `limit` items and at most 1 MB of them, from behind `after` on.
    pub(crate) async fn scan(
        &self,
        limit: usize,
        after: Option<&Id>,
        deadline: Instant,
    ) -> Result<Page, Failure> {
        let mut request = json!({ "TableName": self.name, "Limit": limit });
        if let Some(id) = after {
            request["ExclusiveStartKey"] = json!({ &self.key.name: id.to_attribute() });
        }
        let answer = self.call("Scan", &request, deadline).await?;
        let answer: ScanAnswer = parse("Scan", &answer)?;
        let next = answer.last_evaluated_key.map(|key| self.id(&key)).transpose()?;
        let items = answer.items.into_iter().map(|item| Ok((self.id(&item)?, text(item)?)));
        Ok(Page { items: items.collect::<Result<_, Failure>>()?, next })
    }

    fn id(&self, item: &Attributes) -> Result<Id, Failure> {
        let id = item.get(&self.key.name).and_then(Id::from_attribute);
        id.ok_or_else(|| Failure::Internal("the table answers an item without its key".to_owned()))
    }

    /// Makes the call until it is answered, a few times where trying again may help.
    async fn call(
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
                    return Err(Failure::TableBusy { cause: "the function's time ran short".to_owned() });
                }
            };
            let resumes = Instant::now() + jitter(pause);
            if attempt == ATTEMPTS || resumes >= deadline {
                return Err(Failure::TableBusy { cause: error.to_string() });
            }
            sleep_until(resumes).await;
            (pause, attempt) = (pause * 2, attempt + 1);
        }
    }
}

fn text(item: Attributes) -> Result<String, Failure> {
    item_text(item).map_err(|error| Failure::Internal(error.to_string()))
}

/// The error's own text might show a piece of an item.
fn parse<'a, T: Deserialize<'a>>(operation: &str, answer: &'a [u8]) -> Result<T, Failure> {
    serde_json::from_slice(answer).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Failure::Internal(format!("{operation} gives an answer that cannot be read at {line}:{column}"))
    })
}

/// Between half of `pause` and all of it, so that functions that were throttled together do not come back
/// together. A hasher's random keys are random enough for that.
fn jitter(pause: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish();
    pause.mul_f64(0.5 + random as f64 / u64::MAX as f64 / 2.0)
}
