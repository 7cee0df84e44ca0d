//! The temporary file that a conversion writes.

use std::fs::File;
use std::io::Write;

use zstd::stream::write::Encoder;

use crate::data_file::source::Source;
use crate::failure::{FailureContext, Result};

/// zstd's own default. A higher level saves little of the bytes that are sent, and takes several times as long.
const LEVEL: i32 = 3;

/// After this many bytes other tasks get a turn, so that Ctrl-C is noticed.
const BYTES_BEFORE_YIELD: usize = 256 * 1024;

const CANNOT_KEEP: &str = "cannot keep the converted file in a temporary file";

/// Compresses what is written to it into an unnamed file, which goes away with this process.
pub(super) struct Spool {
    encoder: Encoder<'static, File>,
    buffer: Vec<u8>,
}

impl Spool {
    pub(super) fn create() -> Result<Self> {
        let file = tempfile::tempfile().context_of_temporary_file(CANNOT_KEEP)?;
        let encoder = Encoder::new(file, LEVEL).context("cannot compress")?;
        Ok(Self { encoder, buffer: Vec::with_capacity(BYTES_BEFORE_YIELD) })
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BYTES_BEFORE_YIELD {
            self.compress_buffer()?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Returns what was written. Messages call it `shown`.
    pub(super) fn into_source(mut self, shown: &str) -> Result<Source> {
        self.compress_buffer()?;
        let file = self.encoder.finish().context_of_temporary_file(CANNOT_KEEP)?;
        Source::from_opened(shown.to_owned(), file, true)
    }

    fn compress_buffer(&mut self) -> Result<()> {
        self.encoder.write_all(&self.buffer).context_of_temporary_file(CANNOT_KEEP)?;
        self.buffer.clear();
        Ok(())
    }
}
