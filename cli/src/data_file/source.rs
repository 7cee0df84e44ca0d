//! The bytes of a data file, a pipe or of standard input, opened once and read several times.

mod reader;

use std::fs::{File, Metadata};
use std::io::{self, Read, stdin};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

pub(crate) use self::reader::SourceReader;
use crate::failure::{Failure, FailureContext, Result, shell_argument};
use crate::terminal::interrupt;

pub(crate) struct Source {
    /// How messages refer to it: its path on the command line, or `standard input`.
    pub(crate) shown: String,
    /// In bytes.
    pub(crate) size: u64,
    /// Whether another process can read the same bytes, to resume an upload.
    pub(crate) can_be_read_again: bool,
    /// `None` for a temporary file, which has no name.
    path: Option<PathBuf>,
    opened: Metadata,
    file: File,
}

impl Source {
    /// Fails if nothing can be read from the path.
    pub(crate) fn check_path(path: &Path) -> Result<()> {
        let shown = path.display();
        match path.metadata() {
            Ok(found) if found.is_dir() => Err(Failure::usage(format!("{shown} is a folder")).next(format!(
                "name the files in it, such as {}/*.csv",
                shell_argument(path.to_string_lossy().trim_end_matches('/'), "FOLDER")
            ))),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(Failure::usage(format!("{shown} does not exist")).next("correct the path"))
            }
            Err(error) => Err(cannot_open_failure(path, &error)),
        }
    }

    /// Opens a file. What comes through a pipe is kept, as standard input is.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        Self::check_path(path)?;
        let shown = path.display().to_string();
        let file = File::open(path).map_err(|error| cannot_open_failure(path, &error))?;
        if is_stream(path) {
            return Self::spool(shown, file);
        }
        Ok(Self { path: Some(path.to_owned()), ..Self::from_opened(shown, file, true)? })
    }

    pub(crate) fn spool_standard_input() -> Result<Self> {
        Self::spool("standard input".to_owned(), stdin().lock())
    }

    /// Copies all of the input into an unnamed file, which goes away with this process.
    fn spool(shown: String, mut input: impl Read) -> Result<Self> {
        // The writer of a pipe may be slow.
        let _ending = interrupt::end_process_with(Failure::interrupted(), || ());
        let what = format!("cannot keep {shown} in a temporary file");
        let mut spool = tempfile::tempfile().context_of_temporary_file(&what)?;
        io::copy(&mut input, &mut spool).context_of_temporary_file(&what)?;
        Self::from_opened(shown, spool, false)
    }

    /// Takes an open file that messages call `shown`.
    pub(super) fn from_opened(shown: String, file: File, can_be_read_again: bool) -> Result<Self> {
        let opened = file.metadata().context(format!("cannot read {shown}"))?;
        Ok(Self { shown, size: opened.len(), can_be_read_again, path: None, opened, file })
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
                read => return read.map_err(|error| self.unreadable_failure(&error)),
            }
        }
    }

    /// Returns `length` bytes from `start` on.
    pub(crate) fn read_range(&self, start: u64, length: u64) -> Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(length).context("a part does not fit into memory")?];
        match self.file.read_exact_at(&mut bytes, start) {
            Ok(()) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(self.changed_failure()),
            Err(error) => Err(self.unreadable_failure(&error)),
        }
    }

    /// Fails if the size or the time of the file shows that it was written after it was opened, or if its name refers to
    /// another file by now. A time can be set back, so only a digest shows that no byte changed.
    pub(crate) fn ensure_unchanged(&self) -> Result<()> {
        let now = self.file.metadata().context(format!("cannot read {}", self.shown))?;
        if now.len() != self.opened.len() || now.modified().ok() != self.opened.modified().ok() {
            return Err(self.changed_failure());
        }
        // A file whose name is gone has no successor: its bytes are still the newest.
        match self.path.as_ref().and_then(|path| path.metadata().ok()) {
            Some(named) if (named.dev(), named.ino()) != (now.dev(), now.ino()) => {
                Err(self.changed_failure().why("another file took its place"))
            }
            _ => Ok(()),
        }
    }

    /// Describes an open file whose disk or file system fails.
    fn unreadable_failure(&self, error: &io::Error) -> Failure {
        Failure::new(format!("cannot read {}", self.shown))
            .because(error)
            .next("copy it to another disk, and run the command with the copy")
    }

    /// Describes a file whose bytes are not the ones that were read before.
    pub(crate) fn changed_failure(&self) -> Failure {
        Failure::new(format!("{} changed while restctl read it", self.shown))
            .next("wait until it is complete, then run the command again")
    }
}

/// Returns whether the path is a pipe or a device, which can be read only once.
pub(super) fn is_stream(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.file_type().is_fifo() || found.file_type().is_char_device())
}

fn cannot_open_failure(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::usage(format!("cannot read {}", path.display())).because(error);
    match error.kind() {
        io::ErrorKind::PermissionDenied => failure.next("make it and its folder readable for this user"),
        _ => failure.next("correct the path"),
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

    #[test]
    fn another_file_in_its_place_is_detected() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("a.csv"), dir.path().join("b.csv"));
        std::fs::write(&path, "id\n1\n").unwrap();
        std::fs::write(&other, "id\n1\n").unwrap();
        let source = Source::open(&path).unwrap();
        std::fs::rename(&other, &path).unwrap();
        let replaced = source.ensure_unchanged().unwrap_err().to_string();
        assert!(replaced.contains("changed while") && replaced.contains("took its place"), "{replaced}");
        std::fs::remove_file(&path).unwrap();
        source.ensure_unchanged().unwrap();
    }
}
