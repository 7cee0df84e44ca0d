//! A load, which is one version of one object on its way into the table, and its entry in the ledger.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Object metadata (`x-amz-meta-…`) that says how to read the object, as `restctl_rows::Dialect` writes it. If it is absent,
/// another tool has put the object into the bucket.
pub const DIALECT_METADATA: &str = "restctl-dialect";

/// Object metadata with the types of a CSV's columns that are loaded, in the order of its header, as
/// `restctl_rows::ColumnTypes` writes them. If it is absent, every column is a string.
pub const COLUMN_TYPES_METADATA: &str = "restctl-column-types";

/// Object metadata with the number of rows that a later row of the same key supersedes. A load into an empty table
/// reads no items, so it does not see duplicates that are further apart than a window.
pub const DUPLICATES_METADATA: &str = "restctl-duplicates";

/// Object metadata with the share of rejected rows, from `0` to `1`, above which the load fails.
pub const MAX_REJECTS_METADATA: &str = "restctl-max-rejects";

/// Object metadata with the SHA-256 of the object's bytes in hexadecimal. Only `restctl upload` reads it.
pub const DIGEST_METADATA: &str = "restctl-sha256";

/// The prefix of rejects in the data bucket. Objects under it are not loaded.
pub const REJECTS_PREFIX: &str = "restctl-rejects/";

/// Returns the key of part `part` of the rejects of `load`, counted from 0. All parts together are one CSV with the
/// columns `line`, `column`, `reason` and `row`. Only the first part has the header.
pub fn rejects_key(load: &LoadId, part: u32) -> String {
    format!("{REJECTS_PREFIX}{load}/{part:05}.csv")
}

/// How many attempts in a row may fail, or end without an error, before a load without progress stops.
pub const MAX_ATTEMPTS: u32 = 5;

/// The name of one version of one object: 16 hexadecimal digits derived from both. Anyone who knows the object can
/// compute the name of its load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct LoadId(String);

impl LoadId {
    /// `version` is the object's version id.
    pub fn for_version(object_key: &str, version: &str) -> Self {
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

impl TryFrom<String> for LoadId {
    type Error = String;

    fn try_from(id: String) -> Result<Self, String> {
        id.parse()
    }
}

impl FromStr for LoadId {
    type Err = String;

    fn from_str(id: &str) -> Result<Self, String> {
        let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if id.len() == 16 && id.bytes().all(is_digit) {
            Ok(Self(id.to_owned()))
        } else {
            Err("a load id has 16 of 0-9 and a-f, as restctl loads ls shows".to_owned())
        }
    }
}

/// The partition key of the ledger table, which is the name of [`LedgerEntry::load`] in an item.
pub const LEDGER_KEY: &str = "load";

/// Returns whether the item of the ledger with this key is the [`LedgerEntry`] of a load. The ledger has other items,
/// too.
pub fn is_ledger_entry(key: &str) -> bool {
    key.parse::<LoadId>().is_ok()
}

/// One item of the ledger table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LedgerEntry {
    pub load: LoadId,
    /// The object's key in the data bucket.
    pub object: String,
    /// The version id of the object.
    pub version: String,
    /// The size of the object in bytes, as stored.
    pub size: u64,
    /// When the object was uploaded: RFC 3339, UTC, with milliseconds.
    pub uploaded: String,
    /// When the ingest function first got its message, in the format of `uploaded`.
    pub began: String,
    /// When this entry was last written, in the format of `uploaded`.
    pub updated: String,
    pub state: LoadState,
    /// Why the load failed or stopped, why the object is ignored, or while it is loading, why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Attempts since the load last made progress, including the current one.
    pub attempts: u32,
    /// Rows read so far, including those after `position`.
    pub progress: u64,
    /// Where the load continues. `receipt` counts everything before it.
    pub position: Position,
    /// The table was empty when the load began, so everything in it came from this load.
    pub blind: bool,
    /// Unchanged rows before it have received the load's stamp since, so that a late load does not replace them.
    pub confirmed: Position,
    /// How many parts of rejects are in the data bucket, see [`rejects_key`].
    pub reject_parts: u32,
    /// How an object is read that another tool has put into the bucket, as [`DIALECT_METADATA`] would say it. The first
    /// checkpoint fixes it for the later attempts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<String>,
    /// The types of its columns, as [`COLUMN_TYPES_METADATA`] would list them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column_types: Option<String>,
    #[serde(flatten)]
    pub receipt: Receipt,
}

impl LedgerEntry {
    /// Returns the value of [`crate::key::WRITTEN_BY`] in each item that the load writes. Of two loads, the one
    /// uploaded later has the greater text. Of uploads in the same second, the one whose message arrived later.
    pub fn stamp(&self) -> String {
        format!("{}/{}/{}", self.uploaded, self.began, self.load)
    }

    /// Returns when the load that left `stamp` was uploaded, and its id, or `None` if the text is not a stamp.
    pub fn parse_stamp(stamp: &str) -> Option<(&str, LoadId)> {
        let mut parts = stamp.splitn(3, '/');
        let (uploaded, _began, load) = (parts.next()?, parts.next()?, parts.next()?);
        Some((uploaded, load.parse().ok()?))
    }

