//! What this machine remembers of an upload in parts that has begun: enough to go on with it after it broke off.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::aws::Aws;
use crate::aws::s3::upload::Destination;
use crate::digest::sha256_hex;
use crate::directories;
use crate::failure::{FailureContext, Result};

/// A file named by what is uploaded and to where. The metadata has the digest of the bytes, so another file under
/// the same name is another upload.
pub(crate) struct ResumeState {
    file: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Record {
    upload_id: String,
}

impl ResumeState {
    /// In `folder`.
    pub(crate) fn of(folder: &Path, aws: &Aws, to: &Destination<'_>, size: u64) -> Result<Self> {
        let identity = (&aws.endpoint_url, to.bucket, to.key, size, to.metadata);
        let identity = serde_json::to_vec(&identity).context("the upload cannot be named")?;
        let name = format!("{}.json", sha256_hex(&identity));
        Ok(Self { file: folder.join(name) })
    }

    /// The id of the upload that broke off; none too where the record cannot be read, since the upload can always
    /// begin anew.
    pub(crate) fn upload_id(&self) -> Option<String> {
        let record: Record = serde_json::from_slice(&fs::read(&self.file).ok()?).ok()?;
        Some(record.upload_id)
    }

    pub(crate) fn keep(&self, upload_id: &str) -> Result<()> {
        let record = serde_json::to_vec(&Record { upload_id: upload_id.to_owned() });
        directories::write_private_file(&self.file, &record.context("the upload cannot be noted")?)
    }

    pub(crate) fn forget(&self) -> Result<()> {
        match fs::remove_file(&self.file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.context(format!("{} cannot be removed", self.file.display())),
        }
    }
}
