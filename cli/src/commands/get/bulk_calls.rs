//! Sends bulk calls, several at a time, and passes on their answers in the order of the ids.

use std::collections::VecDeque;

use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use reqwest::StatusCode;
use restctl_contract::api::{
    BATCH_GET_PATH, BatchGetAnswer, BatchGetRequest, MAX_IDS_PER_CALL, MAX_REQUEST_BYTES,
};
use serde_json::Value;
use tokio::sync::mpsc;

use super::ids::Ids;
use crate::api::client::{Api, parse_bulk_answer};
use crate::api::endpoint;
use crate::failure::Result;

/// The most bytes of ids in a bulk call's body. The rest is for the JSON around them.
const MAX_IDS_BYTES: usize = MAX_REQUEST_BYTES - 100;

/// The most calls in flight, together with answers that wait for earlier ones. It bounds the memory.
const MAX_IN_FLIGHT: usize = 8;

/// Requests all ids and sends the answers to `answers`. The calls continue while no one receives: the reader may pause for
/// longer than a call may take.
pub(super) async fn fetch_all(
    api: &Api<'_>,
    ids: &mut Ids,
    answers: mpsc::Sender<BatchGetAnswer>,
) -> Result<()> {
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
                let (requested, mut answer): (usize, BatchGetAnswer) = answered?;
                let remaining = std::mem::take(&mut answer.remaining);
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

/// Requests the ids. Returns their number and the answer.
async fn send_bulk_call(api: &Api<'_>, ids: Vec<Value>) -> Result<(usize, BatchGetAnswer)> {
    let request = BatchGetRequest { ids };
    let (status, body) = api.post(BATCH_GET_PATH, &request).await?;
    if status != StatusCode::OK {
        return Err(endpoint::parse_refusal(status, &body));
    }
    let requested = request.ids.len();
    Ok((requested, parse_bulk_answer(&body, requested)?))
}

/// Takes as many ids from the front as one call may have, by number and by bytes, but at least one.
fn take_ids_of_one_call(waiting: &mut VecDeque<Value>, most: usize) -> Vec<Value> {
    let mut bytes = 0;
    let fitting = waiting.iter().take(most).take_while(|id| {
        bytes += id.to_string().len() + 1;
        bytes <= MAX_IDS_BYTES
    });
    let count = fitting.count().max(1).min(waiting.len());
    waiting.drain(..count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_has_as_many_ids_as_the_api_takes() {
        let calls = |id: &str, count: usize| {
            let mut waiting: VecDeque<Value> = vec![Value::from(id); count].into();
            let mut calls = Vec::new();
            while !waiting.is_empty() {
                let ids = take_ids_of_one_call(&mut waiting, MAX_IDS_PER_CALL);
                calls.push(ids.len());
                let body = serde_json::to_vec(&BatchGetRequest { ids }).unwrap();
                assert!(body.len() <= MAX_REQUEST_BYTES || calls.last() == Some(&1), "{}", body.len());
            }
            calls
        };
        assert_eq!(calls("42", 2_500), [1_000, 1_000, 500]);
        // Each byte of a control character is six of JSON.
        assert_eq!(calls(&"\u{1}".repeat(2_048), 100), [56, 44]);
        assert_eq!(calls(&"x".repeat(MAX_REQUEST_BYTES), 2), [1, 1]);
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
