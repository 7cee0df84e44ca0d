use aws_sdk_s3::Client;
use bytes::{Buf, Bytes};
use restctl_contract::key::Key;
use restctl_contract::load::Position;
use restctl_rows::{ColumnType, Dialect, Parser, Reject, Row};

use super::object::Object;
use super::object_bytes::ObjectBytes;
use super::window::Window;
use crate::error::LoadError;

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
    bytes: ObjectBytes<'a>,
    size: WindowSize,
    parser: Parser,
    /// The bytes that have arrived and are not parsed yet.
    chunk: Bytes,
    /// Every byte is parsed, and the parser ends the file.
    ending: bool,
    ended: bool,
    /// Why the file cannot be read any further. It is reported after the rows before it.
    failure: Option<LoadError>,
    rows: Vec<Result<Row, Reject>>,
}

impl<'a> RowStream<'a> {
    /// Reads on at `position`, where an earlier stream of the same object stood that had the same dialect.
    pub(crate) fn resume(
        s3: &'a Client,
        object: &'a Object,
        dialect: &Dialect,
        key: &Key,
        position: Position,
        size: WindowSize,
    ) -> Self {
        Self {
            bytes: ObjectBytes::new(s3, object, object.size),
            size,
            parser: Parser::resume(dialect, key, position),
            chunk: Bytes::new(),
            ending: false,
            ended: false,
            failure: None,
            rows: Vec::new(),
        }
    }

    /// Returns the name and the type of each column of a CSV, once its header has been read. JSON has none.
    pub(crate) fn column_types(&self) -> impl Iterator<Item = (&str, ColumnType)> {
        self.parser.column_types()
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
        if self.ending {
            self.ended = !self.parser.finish(&mut self.rows)?;
        } else if !self.parse_chunk()? {
            self.fetch_chunk().await?;
        }
        Ok(())
    }

    /// Parses some rows and returns whether the chunk may have more.
    fn parse_chunk(&mut self) -> Result<bool, LoadError> {
        let mut rest = &self.chunk[..];
        let has_more = self.parser.read(&mut rest, &mut self.rows)?;
        let parsed = self.chunk.len() - rest.len();
        self.chunk.advance(parsed);
        Ok(has_more)
    }

    /// Fetches the bytes that the parser needs next, or finds that there are none.
    async fn fetch_chunk(&mut self) -> Result<(), LoadError> {
        let wanted = self.parser.wanted_offset();
        if wanted >= self.bytes.object.size {
            self.ending = true;
        } else {
            self.chunk = self.bytes.next_chunk(wanted).await?;
        }
        Ok(())
    }
}
