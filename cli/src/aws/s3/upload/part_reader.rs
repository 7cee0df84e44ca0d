//! The parts of a file in their order, read once: what is sent is what was digested.

use sha2::{Digest, Sha256};

use crate::data_file::source::Source;
use crate::digest::{sha256_base64, to_hex};
use crate::failure::Result;

pub(super) struct FilePart {
    /// The first is 1.
    pub(super) number: i32,
    pub(super) bytes: Vec<u8>,
    /// SHA-256, in base64.
    pub(super) checksum: String,
}

pub(super) struct PartReader<'a> {
    source: &'a Source,
    part_bytes: u64,
    number: i32,
    at: u64,
    /// Of all bytes before `at`.
    digest: Sha256,
    found_change: bool,
}

impl<'a> PartReader<'a> {
    pub(super) fn new(source: &'a Source, part_bytes: u64) -> Self {
        Self { source, part_bytes, number: 0, at: 0, digest: Sha256::new(), found_change: false }
    }

    /// Returns the next part, or `None` after the last one.
    pub(super) fn read_next(&mut self) -> Result<Option<FilePart>> {
        // A change is noticed before the rest is sent in vain.
        self.ensure_unchanged()?;
        let length = self.part_bytes.min(self.source.size - self.at);
        if length == 0 {
            return Ok(None);
        }
        let read = self.source.read_range(self.at, length);
        if read.is_err() {
            self.ensure_unchanged()?;
        }
        let bytes = read?;
        self.digest.update(&bytes);
        self.at += length;
        self.number += 1;
        Ok(Some(FilePart { number: self.number, checksum: sha256_base64(&bytes), bytes }))
    }

    /// Fails unless `digest`, which is hexadecimal, is the SHA-256 of all bytes that were read.
    pub(super) fn ensure_digest(&mut self, digest: &str) -> Result<()> {
        self.ensure_unchanged()?;
        if to_hex(&self.digest.finalize_reset()) == digest {
            return Ok(());
        }
        self.found_change = true;
        Err(self.source.changed_failure())
    }

    /// Whether a method has failed since the file is no longer the one that was opened.
    pub(super) fn found_change(&self) -> bool {
        self.found_change
    }

    fn ensure_unchanged(&mut self) -> Result<()> {
        let unchanged = self.source.ensure_unchanged();
        self.found_change |= unchanged.is_err();
        unchanged
    }
}
