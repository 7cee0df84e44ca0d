//! Reads pieces of a Parquet file.

use std::io::{BufReader, Read};

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use super::pages::MAX_PAGE_BYTES;
use crate::data_file::source::SourceReader;

/// Page headers are read through it, and have a few dozen bytes.
const HEADER_BUFFER_BYTES: usize = 512;

pub(super) struct Chunks {
    file: SourceReader,
}

impl Chunks {
    pub(super) fn new(file: SourceReader) -> Self {
        Self { file }
    }
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.file.size()
    }
}

impl ChunkReader for Chunks {
    type T = BufReader<SourceReader>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(BufReader::with_capacity(HEADER_BUFFER_BYTES, self.file.at(start)?))
    }

    /// Reads a page or the footer. Memory is not reserved by the length, which is a claim of the file.
    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        if length > MAX_PAGE_BYTES {
            let reason = format!("a page has {length} bytes, and restctl reads at most {MAX_PAGE_BYTES}");
            return Err(ParquetError::General(reason));
        }
        let mut bytes = Vec::new();
        self.file.at(start)?.take(length as u64).read_to_end(&mut bytes)?;
        if bytes.len() < length {
            return Err(ParquetError::EOF(format!("{length} bytes should follow byte {start}")));
        }
        Ok(bytes.into())
    }
}
