//! Reads the records of a file as its load does.

use std::ops::Range;

use restctl_contract::key::Key;
use restctl_rows::{Dialect, Parser, Reject, Row, Unreadable};

use crate::data_file::source::Source;
use crate::data_file::survey::cannot_load_failure;
use crate::failure::{Failure, Result};
use crate::terminal::progress::ProgressBar;

const CHUNK_BYTES: usize = 256 * 1024;

pub(super) struct RecordReader<'a> {
    source: &'a Source,
    parser: Parser,
    progress: ProgressBar,
    chunk: Vec<u8>,
    /// The part of the chunk that the parser has not read.
    unread: Range<usize>,
    /// Whether the parser has more records without another chunk.
    has_more: bool,
    /// Where the next chunk begins.
    at: u64,
    is_finished: bool,
}

impl<'a> RecordReader<'a> {
    pub(super) fn new(source: &'a Source, dialect: &Dialect, key: &Key, progress: ProgressBar) -> Self {
        Self {
            source,
            parser: Parser::new(dialect, key),
            progress,
            chunk: vec![0; CHUNK_BYTES],
            unread: 0..0,
            has_more: false,
            at: 0,
            is_finished: false,
        }
    }

    /// Returns the next records in the order of the file, or `None` after the last one. It yields between chunks, so that
    /// Ctrl-C is noticed.
    pub(super) async fn next_batch(&mut self) -> Result<Option<Vec<Result<Row, Reject>>>> {
        let mut records = Vec::new();
        while records.is_empty() {
            if self.is_finished {
                return Ok(None);
            }
            if !self.has_more {
                tokio::task::yield_now().await;
                self.read_chunk()?;
            }
            if self.unread.is_empty() && !self.has_more {
                let finished = self.parser.finish(&mut records);
                self.is_finished = !finished.map_err(|reason| self.unreadable_failure(&reason))?;
            } else {
                let mut rest = &self.chunk[self.unread.clone()];
                let read = self.parser.read(&mut rest, &mut records);
                self.unread.start = self.unread.end - rest.len();
                self.has_more = read.map_err(|reason| self.unreadable_failure(&reason))?;
            }
        }
        Ok(Some(records))
    }

    fn read_chunk(&mut self) -> Result<()> {
        let length = self.source.read_at(self.at, &mut self.chunk)?;
        self.at += length as u64;
        self.unread = 0..length;
        self.progress.set_position(self.at);
        Ok(())
    }

    fn unreadable_failure(&self, reason: &Unreadable) -> Failure {
        cannot_load_failure(&self.source.shown, reason)
    }
}
