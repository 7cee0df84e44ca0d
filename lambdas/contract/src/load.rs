//! A load: one version of one object on its way into the table, and the ledger's entry about it.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Object metadata (`x-amz-meta-…`) with one letter per column of a CSV's header, in order:
/// `s` string, `n` number, `b` boolean. Absent, every column is a string.
pub const COLUMN_TYPES_METADATA: &str = "restctl-column-types";

/// Objects under this prefix of the data bucket are rejects files, and no loads.
pub const REJECTS_PREFIX: &str = "restctl-rejects/";

/// Where the rejects of `load` are written: CSV with the columns `line`, `column`, `reason`, `row`.
pub fn rejects_key(load: &LoadId) -> String {
    format!("{REJECTS_PREFIX}{load}.csv")
}

/// Names one version of one object: 16 hexadecimal digits derived from both, so that whoever knows the object
/// finds its load without asking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LoadId(String);

impl LoadId {
    /// `version` is the object's version id.
    pub fn of(object_key: &str, version: &str) -> Self {
        let digest =
            Sha256::new().chain_update(object_key).chain_update([0]).chain_update(version).finalize();
        Self(digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LoadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The ledger table's partition key: a [`LoadId`]. It is the name of [`LedgerEntry::load`] in an item.
pub const LEDGER_KEY: &str = "load";

/// One item of the ledger table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEntry {
    pub load: LoadId,
    /// The object's key in the data bucket.
    pub object: String,
    /// Its version id.
    pub version: String,
    /// Its size in bytes, as stored.
    pub size: u64,
    /// When it was uploaded: RFC 3339, UTC.
    pub uploaded: String,
    pub state: LoadState,
    /// Why it failed; only with [`LoadState::Failed`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The rejects file's key in the data bucket, once a row has been rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejects: Option<String>,
    #[serde(flatten)]
    pub receipt: Receipt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LoadState {
    Loading,
    /// Every row is in the table or in the rejects file.
    Loaded,
    /// The file could not be read; it will not be tried again.
    Failed,
}

/// What became of the rows of a load: `read = written + rejected + duplicates`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub read: u64,
    pub written: u64,
    pub rejected: u64,
    /// Rows that a later row of the same key superseded before they were written.
    pub duplicates: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_is_named_by_object_and_version() {
        let load = LoadId::of("items.csv", "v1");
        assert_eq!(load.as_str().len(), 16);
        assert_eq!(load, LoadId::of("items.csv", "v1"));
        assert_ne!(load, LoadId::of("items.csv", "v2"));
        assert_ne!(LoadId::of("a", "bc"), LoadId::of("ab", "c"));
    }
}
