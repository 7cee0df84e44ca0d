//! Where the items go: standard output, or a file that appears when it is complete.

use std::fs::Permissions;
use std::io::{BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::failure::{Exit, Failure, FailureContext, Result};
use crate::terminal::output;

pub(super) enum ExportSink {
    Output,
    /// `part` is written beside `file` and takes its place at the end.
    File {
        part: BufWriter<NamedTempFile>,
        file: PathBuf,
        replace: bool,
    },
}

impl ExportSink {
    pub(super) fn open(file: Option<PathBuf>, replace: bool) -> Result<Self> {
        let Some(file) = file else { return Ok(Self::Output) };
        if file.is_dir() {
            return Err(Failure::new(format!("{} is a folder", file.display())).exit(Exit::Usage));
        }
        if file.exists() && !replace {
            return Err(exists_failure(&file));
        }
        let folder = match file.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        // The umask restricts these permissions as it does for any new file.
        let mut builder = tempfile::Builder::new();
        builder.prefix(".restctl-").suffix(".part").permissions(Permissions::from_mode(0o666));
        let part = builder.tempfile_in(folder);
        let part = part.context(format!("cannot write {}", file.display()))?;
        Ok(Self::File { part: BufWriter::new(part), file, replace })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Output => output::write_bytes(bytes),
            Self::File { part, file, .. } => {
                part.write_all(bytes).context(format!("cannot write {}", file.display()))
            }
        }
    }

    /// Puts the file in its place. Returns where the items are, in words that follow "items".
    pub(super) fn finish(self) -> Result<String> {
        let Self::File { part, file, replace } = self else { return Ok("exported".to_owned()) };
        let doing = format!("cannot write {}", file.display());
        let part = part.into_inner().map_err(|error| error.into_error()).context(&doing)?;
        let placed = if replace { part.persist(&file) } else { part.persist_noclobber(&file) };
        match placed {
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
                Err(exists_failure(&file))
            }
            placed => {
                placed.context(doing)?;
                Ok(format!("in {}", file.display()))
            }
        }
    }
}

fn exists_failure(file: &Path) -> Failure {
    Failure::new(format!("{} exists", file.display()))
        .exit(Exit::Usage)
        .why("restctl does not replace a file without --force")
        .next("choose another file, or use --force")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_complete_or_absent() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.csv");
        let names = || fs::read_dir(folder.path()).unwrap().count();

        let mut sink = ExportSink::open(Some(file.clone()), false).unwrap();
        sink.write(b"one").unwrap();
        assert!(!file.exists());
        drop(sink);
        assert_eq!(names(), 0, "a dropped sink leaves nothing");

        let mut sink = ExportSink::open(Some(file.clone()), false).unwrap();
        sink.write(b"one").unwrap();
        sink.finish().unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"one");
        assert!(ExportSink::open(Some(file.clone()), false).is_err());

        let mut sink = ExportSink::open(Some(file.clone()), true).unwrap();
        sink.write(b"two").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"one");
        sink.finish().unwrap();
        assert_eq!((fs::read(&file).unwrap(), names()), (b"two".to_vec(), 1));
    }

    #[test]
    fn a_file_that_appears_meanwhile_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.csv");
        let sink = ExportSink::open(Some(file.clone()), false).unwrap();
        fs::write(&file, "other").unwrap();
        assert!(sink.finish().is_err());
        assert_eq!(fs::read(&file).unwrap(), b"other");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
