//! Bulk requests: the requested ids, and an answer that the load balancer accepts.

use std::collections::HashSet;

use futures_util::stream::{self, StreamExt};
use restctl_contract::api::{BatchGetRequest, InvalidId, MAX_IDS_PER_CALL};
use restctl_contract::json::{self, Json, JsonErrorKind, Limits};
use restctl_contract::key::Key;
use tokio::time::Instant;

use super::id::Id;
use super::size::AnswerSize;
use super::table::{FoundItems, ItemsTable};
use crate::problem::Failure;

/// The number of ids that DynamoDB reads in one call.
const IDS_PER_BATCH: usize = 100;

/// The number of batches that are read at the same time. Each may take 16 MB of the function's memory.
const BATCHES_IN_FLIGHT: usize = 4;

/// An id has no levels at all, but a wrong one should not spoil the request. The object and its list are values as well.
/// The parser stops at the first value too many.
const LIMITS: Limits = Limits { depth: 32, values: MAX_IDS_PER_CALL + 2 };

const TOO_LARGE_AMONG_OTHERS: &str =
    "the first of these items is too large for an answer with so many ids; request it alone";

/// The ids of a request, without duplicates, in the order of the request.
#[derive(Debug)]
pub(crate) struct RequestedIds {
    ids: Vec<Id>,
    /// Each id as it stands in the request.
    written: Vec<Json>,
    invalid: Vec<InvalidId>,
}

impl RequestedIds {
    /// Reads the ids from a request's body.
    pub(crate) fn parse(key: &Key, body: &[u8]) -> Result<Self, Failure> {
        let request = parse_body(body)?;
        let mut requested = Self { ids: Vec::new(), written: Vec::new(), invalid: Vec::new() };
        let (mut seen, mut seen_invalid) = (HashSet::new(), HashSet::new());
        for written in request.ids {
            match Id::from_json(key, &written) {
                Ok(id) if seen.insert(id.clone()) => {
                    requested.ids.push(id);
                    requested.written.push(written);
                }
                Err(error) if seen_invalid.insert(written.to_string()) => {
                    requested.invalid.push(InvalidId { id: written, detail: error.to_string() });
                }
                _ => {}
            }
        }
        Ok(requested)
    }

    /// Reads the items and returns the JSON of a [`restctl_contract::api::BatchGetAnswer`].
    ///
    /// # Errors
    /// Fails if no id could be read.
    pub(crate) async fn read_items(&self, table: &ItemsTable, deadline: Instant) -> Result<String, Failure> {
        let mut answer = BatchAnswer::new(self)?;
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
    let parsed = json::parse(body, LIMITS).map_err(|error| match error.kind {
        JsonErrorKind::TooManyValues => Failure::TooManyIds,
        _ => Failure::MalformedBody(format!("{error} at line {} column {}", error.line, error.column)),
    })?;
    match parsed {
        // Only this parser notices a repeated member. It would also read an array as the members in their order.
        Json::Object(_) => {
            serde_json::from_slice(body).map_err(|error| Failure::InvalidBody(error.to_string()))
        }
        other => Err(Failure::InvalidBody(format!("it is {}", other.type_name()))),
    }
}

/// The lists of an answer, cut before the first item that does not fit.
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
    /// The member with the invalid ids, if there are any.
    invalid: String,
}

impl<'a> BatchAnswer<'a> {
    /// # Errors
    /// Fails if an answer has no room for the ids alone.
    fn new(requested: &'a RequestedIds) -> Result<Self, Failure> {
        let written: Vec<String> = requested.written.iter().map(|id| format!("{id},")).collect();
        let invalid = invalid_member(&requested.invalid)?;
        // Each valid id is in one of three lists, so it takes its own text until its item replaces it.
        let envelope = AnswerSize::of_json(r#"{"items":[],"missing":[],"remaining":[]}"#);
        let pieces = written.iter().chain([&invalid]);
        let size = pieces.fold(envelope, |size, piece| size + AnswerSize::of_json(piece));
        if !size.is_within_limits() {
            return Err(Failure::IdsTooLarge);
        }
        let (items, missing, remaining) = Default::default();
        let ids = requested.ids.as_slice();
        Ok(Self { ids, written, processed: 0, size, is_full: false, items, missing, remaining, invalid })
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
        let [items, missing, remaining] =
            [&self.items, &self.missing, &self.remaining].map(|list| list.trim_end_matches(','));
        let remaining = match remaining {
            "" => String::new(),
            remaining => format!(r#","remaining":[{remaining}]"#),
        };
        format!(r#"{{"items":[{items}],"missing":[{missing}]{remaining}{}}}"#, self.invalid)
    }
}

fn invalid_member(invalid: &[InvalidId]) -> Result<String, Failure> {
    if invalid.is_empty() {
        return Ok(String::new());
    }
    let list = serde_json::to_string(invalid).map_err(|error| Failure::Internal(error.to_string()))?;
    Ok(format!(r#","invalid":{list}"#))
}

#[cfg(test)]
mod tests;
