//! Calls of Amazon DynamoDB, as many at a time as the table takes, each made until it is taken.

mod backoff;
mod pace;

use restctl_aws::{CallError, ErrorCode, Service};
use serde::Deserialize;

pub(crate) use backoff::Backoff;
use bytes::Bytes;
use pace::Pace;

use crate::error::Error;

/// How often a call is made that finds the service down. One that is throttled is made until it is taken.
const ATTEMPTS: u32 = 8;

pub(crate) struct Dynamodb {
    service: Service,
    pace: Pace,
    backoff: Backoff,
}

impl Dynamodb {
    pub(crate) fn new(service: Service, backoff: Backoff) -> Self {
        Self { service, pace: Pace::default(), backoff }
    }

    /// Makes the call until it is answered, and returns the answer's body.
    ///
    /// # Errors
    /// [`Error::Refused`] where the request itself is at fault.
    pub(crate) async fn call(&self, operation: &'static str, body: Vec<u8>) -> Result<Bytes, Error> {
        let body = Bytes::from(body);
        let mut failures = 0;
        for attempt in 0.. {
            match self.attempt(operation, body.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(CallError::Refused { operation, code: ErrorCode::Validation, message }) => {
                    return Err(Error::Refused { operation, message });
                }
                Err(CallError::Throttled { .. }) => {}
                Err(CallError::Unavailable { .. }) if failures + 1 < ATTEMPTS => failures += 1,
                Err(error) => return Err(Error::service(operation, "DynamoDB", error)),
            }
            self.backoff.wait(attempt).await;
        }
        unreachable!("the attempts never end by themselves")
    }

    /// The table takes no more at the moment: it left some requests of a batch undone. Waits before the next.
    pub(crate) async fn slow_down(&self, attempt: u32) {
        self.pace.throttled();
        self.backoff.wait(attempt).await;
    }

    async fn attempt(&self, operation: &'static str, body: Bytes) -> Result<Bytes, CallError> {
        let _turn = self.pace.turn().await;
        let answer = self.service.call(operation, body).await;
        match &answer {
            Ok(_) => self.pace.taken(),
            Err(CallError::Throttled { .. }) => self.pace.throttled(),
            Err(_) => {}
        }
        answer
    }
}

/// What `operation` answered.
pub(crate) fn parse<'a, T: Deserialize<'a>>(operation: &'static str, answer: &'a [u8]) -> Result<T, Error> {
    serde_json::from_slice(answer).map_err(|error| Error::answer(operation, error))
}
