//! Where the items go: standard output, or a file that appears when it is complete.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::directories;
use crate::failure::{Exit, Failure, Result, shell_argument};
use crate::terminal::output;
use crate::terminal::sanitize::Syntax;

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
            let inside = file.join("items.ndjson");
            return Err(Failure::usage(format!("{} is a folder", file.display())).next(format!(
                "name a file in it, such as {}",
                shell_argument(&inside.to_string_lossy(), "items.ndjson")
            )));
        }
        match file.metadata() {
            Ok(found) if !found.is_file() => return Err(no_file_failure(&file)),
            Ok(_) if !replace => return Err(exists_failure(&file)),
            _ => {}
        }
        let folder = match file.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let part = directories::create_part(folder, 0o666);
        let part = part.map_err(|error| cannot_create_failure(&file, folder, &error))?;
        Ok(Self::File { part: BufWriter::new(part), file, replace })
    }

    pub(super) fn write(&mut self, bytes: &[u8], syntax: Syntax) -> Result<()> {
        match self {
            Self::Output => output::write_data(bytes, syntax),
            Self::File { part, file, .. } => {
                part.write_all(bytes).map_err(|error| cannot_write_failure(file, &error))
            }
        }
    }

    /// Puts the file in its place. Returns where the items are, in words that follow "items".
    pub(super) fn finish(self) -> Result<String> {
        let Self::File { part, file, replace } = self else { return Ok("exported".to_owned()) };
        let part = part.into_inner().map_err(|error| cannot_write_failure(&file, error.error()))?;
        let placed = if replace { part.persist(&file) } else { part.persist_noclobber(&file) };
        match placed {
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Err(exists_failure(&file)),
            Err(error) => Err(cannot_write_failure(&file, &error.error)),
            Ok(_) => Ok(format!("in {}", file.display())),
        }
    }
}

fn cannot_create_failure(file: &Path, folder: &Path, error: &io::Error) -> Failure {
    let failure = Failure::usage(format!("cannot write {}", file.display()));
    match error.kind() {
        ErrorKind::NotFound => failure
            .why(format!("the folder {} does not exist", folder.display()))
            .next(format!("mkdir -p {}", shell_argument(&folder.to_string_lossy(), "FOLDER"))),
        ErrorKind::PermissionDenied => {
            failure.because(error).next("choose a file in a folder that you may write to")
        }
        _ => failure.because(error).next("choose a file in another folder"),
    }
}

/// Describes that a file cannot be written to its end.
fn cannot_write_failure(file: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("cannot write {}", file.display()))
        .because(error)
        .next("choose a file in another folder, on a disk with more space")
}

/// Describes a pipe or a device: a file that takes its place would break it.
fn no_file_failure(file: &Path) -> Failure {
    let to = shell_argument(&file.to_string_lossy(), "FILE");
    Failure::usage(format!("{} is a pipe or a device", file.display()))
        .next(format!("write to standard output, and redirect it: restctl export - > {to}"))
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
        sink.write(b"one", Syntax::Csv).unwrap();
        assert!(!file.exists());
        drop(sink);
        assert_eq!(names(), 0, "a dropped sink leaves nothing");

        let mut sink = ExportSink::open(Some(file.clone()), false).unwrap();
        sink.write(b"one", Syntax::Csv).unwrap();
        sink.finish().unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"one");
        assert!(ExportSink::open(Some(file.clone()), false).is_err());

        let mut sink = ExportSink::open(Some(file.clone()), true).unwrap();
        sink.write(b"two", Syntax::Csv).unwrap();
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

    #[test]
    fn a_link_that_appears_meanwhile_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (file, target) = (folder.path().join("a.csv"), folder.path().join("target"));
        fs::write(&target, "other").unwrap();
        for replace in [false, true] {
            let mut sink = ExportSink::open(Some(file.clone()), replace).unwrap();
            std::os::unix::fs::symlink(&target, &file).unwrap();
            sink.write(b"items", Syntax::Json).unwrap();
            assert_eq!(sink.finish().is_ok(), replace);
            assert_eq!(fs::read(&target).unwrap(), b"other");
            assert_ne!(file.is_symlink(), replace);
            fs::remove_file(&file).unwrap();
        }
    }
}
