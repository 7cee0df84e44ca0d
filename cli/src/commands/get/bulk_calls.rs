//! Sends bulk calls, several at a time, and passes on their answers in the order of the ids.

use std::collections::{HashMap, VecDeque};

use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use reqwest::StatusCode;
use restctl_contract::api::{BATCH_GET_PATH, BatchGetRequest, Item, MAX_ANSWER_BYTES, MAX_IDS_PER_CALL};
use restctl_contract::json::Json;
use tokio::sync::mpsc;

use super::ids::{GivenId, Ids};
use crate::api::client::{Api, parse_bulk_answer};
use crate::api::endpoint;
use crate::failure::Result;

/// The most bytes of ids in a bulk call's body: half of an answer, so that the other half is left for items, and for what
/// is wrong with invalid ids.
const MAX_IDS_BYTES: usize = MAX_ANSWER_BYTES / 2;

/// The most calls in flight, together with answers that wait for earlier ones. It bounds the memory.
const MAX_IN_FLIGHT: usize = 8;

/// An answer to a bulk call.
#[derive(Debug, Default, PartialEq)]
pub(super) struct BulkAnswer {
    pub(super) items: Vec<Item>,
    pub(super) missing: Vec<GivenId>,
    /// Ids that no item can have, each with what is wrong with it as the rest of a sentence.
    pub(super) invalid: Vec<(GivenId, String)>,
}

/// Requests all ids and sends the answers to `answers`. The calls continue while no one receives: the reader may pause for
/// longer than a call may take.
pub(super) async fn fetch_all(api: &Api<'_>, ids: &mut Ids, answers: mpsc::Sender<BulkAnswer>) -> Result<()> {
    let (mut waiting, mut ready) = (VecDeque::new(), VecDeque::new());
    let mut calls = FuturesOrdered::new();
    // The first call runs alone: its answer shows how many items fit into one, and it wakes a sleeping function only once.
    let (mut pace, mut has_more) = (CallPace::new(), true);
    loop {
        while !waiting.is_empty() && calls.len() + ready.len() < pace.in_flight {
            calls.push_back(send_bulk_call(api, take_ids_of_one_call(&mut waiting, pace.ids)));
        }
        tokio::select! {
            Some(answered) = calls.next(), if !calls.is_empty() => {
                let (requested, answer, remaining): (usize, BulkAnswer, Vec<GivenId>) = answered?;
                pace.adapt_to_answer(requested, remaining.len());
                ready.push_back(answer);
                if !remaining.is_empty() {
                    calls.push_front(send_bulk_call(api, remaining));
                }
            }
            batch = ids.next_batch(), if waiting.is_empty() && has_more => match batch {
                Some(batch) => waiting.extend(batch?),
                None => has_more = false,
            },
            permit = answers.reserve(), if !ready.is_empty() => {
                // The receiver is gone if writing an answer has failed.
                let Ok(permit) = permit else { return Ok(()) };
                if let Some(answer) = ready.pop_front() {
                    permit.send(answer);
                }
            }
            else => return Ok(()),
        }
    }
}

/// How many calls may be in flight, and how many ids each may have.
struct CallPace {
    in_flight: usize,
    ids: usize,
}

impl CallPace {
    fn new() -> Self {
        Self { in_flight: 1, ids: MAX_IDS_PER_CALL }
    }

    /// Adapts to an answer that left over some of the ids. They are requested again, while the answers after it wait: calls with
    /// fewer ids avoid that.
    fn adapt_to_answer(&mut self, requested: usize, left_over: usize) {
        self.in_flight = (self.in_flight * 2).min(MAX_IN_FLIGHT);
        if left_over > 0 {
            self.ids = (requested - left_over).max(1);
        } else if requested >= self.ids {
            self.ids = (self.ids * 2).min(MAX_IDS_PER_CALL);
        }
    }
}

/// Requests the ids. Returns their number, the answer and the ids to request again.
async fn send_bulk_call(api: &Api<'_>, given: Vec<GivenId>) -> Result<(usize, BulkAnswer, Vec<GivenId>)> {
    let request = BatchGetRequest { ids: given.iter().map(|id| id.text.as_str().into()).collect() };
    let (status, body) = api.post(BATCH_GET_PATH, &request).await?;
    if status != StatusCode::OK {
        return Err(endpoint::parse_refusal(status, &body));
    }
    let requested = request.ids.len();
    let answer = parse_bulk_answer(&body, requested)?;
    let mut places: HashMap<String, Option<u64>> = given.into_iter().map(|id| (id.text, id.line)).collect();
    let mut find_given = |id: Json| {
        let text = if let Json::String(text) = id { text } else { id.to_string() };
        GivenId { line: places.remove(&text).flatten(), text }
    };
    let missing = answer.missing.into_iter().map(&mut find_given).collect();
    let invalid =
        answer.invalid.into_iter().map(|invalid| (find_given(invalid.id), invalid.detail)).collect();
    let remaining = answer.remaining.into_iter().map(find_given).collect();
    Ok((requested, BulkAnswer { items: answer.items, missing, invalid }, remaining))
}

/// Takes as many ids from the front as one call may have, by number and by bytes, but at least one.
fn take_ids_of_one_call(waiting: &mut VecDeque<GivenId>, most: usize) -> Vec<GivenId> {
    let mut bytes = 0;
    let fitting = waiting.iter().take(most).take_while(|id| {
        bytes += Json::from(id.text.as_str()).to_string().len() + 1;
        bytes <= MAX_IDS_BYTES
    });
    let count = fitting.count().max(1).min(waiting.len());
    waiting.drain(..count).collect()
}

#[cfg(test)]
mod tests {
    use restctl_contract::api::MAX_REQUEST_BYTES;

    use super::*;

    #[test]
    fn a_call_has_as_many_ids_as_the_api_takes() {
        let calls = |id: &str, count: usize| {
            let given = GivenId { text: id.to_owned(), line: None };
            let mut waiting: VecDeque<GivenId> = vec![given; count].into();
            let mut calls = Vec::new();
            while !waiting.is_empty() {
                let ids = take_ids_of_one_call(&mut waiting, MAX_IDS_PER_CALL);
                calls.push(ids.len());
                let ids = ids.into_iter().map(|id| id.text.into()).collect();
                let body = serde_json::to_vec(&BatchGetRequest { ids }).unwrap();
                assert!(body.len() <= MAX_REQUEST_BYTES, "{}", body.len());
            }
            calls
        };
        assert_eq!(calls("42", 2_500), [1_000, 1_000, 500]);
        // Each byte of a control character is six of JSON.
        assert_eq!(calls(&"\u{1}".repeat(2_048), 50), [28, 22]);
        assert_eq!(calls(&"x".repeat(MAX_REQUEST_BYTES - 100), 2), [1, 1]);
    }

    #[test]
    fn calls_request_as_many_ids_as_fit_an_answer() {
        let mut pace = CallPace::new();
        pace.adapt_to_answer(1_000, 965);
        assert_eq!((pace.in_flight, pace.ids), (2, 35));
        pace.adapt_to_answer(965, 935);
        assert_eq!((pace.in_flight, pace.ids), (4, 30));
        pace.adapt_to_answer(30, 0);
        assert_eq!((pace.in_flight, pace.ids), (8, 60));
        pace.adapt_to_answer(12, 0);
        assert_eq!((pace.in_flight, pace.ids), (8, 60), "the last ids do not show how many fit");
    }
}
