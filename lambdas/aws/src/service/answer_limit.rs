//! Bounds the memory of answers.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::BoxError;

/// How many bytes the answers in memory may have together.
pub(super) struct AnswerLimit {
    bytes: u32,
    free: Arc<Semaphore>,
}

/// The room that an answer takes.
pub(super) struct AnswerShare {
    _permit: OwnedSemaphorePermit,
}

/// The body of an answer, which gives its room back when it is dropped.
struct LimitedAnswer {
    bytes: Vec<u8>,
    _share: AnswerShare,
}

impl AnswerLimit {
    pub(super) fn new(bytes: u32) -> Self {
        Self { bytes, free: Arc::new(Semaphore::new(bytes as usize)) }
    }

    /// Waits for the room of a body. Its size is known from the header `Content-Length`, which DynamoDB always sends.
    pub(super) async fn reserve(&self, size: Option<u64>) -> Result<AnswerShare, BoxError> {
        let size = size.and_then(|size| size.try_into().ok()).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.free).acquire_many_owned(size.min(self.bytes)).await?;
        Ok(AnswerShare { _permit: permit })
    }
}

impl AnswerShare {
    pub(super) fn into_answer(self, bytes: Vec<u8>) -> Bytes {
        Bytes::from_owner(LimitedAnswer { bytes, _share: self })
    }
}

impl AsRef<[u8]> for LimitedAnswer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads a body into memory once: pieces that are joined at the end would take its size twice.
pub(super) async fn read_body(mut body: Incoming) -> Result<Vec<u8>, hyper::Error> {
    let size = body.size_hint().exact().and_then(|size| usize::try_from(size).ok());
    let mut bytes = Vec::with_capacity(size.unwrap_or_default());
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes)
}
