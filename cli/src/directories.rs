//! Where restctl keeps files on this machine: the XDG base directories, on macOS too.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use crate::failure::{Failure, FailureContext, Result};

/// Returns the folder of tokens and of the local cloud's state: `$XDG_STATE_HOME/restctl`, by default
/// `~/.local/state/restctl`.
pub(crate) fn state_folder() -> Result<PathBuf> {
    let state = base_strategy()?.state_dir();
    state.map(|dir| dir.join("restctl")).ok_or_else(|| Failure::new("this system has no state folder"))
}

/// Returns the folder of files that can be downloaded again: `$XDG_CACHE_HOME/restctl`, by default `~/.cache/restctl`.
pub(crate) fn cache_folder() -> Result<PathBuf> {
    Ok(base_strategy()?.cache_dir().join("restctl"))
}

/// Creates `dir` and its parents, accessible only to the user.
pub(crate) fn create_private_folder(dir: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .context(format!("cannot create the folder {}", dir.display()))
}

/// Replaces `file` atomically, readable only by the user: a reader sees either the old bytes or the new ones.
pub(crate) fn write_private_file(file: &Path, bytes: &[u8]) -> Result<()> {
    let write = || -> io::Result<()> {
        let beside = file.with_extension(format!("{}.part", std::process::id()));
        let mut options = fs::OpenOptions::new();
        let mut part = options.write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        part.set_permissions(fs::Permissions::from_mode(0o600))?;
        io::Write::write_all(&mut part, bytes)?;
        fs::rename(&beside, file)
    };
    if let Some(parent) = file.parent() {
        create_private_folder(parent)?;
    }
    write().context(format!("cannot write {}", file.display()))
}

/// Creates `file` anew, readable only by the user.
pub(crate) fn create_private_file(file: &Path) -> Result<fs::File> {
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .context(format!("cannot create {}", file.display()))
}

fn base_strategy() -> Result<impl BaseStrategy> {
    etcetera::choose_base_strategy()
        .context("cannot find the home folder")
        .map_err(|failure| failure.next("export HOME=/path/to/your/home"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_files_are_private() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sub/token.json");
        write_private_file(&file, b"one").unwrap();
        write_private_file(&file, b"two").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(file.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    }
}
