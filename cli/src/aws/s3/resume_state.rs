//! What this machine remembers about an unfinished multipart upload, so that it can resume.

use std::fs;
use std::io;
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

#[derive(Serialize, Deserialize)]
struct Record {
    upload_id: String,
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
        let record: Record = serde_json::from_slice(&fs::read(&self.file).ok()?).ok()?;
        Some(record.upload_id)
    }

    pub(crate) fn save(&self, upload_id: &str) -> Result<()> {
        let record = serde_json::to_vec(&Record { upload_id: upload_id.to_owned() });
        directories::write_private_file(&self.file, &record.context("cannot save the upload's id")?)
    }

    pub(crate) fn delete(&self) -> Result<()> {
        match fs::remove_file(&self.file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.context(format!("cannot remove {}", self.file.display())),
        }
    }
}
