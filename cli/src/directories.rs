//! Where restctl keeps files on this machine: the XDG base directories, on macOS too.
//!
//! What is in these folders says where data and tokens go, so only this user and root may write to them. Each is checked
//! before it is used, from the base directory to the innermost: nobody else can replace a folder whose parent has been checked.
//! The parents of the base directory are the user's business.

mod ownership;
#[cfg(test)]
mod tests;

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use rustix::fs::OFlags;

use self::ownership::ensure_only_user_replaces_entries;
pub(crate) use self::ownership::{ensure_only_user_writes, ensure_owner_is_trusted};
use crate::failure::{Failure, FailureContext, Result};

/// The folder of restctl in each XDG base directory.
const FOLDER: &str = "restctl";

/// What to do about a file or a folder of restctl that cannot be written.
const MAKE_ROOM: &str = "free some space on that disk, or check who owns the folder;\n\
     to keep restctl's files elsewhere: export XDG_STATE_HOME=/path/to/folder and XDG_CACHE_HOME=/path/to/folder";

/// Returns the folder of tokens and of the local cloud's state: `$XDG_STATE_HOME/restctl`, by default
/// `~/.local/state/restctl`.
pub(crate) fn state_folder() -> Result<PathBuf> {
    let state = base_strategy()?.state_dir();
    let folder = state.ok_or_else(|| Failure::new("this system has no state folder"))?.join(FOLDER);
    ensure_only_user_writes_folders(&folder)?;
    Ok(folder)
}

/// Returns the folder of files that can be downloaded again: `$XDG_CACHE_HOME/restctl`, by default `~/.cache/restctl`.
pub(crate) fn cache_folder() -> Result<PathBuf> {
    let folder = base_strategy()?.cache_dir().join(FOLDER);
    ensure_only_user_writes_folders(&folder)?;
    Ok(folder)
}

/// Creates `dir` and its parents, accessible only to the user. Fails if others can write to `dir` or to a parent of it that
/// belongs to restctl.
pub(crate) fn create_private_folder(dir: &Path) -> Result<()> {
    walk_folders(dir, |folder, is_base| {
        match fs::DirBuilder::new().mode(0o700).recursive(is_base).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    })
}

/// Replaces `file` atomically, readable only by the user: a reader sees either the old bytes or the new ones.
pub(crate) fn write_private_file(file: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = file.parent() {
        create_private_folder(folder)?;
    }
    replace_file(file, bytes, 0o600).map_err(advise_to_make_room)
}

/// Replaces `file` atomically. `mode` are its permissions, which the umask restricts.
///
/// The bytes go into a new file with a name that nobody can know before, and the new file takes the place of `file`: a link
/// that someone has put there is replaced, and not followed.
pub(crate) fn replace_file(file: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let folder = file.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let write = || -> io::Result<()> {
        let mut part = create_part(folder, mode)?;
        part.write_all(bytes)?;
        part.persist(file).map_err(|error| error.error)?;
        Ok(())
    };
    write().context(format!("cannot write {}", file.display()))
}

/// Creates `file` anew, readable only by the user.
pub(crate) fn create_private_file(file: &Path) -> Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .context(format!("cannot create {}", file.display()))
        .map_err(advise_to_make_room)
}

/// Creates a file in `folder` that is deleted when it is dropped, unless it takes the place of another one.
pub(crate) fn create_part(folder: &Path, mode: u32) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".restctl-").suffix(".part").permissions(Permissions::from_mode(mode));
    builder.tempfile_in(folder)
}

/// Reads a file that [`write_private_file`] wrote. `None` if there is none.
pub(crate) fn read_private_file(file: &Path) -> Result<Option<Vec<u8>>> {
    if let Some(folder) = file.parent() {
        ensure_only_user_writes_folders(folder)?;
    }
    let doing = format!("cannot read {}", file.display());
    let mut opened = match open_without_following(OpenOptions::new().read(true), file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.context(&doing)?,
    };
    ensure_only_user_writes(file, &opened.metadata().context(&doing)?)?;
    let mut bytes = Vec::new();
    opened.read_to_end(&mut bytes).context(doing)?;
    Ok(Some(bytes))
}

/// Opens a file for a lock, and creates it if there is none.
pub(crate) fn open_lock_file(file: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    let options = options.create(true).truncate(false).read(true).write(true).mode(0o600);
    open_without_following(options, file)
        .context(format!("cannot open {}", file.display()))
        .map_err(advise_to_make_room)
}

/// Opens `file` unless it is a symbolic link.
pub(crate) fn open_without_following(options: &mut OpenOptions, file: &Path) -> io::Result<File> {
    options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(file)
}

/// Fails if `dir` exists and others can write to it or to a parent of it that belongs to restctl.
fn ensure_only_user_writes_folders(dir: &Path) -> Result<()> {
    walk_folders(dir, |_, _| Ok(()))
}

/// Fails if others can write to `dir` or to a parent of it that belongs to restctl, or if they can replace the outermost of
/// these. Calls `create` for each folder before it is checked, first for the one that contains the outermost. Folders that
/// do not exist are no failure.
fn walk_folders(dir: &Path, create: impl Fn(&Path, bool) -> io::Result<()>) -> Result<()> {
    let create = |folder: &Path, is_base| {
        create(folder, is_base)
            .context(format!("cannot create the folder {}", folder.display()))
            .map_err(advise_to_make_room)
    };
    let outermost = find_outermost_folder(dir)?;
    if let Some(base) = outermost.parent() {
        create(base, true)?;
        // The user chooses it, and may have put a link there.
        if let Some(found) = find_metadata(base, Path::metadata)? {
            ensure_only_user_replaces_entries(base, &found)?;
        }
    }
    let mut folders: Vec<_> = dir.ancestors().take_while(|folder| folder.starts_with(outermost)).collect();
    folders.reverse();
    for folder in folders {
        create(folder, false)?;
        let Some(found) = find_metadata(folder, Path::symlink_metadata)? else { break };
        ensure_only_user_writes(folder, &found)?;
        if !found.is_dir() {
            return Err(no_folder_failure(folder));
        }
    }
    Ok(())
}

/// Returns the folder of restctl that contains `dir`, or else `dir` itself.
fn find_outermost_folder(dir: &Path) -> Result<&Path> {
    let strategy = base_strategy()?;
    let bases = [strategy.state_dir(), Some(strategy.cache_dir())];
    let is_ours = |folder: &&Path| bases.iter().flatten().any(|base| base.join(FOLDER) == **folder);
    Ok(dir.ancestors().find(is_ours).unwrap_or(dir))
}

fn find_metadata(path: &Path, look_up: impl Fn(&Path) -> io::Result<Metadata>) -> Result<Option<Metadata>> {
    match look_up(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        found => found.context(format!("cannot read {}", path.display())).map(Some),
    }
}

pub(crate) fn advise_to_make_room(failure: Failure) -> Failure {
    failure.next(MAKE_ROOM)
}

fn no_folder_failure(path: &Path) -> Failure {
    Failure::usage(format!("cannot use {}", path.display()))
        .why("it is a symbolic link or a file, and restctl keeps its files in a folder of its own")
        .next("remove it; to keep the files elsewhere, set XDG_STATE_HOME or XDG_CACHE_HOME")
}

fn base_strategy() -> Result<impl BaseStrategy> {
    etcetera::choose_base_strategy()
        .context("cannot find the home folder")
        .map_err(|failure| failure.next("export HOME=/path/to/your/home"))
}