    /// Returns the entry for another attempt at `now`, in the format of `uploaded`. A stopped load continues where it
    /// stopped, and a failed load starts from the beginning. Its id and its order among other loads stay the same.
    ///
    /// The load may have written rows that the entry does not count, and other loads may have run since. The next
    /// attempt reads items before it writes them, because it is not the first and not blind.
    pub fn reopened_at(self, now: String) -> Self {
        let entry = match self.state {
            LoadState::Failed => Self {
                progress: 0,
                position: Position::START,
                reject_parts: 0,
                dialect: None,
                column_types: None,
                receipt: Receipt::default(),
                ..self
            },
            _ => self,
        };
        Self { state: LoadState::Loading, attempts: 1, reason: None, blind: false, updated: now, ..entry }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LoadState {
    /// Running, or waiting for its next attempt.
    Loading,
    /// Every row is in the table or in the rejects.
    Loaded,
    /// The file cannot be loaded. It is not tried again automatically.
    Failed,
    /// [`MAX_ATTEMPTS`] attempts failed for a reason that may be temporary. The message is in the dead-letter queue,
    /// and the load continues when it is redriven.
    Stopped,
    /// The object is not data, such as a folder marker or a temporary file. Its load never began.
    Ignored,
}

/// Writes the word that the ledger has.
impl fmt::Display for LoadState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LoadState::Loading => "loading",
            LoadState::Loaded => "loaded",
            LoadState::Failed => "failed",
            LoadState::Stopped => "stopped",
            LoadState::Ignored => "ignored",
        })
    }
}

/// A position between two records of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// In bytes of the decompressed text.
    pub offset: u64,
    /// The first line is 1.
    pub line: u64,
}

impl Position {
    pub const START: Self = Self { offset: 0, line: 1 };
}

/// The results of a load's rows: `read = new + changed + unchanged + stale + rejected + duplicates`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    pub read: u64,
    /// Rows whose key was not in the table.
    pub new: u64,
    /// Rows that replaced an item of an older load.
    pub changed: u64,
    /// Rows that were already in the table. They cost no write.
    pub unchanged: u64,
    /// Rows that were not written, because the item in the table came from a newer upload.
    pub stale: u64,
    pub rejected: u64,
    /// Rows that a later row of the same key superseded.
    pub duplicates: u64,
    /// Capacity units of the items table, as DynamoDB counts them.
    pub read_units: f64,
    pub write_units: f64,
    /// The read units are computed from the sizes of the items, because an endpoint other than AWS's does not count them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub units_are_estimated: bool,
    /// How long the function worked on the load.
    pub seconds: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_is_named_by_object_and_version() {
        let load = LoadId::for_version("items.csv", "v1");
        assert_eq!(load.as_str().len(), 16);
        assert_eq!(load, LoadId::for_version("items.csv", "v1"));
        assert_ne!(load, LoadId::for_version("items.csv", "v2"));
        assert_ne!(LoadId::for_version("a", "bc"), LoadId::for_version("ab", "c"));
    }

    #[test]
    fn an_id_has_sixteen_digits() {
        let load = LoadId::for_version("items.csv", "v1");
        assert_eq!(load.as_str().parse(), Ok(load.clone()));
        for bad in [
            "",
            "0123456789abcde",
            "0123456789abcdefa",
            "0123456789ABCDEF",
            "0123456789abcdeg",
            "é23456789abcdef",
        ] {
            assert!(bad.parse::<LoadId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_keys_of_other_items_are_not_those_of_loads() {
        assert!(is_ledger_entry(LoadId::for_version("items.csv", "v1").as_str()));
        for key in ["newest", "dialect/", "dialect/0123456789abcdef", ""] {
            assert!(!is_ledger_entry(key), "{key}");
        }
    }

    #[test]
    fn a_stopped_load_continues_and_a_failed_load_starts_again() {
        let entry = LedgerEntry {
            load: LoadId::for_version("items.csv", "v1"),
            object: "items.csv".into(),
            version: "v1".into(),
            size: 9,
            uploaded: "2026-01-01T00:00:00.000Z".into(),
            began: "2026-01-01T00:00:01.000Z".into(),
            updated: "2026-01-01T00:00:02.000Z".into(),
            state: LoadState::Stopped,
            reason: Some("the table is unavailable".into()),
            attempts: MAX_ATTEMPTS,
            progress: 7,
            position: Position { offset: 5, line: 3 },
            blind: true,
            confirmed: Position::START,
            reject_parts: 2,
            dialect: Some("format=csv&delimiter=%2C".into()),
            column_types: Some("sn".into()),
            receipt: Receipt { read: 4, new: 4, ..Receipt::default() },
        };
        let now = "2026-01-02T00:00:00.000Z";
        let stopped = entry.clone().reopened_at(now.into());
        let loading = LedgerEntry {
            state: LoadState::Loading,
            attempts: 1,
            reason: None,
            blind: false,
            updated: now.into(),
            ..entry.clone()
        };
        assert_eq!(stopped, loading);

        let failed = LedgerEntry { state: LoadState::Failed, ..entry }.reopened_at(now.into());
        let from_the_start = LedgerEntry {
            progress: 0,
            position: Position::START,
            blind: false,
            reject_parts: 0,
            dialect: None,
            column_types: None,
            receipt: Receipt::default(),
            ..loading
        };
        assert_eq!(failed, from_the_start);
        assert_eq!(failed.stamp(), stopped.stamp());
        let stamp = failed.stamp();
        assert_eq!(LedgerEntry::parse_stamp(&stamp), Some((failed.uploaded.as_str(), failed.load)));
        assert_eq!(LedgerEntry::parse_stamp("by hand"), None);
    }
}
