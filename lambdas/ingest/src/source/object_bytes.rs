use aws_sdk_s3::Client;
use bytes::{Buf, Bytes};
use restctl_rows::DETECTION_BYTES;

use super::object::{Object, ObjectBody};
use crate::error::{Error, LoadError};

/// How often in a row the connection may break off without a byte.
const MAX_BREAKS: u32 = 5;

/// The bytes of an object up to `end`, from any offset, over as many connections as that takes.
pub(super) struct ObjectBytes<'a> {
    s3: &'a Client,
    pub(super) object: &'a Object,
    end: u64,
    body: Option<ObjectBody>,
    breaks: u32,
}

/// Returns the first bytes of a file, as many as [`restctl_rows::Dialect::detect`] looks at.
pub(crate) async fn read_head(s3: &Client, object: &Object) -> Result<Vec<u8>, LoadError> {
    let end = object.size.min(DETECTION_BYTES as u64);
    let (mut bytes, mut head) = (ObjectBytes::new(s3, object, end), Vec::new());
    while (head.len() as u64) < end {
        head.extend_from_slice(&bytes.next_chunk(head.len() as u64).await?);
    }
    head.truncate(DETECTION_BYTES);
    Ok(head)
}

impl<'a> ObjectBytes<'a> {
    pub(super) fn new(s3: &'a Client, object: &'a Object, end: u64) -> Self {
        Self { s3, object, end, body: None, breaks: 0 }
    }

    /// Returns bytes from the offset `wanted` on, which is before the end. They may be none yet.
    pub(super) async fn next_chunk(&mut self, wanted: u64) -> Result<Bytes, LoadError> {
        let body = match self.body.take().filter(|body| body.offset == wanted || !body.is_range) {
            Some(body) => body,
            None => {
                let body = self.object.open(self.s3, wanted..self.end).await?;
                body.ok_or_else(LoadError::object_deleted)?
            }
        };
        let body = self.body.insert(body);
        match body.bytes.next().await {
            Some(Ok(mut chunk)) => {
                let unwanted = wanted.saturating_sub(body.offset).min(chunk.len() as u64);
                body.offset += chunk.len() as u64;
                chunk.advance(usize::try_from(unwanted).unwrap_or(usize::MAX));
                self.breaks = 0;
                Ok(chunk)
            }
            Some(Err(error)) => self.reopen_after(Error::failed_call("GetObject", &self.object.key, error)),
            None => self.reopen_after(Error::unreadable_answer("GetObject", "it ends before the object")),
        }
    }

    /// Lets the next call open the object again, at the byte that is needed next, unless that has failed too often.
    fn reopen_after(&mut self, error: Error) -> Result<Bytes, LoadError> {
        self.body = None;
        self.breaks += 1;
        if self.breaks > MAX_BREAKS { Err(error.into()) } else { Ok(Bytes::new()) }
    }
}
