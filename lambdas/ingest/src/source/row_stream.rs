use aws_sdk_s3::Client;
use bytes::{Buf, Bytes};
use restctl_contract::key::Key;
use restctl_contract::load::Position;
use restctl_rows::{ColumnType, Compression, Dialect, Parser, Reject, Row};

use super::object::Object;
use super::object_bytes::ObjectBytes;
use super::window::Window;
use crate::error::{Error, LoadError};
use crate::message::Deadline;

/// When a window is full: by its rows, by their size as DynamoDB counts it, or by what they take in memory. A list of
/// empty texts takes forty times its size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WindowSize {
    pub(crate) rows: usize,
    pub(crate) bytes: usize,
    pub(crate) memory: usize,
}

impl Default for WindowSize {
    fn default() -> Self {
        Self { rows: 1_000, bytes: 4 * 1024 * 1024, memory: 16 * 1024 * 1024 }
    }
}

/// The rows of an object, window by window. It holds one chunk of the object at a time.
pub(crate) struct RowStream<'a> {
    bytes: ObjectBytes<'a>,
    size: WindowSize,
    parser: Parser,
    is_compressed: bool,
    /// Where the stream began.
    start: Position,
    deadline: Deadline,
    /// The stream began with most of an invocation's time.
    began_fresh: bool,
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
        deadline: Deadline,
    ) -> Self {
        Self {
            bytes: ObjectBytes::new(s3, object, object.size),
            size,
            parser: Parser::resume(dialect, key, position),
            is_compressed: dialect.compression != Compression::None,
            start: position,
            deadline,
            began_fresh: deadline.is_fresh(),
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
    ///
    /// Once time is short, a window ends wherever the stream stands, even without a row, if that is further than where
    /// the stream began.
    ///
    /// # Errors
    /// [`LoadError::TooSlow`] if an invocation's time does not suffice for coming any further.
    pub(crate) async fn next_window(&mut self) -> Result<Option<Window>, LoadError> {
        let mut window = Window::starting_at(self.parser.position());
        while !self.ended && self.failure.is_none() && !self.is_full(&window) {
            if self.must_stop()? {
                break;
            }
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
                Ok((window.rows_read() > 0 || !self.ended).then_some(window))
            }
        }
    }

    /// Looks at the clock, about every 16 KiB of text: a file may have any amount of text without a row, and a small
    /// compressed one may stand for any amount of text.
    fn must_stop(&self) -> Result<bool, LoadError> {
        if self.parser.position() != self.start {
            Ok(self.deadline.is_short())
        } else if self.began_fresh && self.deadline.is_nearly_short() {
            Err(LoadError::TooSlow(self.too_slow_reason()))
        } else if self.deadline.time_left().is_zero() {
            Err(Error::OutOfTime.into())
        } else {
            Ok(false)
        }
    }

    fn too_slow_reason(&self) -> String {
        let Position { offset, line } = self.start;
        let (object, advice) = match self.is_compressed {
            true => {
                ("compressed file", "each run decompresses it from its start: split it, or decompress it")
            }
            false => ("file", "see what is there, or split it"),
        };
        format!(
            "one run of the function is too short to read the {object} further than line {line} (byte {offset} of its \
             text): {advice}"
        )
    }

    fn is_full(&self, window: &Window) -> bool {
        window.rows.len() + window.rejects.len() >= self.size.rows
            || window.bytes() >= self.size.bytes
            || window.memory() >= self.size.memory
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
