//! Calls of Amazon DynamoDB: as many at a time as the table accepts, each repeated until the table accepts it.

mod backoff;
mod pace;

use std::time::Instant;

use bytes::Bytes;
use restctl_aws::{CallError, ErrorCode, Service};
use serde::Deserialize;

pub(crate) use backoff::Backoff;
use pace::Pace;

use crate::error::Error;

/// How often a call is made while the service is unavailable. A throttled call is made until it is accepted.
const MAX_FAILURES: u32 = 8;

/// How many bytes the answers have that are in memory at a time. One answer to a BatchGetItem may have 16 MB of items,
/// and ten times as much JSON.
const MAX_ANSWER_BYTES: u32 = 32 * 1024 * 1024;

/// A client that keeps to the pace of the table it calls.
pub(crate) struct Dynamodb {
    service: Service,
    pace: Pace,
    backoff: Backoff,
}

impl Dynamodb {
    pub(crate) fn new(service: Service, backoff: Backoff) -> Self {
        let service = service.limit_answers(MAX_ANSWER_BYTES);
        Self { service, pace: Pace::default(), backoff }
    }

    /// Makes the call until it is answered and returns the answer's body, which is to be dropped before the next call.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] if the request's own content is invalid.
    pub(crate) async fn call_with_retries(
        &self,
        operation: &'static str,
        body: Vec<u8>,
    ) -> Result<Bytes, Error> {
        let body = Bytes::from(body);
        let (mut attempt, mut failures) = (0, 0);
        loop {
            match self.call_once(operation, body.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(CallError::Refused { operation, code: ErrorCode::Validation, message }) => {
                    return Err(Error::InvalidRequest { operation, message });
                }
                Err(CallError::Throttled { .. }) => {}
                Err(CallError::Unavailable { .. }) if failures + 1 < MAX_FAILURES => failures += 1,
                Err(error) => return Err(error.into()),
            }
            self.backoff.wait_after(attempt).await;
            attempt += 1;
        }
    }

    /// Slows down and waits, after the table has left some requests of a batch unprocessed.
    pub(crate) async fn wait_after_unprocessed(&self, attempt: u32) {
        self.pace.slow_down(Instant::now());
        self.backoff.wait_after(attempt).await;
    }

    async fn call_once(&self, operation: &'static str, body: Bytes) -> Result<Bytes, CallError> {
        let _slot = self.pace.wait_for_slot().await;
        let answer = self.service.call(operation, body).await;
        match &answer {
            Ok(_) => self.pace.speed_up(),
            Err(CallError::Throttled { .. }) => self.pace.slow_down(Instant::now()),
            Err(_) => {}
        }
        answer
    }
}

/// Parses the answer to `operation`.
pub(crate) fn parse_answer<'a, T: Deserialize<'a>>(
    operation: &'static str,
    answer: &'a [u8],
) -> Result<T, Error> {
    serde_json::from_slice(answer).map_err(|error| Error::unreadable_answer(operation, error))
}
