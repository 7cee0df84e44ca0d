//! The bytes of a data file or of standard input, opened once and read several times.

mod reader;

use std::fs::{File, Metadata};
use std::io::{self, stdin};
use std::os::unix::fs::FileExt;
use std::path::Path;

pub(crate) use self::reader::SourceReader;
use crate::failure::{Exit, Failure, FailureContext, Result};

pub(crate) struct Source {
    /// How messages refer to it: its path on the command line, or `standard input`.
    pub(crate) shown: String,
    /// In bytes.
    pub(crate) size: u64,
    opened: Metadata,
    file: File,
}

impl Source {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let shown = path.display().to_string();
        if !path.is_file() {
            return Err(Failure::new(format!("{shown} is not a regular file")).exit(Exit::Usage));
        }
        let file = File::open(path).context(format!("cannot read {shown}"))?;
        Self::from_opened(shown, file)
    }

    /// Copies all of standard input into an unnamed file, which goes away with this process.
    pub(crate) fn spool_standard_input() -> Result<Self> {
        let mut spool = tempfile::tempfile().context("cannot create a temporary file")?;
        let copied = io::copy(&mut stdin().lock(), &mut spool);
        copied.context("cannot keep standard input in a temporary file").map_err(|failure| {
            failure.next("choose a folder with more space: export TMPDIR=/path/to/folder")
        })?;
        Self::from_opened("standard input".to_owned(), spool)
    }

    /// Takes an open file that messages call `shown`.
    pub(super) fn from_opened(shown: String, file: File) -> Result<Self> {
        let opened = file.metadata().context(format!("cannot read {shown}"))?;
        Ok(Self { shown, size: opened.len(), opened, file })
    }

    /// Returns a reader of all bytes that has its own position.
    pub(super) fn reader(&self) -> Result<SourceReader> {
        let file = self.file.try_clone().context(format!("cannot read {}", self.shown))?;
        Ok(SourceReader::new(file, self.size))
    }

    /// Reads the bytes from `start` on, up to the end of `buffer` or of the file.
    pub(crate) fn read_at(&self, start: u64, buffer: &mut [u8]) -> Result<usize> {
        loop {
            match self.file.read_at(buffer, start) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read.context(format!("cannot read {}", self.shown)),
            }
        }
    }

    /// Returns `length` bytes from `start` on.
    pub(crate) fn read_range(&self, start: u64, length: u64) -> Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(length).context("a part does not fit into memory")?];
        match self.file.read_exact_at(&mut bytes, start) {
            Ok(()) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(self.changed_failure()),
            Err(error) => Err(error).context(format!("cannot read {}", self.shown)),
        }
    }

    /// Fails if the file was written after it was opened: what is sent must be what was surveyed.
    pub(crate) fn ensure_unchanged(&self) -> Result<()> {
        let now = self.file.metadata().context(format!("cannot read {}", self.shown))?;
        if now.len() == self.opened.len() && now.modified().ok() == self.opened.modified().ok() {
            Ok(())
        } else {
            Err(self.changed_failure())
        }
    }

    fn changed_failure(&self) -> Failure {
        Failure::new(format!("{} changed while restctl read it", self.shown))
            .next("wait until it is complete, then run the command again")
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_that_changes_meanwhile_is_detected() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv");
        std::fs::write(&path, "id\n1\n").unwrap();
        let source = Source::open(&path).unwrap();
        assert_eq!(source.read_range(3, 2).unwrap(), b"1\n");
        source.ensure_unchanged().unwrap();
        File::options().append(true).open(&path).unwrap().write_all(b"2\n").unwrap();
        assert!(source.ensure_unchanged().unwrap_err().to_string().contains("changed while"));
        File::options().write(true).open(&path).unwrap().set_len(3).unwrap();
        assert!(source.read_range(3, 2).unwrap_err().to_string().contains("changed while"));
    }
}
