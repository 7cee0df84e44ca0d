//! What is uploaded: a file, or what came from standard input, opened once and read several times.

use std::fs::{File, Metadata};
use std::io::{self, stdin};
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::failure::{Exit, Failure, FailureContext, Result};

pub(crate) struct Source {
    /// How the person who typed the command calls it.
    pub(crate) shown: String,
    /// In bytes.
    pub(crate) size: u64,
    opened: Metadata,
    file: File,
}

impl Source {
    pub(crate) fn file(path: &Path) -> Result<Self> {
        let shown = path.display().to_string();
        if !path.is_file() {
            return Err(Failure::new(format!("{shown} is no file")).exit(Exit::Usage));
        }
        let file = File::open(path).context(format!("{shown} cannot be read"))?;
        Self::of(shown, file)
    }

    /// All of standard input, in a file that has no name and goes with this process.
    pub(crate) fn standard_input() -> Result<Self> {
        let mut spool = tempfile::tempfile().context("no temporary file can be made")?;
        let copied = io::copy(&mut stdin().lock(), &mut spool);
        copied
            .context("standard input cannot be kept in a temporary file")
            .map_err(|failure| failure.next("name a folder with more space: export TMPDIR=/path/to/it"))?;
        Self::of("standard input".to_owned(), spool)
    }

    fn of(shown: String, file: File) -> Result<Self> {
        let opened = file.metadata().context(format!("{shown} cannot be read"))?;
        Ok(Self { shown, size: opened.len(), opened, file })
    }

    /// The bytes from `start` on, up to the end of `buffer` or of the file.
    pub(crate) fn read_at(&self, start: u64, buffer: &mut [u8]) -> Result<usize> {
        loop {
            match self.file.read_at(buffer, start) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read.context(format!("{} cannot be read", self.shown)),
            }
        }
    }

    /// `length` bytes from `start` on.
    pub(crate) fn read(&self, start: u64, length: u64) -> Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(length).context("a part does not fit into memory")?];
        match self.file.read_exact_at(&mut bytes, start) {
            Ok(()) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(self.changed()),
            Err(error) => Err(error).context(format!("{} cannot be read", self.shown)),
        }
    }

    /// The file was not written since it was opened: what is sent is what was read before.
    pub(crate) fn ensure_unchanged(&self) -> Result<()> {
        let now = self.file.metadata().context(format!("{} cannot be read", self.shown))?;
        if now.len() == self.opened.len() && now.modified().ok() == self.opened.modified().ok() {
            Ok(())
        } else {
            Err(self.changed())
        }
    }

    fn changed(&self) -> Failure {
        Failure::new(format!("{} changed while it was read", self.shown))
            .next("wait until it is written, then type the command again")
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_that_is_written_meanwhile_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv");
        std::fs::write(&path, "id\n1\n").unwrap();
        let source = Source::file(&path).unwrap();
        assert_eq!(source.read(3, 2).unwrap(), b"1\n");
        source.ensure_unchanged().unwrap();
        File::options().append(true).open(&path).unwrap().write_all(b"2\n").unwrap();
        assert!(source.ensure_unchanged().unwrap_err().to_string().contains("changed while"));
        File::options().write(true).open(&path).unwrap().set_len(3).unwrap();
        assert!(source.read(3, 2).unwrap_err().to_string().contains("changed while"));
    }
}
