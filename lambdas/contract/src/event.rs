//! The message of the load queue: what Amazon S3 tells EventBridge about a new object ("EventBridge event message
//! structure", Amazon S3 User Guide), as far as a load needs it.

use serde::{Deserialize, Serialize};

pub const SOURCE: &str = "aws.s3";
pub const DETAIL_TYPE: &str = "Object Created";

/// The message group of every load: one group, so one writer of the table, and loads in the order they came.
pub const MESSAGE_GROUP: &str = "items";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectCreated {
    /// [`SOURCE`]
    pub source: String,
    /// [`DETAIL_TYPE`]
    #[serde(rename = "detail-type")]
    pub detail_type: String,
    /// RFC 3339.
    pub time: String,
    pub detail: Detail,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    pub bucket: Bucket,
    pub object: Object,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Object {
    /// Not URL-encoded.
    pub key: String,
    /// In bytes.
    #[serde(default)]
    pub size: u64,
    #[serde(default)]
    pub etag: String,
    /// Absent where the bucket is not versioned, and in emulators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
}
