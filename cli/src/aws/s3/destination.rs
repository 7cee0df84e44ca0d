//! Where an upload goes, the object version that it makes, and the events that its caller observes.

use std::collections::{BTreeMap, HashMap};

/// Where a file goes.
pub(crate) struct Destination<'a> {
    pub(crate) bucket: &'a str,
    pub(crate) key: &'a str,
    pub(crate) metadata: &'a Metadata,
}

impl Destination<'_> {
    /// Returns what an upload does. It completes "cannot …".
    pub(super) fn upload_context(&self) -> String {
        format!("upload s3://{}/{}", self.bucket, self.key)
    }
}

/// Object metadata, by its name without `x-amz-meta-`.
pub(crate) type Metadata = BTreeMap<&'static str, String>;

/// Converts metadata to the type of the SDK.
pub(super) fn metadata_for_sdk(metadata: &Metadata) -> HashMap<String, String> {
    metadata.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

/// The object version that an upload made.
pub(crate) struct UploadedObject {
    pub(crate) version: Option<String>,
    /// When S3 confirmed it, in the ledger's format of times.
    pub(crate) uploaded: Option<String>,
}

/// An event of a running upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UploadEvent {
    /// An earlier upload of the same file continues.
    Resumed {
        parts_present: usize,
        parts_total: u64,
    },
    /// S3 has this many bytes of the file from an earlier attempt.
    BytesPresent(u64),
    BytesSent(u64),
}
