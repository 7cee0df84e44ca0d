//! Bulk requests: the requested ids, and an answer that the load balancer accepts.

use std::collections::HashSet;

use futures_util::stream::{self, StreamExt};
use restctl_contract::api::{BatchGetRequest, MAX_IDS_PER_CALL};
use restctl_contract::key::KeyType;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::error::Category;
use tokio::time::Instant;

use super::id::Id;
use super::size::AnswerSize;
use super::table::{FoundItems, ItemsTable};
use crate::problem::Failure;

/// The number of ids that DynamoDB reads in one call.
const IDS_PER_BATCH: usize = 100;

/// The number of batches that are read at the same time. Each may take 16 MB of the function's memory.
const BATCHES_IN_FLIGHT: usize = 4;

const TOO_LARGE_AMONG_OTHERS: &str =
    "the first of these items is too large for an answer with so many ids; request it alone";

/// The ids of a request, without duplicates, in the order of the request.
#[derive(Debug)]
pub(crate) struct RequestedIds {
    ids: Vec<Id>,
    /// Each id as it stands in the request.
    written: Vec<Value>,
}

impl RequestedIds {
    /// Reads the ids from a request's body.
    pub(crate) fn parse(kind: KeyType, body: &[u8]) -> Result<Self, Failure> {
        let request = parse_body(body)?;
        if request.ids.len() > MAX_IDS_PER_CALL {
            return Err(Failure::TooManyIds(request.ids.len()));
        }
        let mut requested = Self { ids: Vec::new(), written: Vec::new() };
        let mut seen = HashSet::new();
        for (index, written) in request.ids.into_iter().enumerate() {
            let id = Id::from_json(kind, &written)
                .map_err(|problem| Failure::InvalidId(format!("ids[{index}] {problem}")))?;
            if seen.insert(id.clone()) {
                requested.ids.push(id);
                requested.written.push(written);
            }
        }
        Ok(requested)
    }

    /// Reads the items and returns the JSON of a [`restctl_contract::api::BatchGetAnswer`].
    ///
    /// # Errors
    /// Fails if no id could be read.
    pub(crate) async fn read_items(&self, table: &ItemsTable, deadline: Instant) -> Result<String, Failure> {
        let mut answer = BatchAnswer::new(self);
        let batches = stream::iter(self.ids.chunks(IDS_PER_BATCH));
        let mut batches = batches.map(|ids| table.get_items(ids, deadline)).buffered(BATCHES_IN_FLIGHT);
        while !answer.is_full
            && let Some(outcome) = batches.next().await
        {
            match outcome {
                Ok(found) => answer.add_batch(&found)?,
                // The answer has the items read so far and names the remaining ids.
                Err(Failure::TableBusy { .. }) if answer.processed > 0 => break,
                Err(failure) => return Err(failure),
            }
        }
        Ok(answer.into_json())
    }
}

fn parse_body(body: &[u8]) -> Result<BatchGetRequest, Failure> {
    // Serde would read an array as the members in their order.
    if body.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        let parsed = serde_json::from_slice::<IgnoredAny>(body);
        parsed.map_err(|error| Failure::MalformedBody(error.to_string()))?;
        return Err(Failure::InvalidBody("it is not an object".to_owned()));
    }
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        Category::Data => Failure::InvalidBody(error.to_string()),
        _ => Failure::MalformedBody(error.to_string()),
    })
}

/// The three lists of an answer, cut before the first item that does not fit.
struct BatchAnswer<'a> {
    ids: &'a [Id],
    written: Vec<String>,
    /// The number of ids that are in one of the lists.
    processed: usize,
    size: AnswerSize,
    is_full: bool,
    items: String,
    missing: String,
    remaining: String,
}

impl<'a> BatchAnswer<'a> {
    fn new(requested: &'a RequestedIds) -> Self {
        let written: Vec<String> = requested.written.iter().map(|id| format!("{id},")).collect();
        // Each id is in one of the three lists, so it takes its own text until its item replaces it.
        let envelope = AnswerSize::of_json(r#"{"items":[],"missing":[],"remaining":[]}"#);
        let size = written.iter().fold(envelope, |size, id| size + AnswerSize::of_json(id));
        let (items, missing, remaining) = Default::default();
        Self { ids: &requested.ids, written, processed: 0, size, is_full: false, items, missing, remaining }
    }

    /// Adds the next batch of ids.
    ///
    /// # Errors
    /// Fails if the first item does not fit: an answer in which everything remains would make no progress.
    fn add_batch(&mut self, found: &FoundItems) -> Result<(), Failure> {
        for index in self.processed..self.ids.len().min(self.processed + IDS_PER_BATCH) {
            let (id, written) = (&self.ids[index], &self.written[index]);
            match found.items.get(id) {
                _ if self.is_full || found.unread.contains(id) => self.remaining.push_str(written),
                None => self.missing.push_str(written),
                Some(item) => {
                    let with_item = self.size - AnswerSize::of_json(written)
                        + AnswerSize::of_json(item)
                        + AnswerSize::of_json(",");
                    if with_item.is_within_limits() {
                        self.size = with_item;
                        self.items.push_str(item);
                        self.items.push(',');
                    } else if self.items.is_empty() {
                        return Err(Failure::ItemTooLarge(TOO_LARGE_AMONG_OTHERS.to_owned()));
                    } else {
                        self.is_full = true;
                        self.remaining.push_str(written);
                    }
                }
            }
            self.processed = index + 1;
        }
        Ok(())
    }

    fn into_json(mut self) -> String {
        self.written[self.processed..].iter().for_each(|written| self.remaining.push_str(written));
        let (items, missing) = (self.items.trim_end_matches(','), self.missing.trim_end_matches(','));
        match self.remaining.trim_end_matches(',') {
            "" => format!(r#"{{"items":[{items}],"missing":[{missing}]}}"#),
            remaining => format!(r#"{{"items":[{items}],"missing":[{missing}],"remaining":[{remaining}]}}"#),
        }
    }
}

#[cfg(test)]
mod tests;
