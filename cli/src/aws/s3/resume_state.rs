//! What this machine remembers about an unfinished multipart upload, so that it can resume.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::destination::Destination;
use crate::aws::Aws;
use crate::digest::sha256_hex;
use crate::directories;
use crate::failure::{FailureContext, Result};

/// A file whose name identifies what is uploaded and where to. The metadata contains the digest of the bytes, so another
/// file under the same name is another upload.
pub(crate) struct ResumeState {
    file: PathBuf,
}

/// The same file while this process alone uses it.
pub(crate) struct LockedRecord<'a> {
    state: &'a ResumeState,
    file: File,
}

#[derive(Serialize, Deserialize)]
struct Record {
    upload_id: String,
    /// An upload takes only parts with checksums of the kind that it was begun with. Earlier versions of restctl began them
    /// with another kind: their records do not have this member, and count as none.
    part_checksums: PartChecksums,
}

#[derive(Serialize, Deserialize)]
enum PartChecksums {
    Sha256,
}

impl ResumeState {
    /// Kept in `folder`.
    pub(crate) fn new(folder: &Path, aws: &Aws, to: &Destination<'_>, size: u64) -> Result<Self> {
        let identity = (&aws.endpoint_url, to.bucket, to.key, size, to.metadata);
        let identity = serde_json::to_vec(&identity).context("cannot name the upload")?;
        let name = format!("{}.json", sha256_hex(&identity));
        Ok(Self { file: folder.join(name) })
    }

    /// Returns the id of the unfinished upload. A record that cannot be read counts as none, since the upload can
    /// always start again.
    pub(crate) fn upload_id(&self) -> Option<String> {
        let record = directories::read_private_file(&self.file).ok()??;
        let record: Record = serde_json::from_slice(&record).ok()?;
        Some(record.upload_id)
    }

    /// Returns `None` if another process sends the same file at the moment: two processes must not send parts of the same
    /// upload, since the one that completes it leaves the other one without its parts.
    pub(crate) fn lock(&self) -> Result<Option<LockedRecord<'_>>> {
        if let Some(folder) = self.file.parent() {
            directories::create_private_folder(folder)?;
        }
        loop {
            let file = directories::open_lock_file(&self.file)?;
            // Without locks on this file system, an upload is one that cannot be resumed.
            if file.try_lock().is_err() {
                return Ok(None);
            }
            let locked = file.metadata().context(format!("cannot read {}", self.file.display()))?;
            // The process that held the lock before may have deleted the file.
            let named = fs::symlink_metadata(&self.file);
            if named.is_ok_and(|named| (named.dev(), named.ino()) == (locked.dev(), locked.ino())) {
                return Ok(Some(LockedRecord { state: self, file }));
            }
        }
    }
}

impl LockedRecord<'_> {
    pub(crate) fn upload_id(&self) -> Option<String> {
        self.state.upload_id()
    }

    pub(crate) fn save(&self, upload_id: &str) -> Result<()> {
        let record = Record { upload_id: upload_id.to_owned(), part_checksums: PartChecksums::Sha256 };
        let record = serde_json::to_vec(&record).context("cannot save the upload's id")?;
        // In place: a file that replaced this one would not be locked.
        let written = self.file.set_len(0).and_then(|()| self.file.write_all_at(&record, 0));
        written
            .context(format!("cannot write {}", self.state.file.display()))
            .map_err(directories::advise_to_make_room)
    }

    pub(crate) fn delete(&self) -> Result<()> {
        match fs::remove_file(&self.state.file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.context(format!("cannot remove {}", self.state.file.display())),
        }
    }
}
