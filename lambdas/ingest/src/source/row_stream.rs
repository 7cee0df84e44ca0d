use aws_sdk_s3::Client;
use bytes::{Buf, Bytes};
use restctl_contract::key::Key;
use restctl_contract::load::Position;
use restctl_rows::{Parser, Reject, Row};

use super::object::{Object, ObjectBody};
use super::window::Window;
use crate::error::{Error, LoadError};

/// How often in a row the connection may break off without a byte.
const MAX_BREAKS: u32 = 5;

/// When a window is full: by its rows or by their size, as DynamoDB counts it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WindowSize {
    pub(crate) rows: usize,
    pub(crate) bytes: usize,
}

impl Default for WindowSize {
    fn default() -> Self {
        Self { rows: 1_000, bytes: 4 * 1024 * 1024 }
    }
}

/// The rows of an object, window by window. It holds one chunk of the object at a time.
pub(crate) struct RowStream<'a> {
    s3: &'a Client,
    object: &'a Object,
    size: WindowSize,
    parser: Parser,
    body: Option<ObjectBody>,
    /// The bytes that have arrived and are not parsed yet.
    chunk: Bytes,
    breaks: u32,
    ended: bool,
    /// Why the file cannot be read any further. It is reported after the rows before it.
    failure: Option<LoadError>,
    rows: Vec<Result<Row, Reject>>,
}

impl<'a> RowStream<'a> {
    /// Reads on at `position`, where an earlier stream of the same object stood.
    pub(crate) fn resume(
        s3: &'a Client,
        object: &'a Object,
        key: &Key,
        position: Position,
        size: WindowSize,
    ) -> Result<Self, LoadError> {
        let parser = Parser::resume(&object.dialect()?, key, position);
        let (chunk, rows) = (Bytes::new(), Vec::new());
        Ok(Self { s3, object, size, parser, body: None, chunk, breaks: 0, ended: false, failure: None, rows })
    }

    /// Returns the next window, or `None` after the last one. An error comes after all rows before it.
    pub(crate) async fn next_window(&mut self) -> Result<Option<Window>, LoadError> {
        let mut window = Window::starting_at(self.parser.position());
        while !self.ended && self.failure.is_none() && !self.is_full(&window) {
            if let Err(failure) = self.parse_or_fetch().await {
                self.failure = Some(failure);
            }
            for row in self.rows.drain(..) {
                match row {
                    Ok(row) => window.push(row),
                    Err(reject) => window.rejects.push(reject),
                }
            }
        }
        window.end = self.parser.position();
        match self.failure.take() {
            Some(failure) if window.rows_read() == 0 => Err(failure),
            failure => {
                self.failure = failure;
                Ok((window.rows_read() > 0).then_some(window))
            }
        }
    }

    fn is_full(&self, window: &Window) -> bool {
        window.rows.len() + window.rejects.len() >= self.size.rows || window.bytes() >= self.size.bytes
    }

    async fn parse_or_fetch(&mut self) -> Result<(), LoadError> {
        if self.parse_chunk()? { Ok(()) } else { self.fetch_chunk().await }
    }

    /// Parses some rows and returns whether the chunk may have more.
    fn parse_chunk(&mut self) -> Result<bool, LoadError> {
        let mut rest = &self.chunk[..];
        let has_more = self.parser.read(&mut rest, &mut self.rows)?;
        let parsed = self.chunk.len() - rest.len();
        self.chunk.advance(parsed);
        Ok(has_more)
    }

    /// Fetches the bytes that the parser needs next, or ends the stream.
    async fn fetch_chunk(&mut self) -> Result<(), LoadError> {
        let wanted = self.parser.wanted_offset();
        if wanted >= self.object.size {
            self.ended = !self.parser.finish(&mut self.rows)?;
            return Ok(());
        }
        let body = match self.body.take().filter(|body| body.offset == wanted || !body.is_range) {
            Some(body) => body,
            None => self.object.open_at(self.s3, wanted).await?.ok_or_else(LoadError::object_deleted)?,
        };
        let body = self.body.insert(body);
        match body.bytes.next().await {
            Some(Ok(mut chunk)) => {
                let unwanted = wanted.saturating_sub(body.offset).min(chunk.len() as u64);
                body.offset += chunk.len() as u64;
                chunk.advance(usize::try_from(unwanted).unwrap_or(usize::MAX));
                self.chunk = chunk;
                self.breaks = 0;
                Ok(())
            }
            Some(Err(error)) => self.reopen_after(Error::failed_call("GetObject", &self.object.key, error)),
            None => self.reopen_after(Error::unreadable_answer("GetObject", "it ends before the object")),
        }
    }

    /// Lets the next fetch open the object again, at the byte that is needed next, unless that has failed too often.
    fn reopen_after(&mut self, error: Error) -> Result<(), LoadError> {
        self.body = None;
        self.breaks += 1;
        if self.breaks > MAX_BREAKS { Err(error.into()) } else { Ok(()) }
    }
}
