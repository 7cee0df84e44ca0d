//! A source as parsers want it: a stream that can be repositioned.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

/// Reads a file at a position of its own, which no other reader of the same file moves.
pub(crate) struct SourceReader {
    file: File,
    size: u64,
    at: u64,
}

impl SourceReader {
    pub(super) fn new(file: File, size: u64) -> Self {
        Self { file, size, at: 0 }
    }

    /// Returns the size of the file in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Returns another reader of the same file, at byte `at`.
    pub(crate) fn at(&self, at: u64) -> io::Result<Self> {
        Ok(Self { file: self.file.try_clone()?, size: self.size, at })
    }
}

impl Read for SourceReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read_at(buffer, self.at)?;
        self.at += length as u64;
        Ok(length)
    }
}

impl Seek for SourceReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(offset) => self.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
        };
        let out_of_range = || io::Error::new(io::ErrorKind::InvalidInput, "a position before the file");
        self.at = target.ok_or_else(out_of_range)?;
        Ok(self.at)
    }
}
