//! Whether someone else could have written a file or a folder.

use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use rustix::process::geteuid;

use crate::failure::{Failure, Result, shell_argument};

const ROOT: u32 = 0;

const STICKY: u32 = 0o1000;
const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;

/// Fails if another user than root can write the file or the folder `path`, whose metadata are `found`.
///
/// A group counts as other users, unless its number is the owner's: such a group is the owner's private one, and some
/// systems let it write to every new file ("UserPrivateGroups", Debian wiki). root can change everything anyway.
pub(crate) fn ensure_only_user_writes(path: &Path, found: &Metadata) -> Result<()> {
    ensure_owner_is_trusted(path, found)?;
    match describe_other_writers(found) {
        None => Ok(()),
        Some(writers) => Err(Failure::usage(format!("cannot use {}", path.display()))
            .why(format!("{writers} can write to it, and so could change what restctl does"))
            .next(format!("chmod go-w {}", quote_path(path)))),
    }
}

/// Fails if another user than root can rename or replace entries of the folder `path` that belong to this user. A sticky
/// folder such as `/tmp` lets nobody do so except its owner.
pub(super) fn ensure_only_user_replaces_entries(path: &Path, found: &Metadata) -> Result<()> {
    ensure_owner_is_trusted(path, found)?;
    if found.permissions().mode() & STICKY != 0 { Ok(()) } else { ensure_only_user_writes(path, found) }
}

/// Fails if `path` belongs to another user than this one or root.
pub(crate) fn ensure_owner_is_trusted(path: &Path, found: &Metadata) -> Result<()> {
    let (owner, user) = (found.uid(), geteuid().as_raw());
    if owner == user || owner == ROOT {
        return Ok(());
    }
    Err(Failure::usage(format!("cannot use {}", path.display()))
        .why(format!("it belongs to another user, with the id {owner}, who could change what restctl does"))
        .next(format!(
            "if it is yours: sudo chown -h {user} {}; otherwise use another folder",
            quote_path(path)
        )))
}

/// The mode of a symbolic link means nothing: only its owner can change it.
fn describe_other_writers(found: &Metadata) -> Option<String> {
    let mode = if found.is_symlink() { 0 } else { found.permissions().mode() };
    if mode & OTHERS_WRITE != 0 {
        return Some("every user of this machine".to_owned());
    }
    let is_private_group = found.gid() == found.uid();
    let group_writes = mode & GROUP_WRITES != 0 && !is_private_group;
    group_writes.then(|| format!("the group with the id {}", found.gid()))
}

fn quote_path(path: &Path) -> String {
    shell_argument(&path.to_string_lossy(), "PATH")
}
