//! A load: one version of one object on its way into the table, and the ledger's entry about it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Object metadata (`x-amz-meta-…`) with the types of a CSV's columns in the order of its header, as
/// `restctl_rows::ColumnTypes` writes them. Absent, every column is a string.
pub const COLUMN_TYPES_METADATA: &str = "restctl-column-types";

/// Object metadata with the byte that separates a CSV's cells, as a decimal number. Absent, it is a comma.
pub const DELIMITER_METADATA: &str = "restctl-delimiter";

/// Object metadata with the number of rows that a later row of the same key supersedes. A load into an empty table
/// reads nothing, and cannot know of those that are further apart than a window.
pub const DUPLICATES_METADATA: &str = "restctl-duplicates";

/// Object metadata with the share of rejected rows, from `0` to `1`, above which the load fails.
pub const MAX_REJECTS_METADATA: &str = "restctl-max-rejects";

/// Object metadata with the SHA-256 of the object's bytes in hexadecimal. Only `restctl upload` reads it.
pub const DIGEST_METADATA: &str = "restctl-sha256";

/// Objects under this prefix of the data bucket are rejects, and no loads.
pub const REJECTS_PREFIX: &str = "restctl-rejects/";

/// Where part `part` (from 0) of the rejects of `load` is. All parts together are one CSV with the columns `line`,
/// `column`, `reason`, `row`; the header stands in the first.
pub fn rejects_key(load: &LoadId, part: u32) -> String {
    format!("{REJECTS_PREFIX}{load}/{part:05}.csv")
}

/// How often a load may fail, or break off without a word, without having come any further, before it stops.
pub const MAX_ATTEMPTS: u32 = 5;

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

impl FromStr for LoadId {
    type Err = String;

    fn from_str(id: &str) -> Result<Self, String> {
        let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if id.len() == 16 && id.bytes().all(is_digit) {
            Ok(Self(id.to_owned()))
        } else {
            Err("a load is named by 16 of 0-9 and a-f, as restctl loads ls shows it".to_owned())
        }
    }
}

/// The ledger table's partition key: a [`LoadId`]. It is the name of [`LedgerEntry::load`] in an item.
pub const LEDGER_KEY: &str = "load";

/// One item of the ledger table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LedgerEntry {
    pub load: LoadId,
    /// The object's key in the data bucket.
    pub object: String,
    /// Its version id.
    pub version: String,
    /// Its size in bytes, as stored.
    pub size: u64,
    /// When it was uploaded: RFC 3339, UTC, with milliseconds.
    pub uploaded: String,
    /// When the ingest function first heard of it; written as `uploaded`.
    pub began: String,
    /// When this entry was last written; written as `uploaded`.
    pub updated: String,
    pub state: LoadState,
    /// Why it failed or stopped; while it is loading, why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Attempts since the load last came any further, the present one included.
    pub attempts: u32,
    /// Rows read so far, those after `position` included.
    pub progress: u64,
    /// Everything before it is accounted for in `receipt`; the load goes on from here.
    pub position: Position,
    /// The table was empty when the load began, so whatever it holds came from this load.
    pub blind: bool,
    /// The rows before it that the load left unchanged have been given its stamp since, for the sake of a late load.
    pub confirmed: Position,
    /// Parts of rejects in the data bucket, see [`rejects_key`].
    pub reject_parts: u32,
    #[serde(flatten)]
    pub receipt: Receipt,
}

impl LedgerEntry {
    /// What [`crate::key::WRITTEN_BY`] holds in each item that the load writes. Of two loads, the text of the one
    /// uploaded later is the greater one; S3 tells uploads within a second apart by the order in which they arrive.
    pub fn stamp(&self) -> String {
        format!("{}/{}/{}", self.uploaded, self.began, self.load)
    }

    /// When the load that left `stamp` was uploaded, and its id. None where it is no stamp.
    pub fn read_stamp(stamp: &str) -> Option<(&str, LoadId)> {
        let mut parts = stamp.splitn(3, '/');
        let (uploaded, _began, load) = (parts.next()?, parts.next()?, parts.next()?);
        Some((uploaded, load.parse().ok()?))
    }

    /// As it stands when it is to be tried again, `now` written as `uploaded`: a load that stopped goes on where
    /// it stopped, and one that failed begins anew. What names the load, and its place among others, stays.
    ///
    /// The load may have written rows that the entry does not tell of, and others may have run since: the one
    /// attempt that is counted, and that it is not blind, make the next one look before it writes.
    pub fn again(self, now: String) -> Self {
        let entry = match self.state {
            LoadState::Failed => Self {
                progress: 0,
                position: Position::START,
                reject_parts: 0,
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
    /// On its way, or waiting for its next attempt.
    Loading,
    /// Every row is in the table or in the rejects.
    Loaded,
    /// The file cannot be loaded; it will not be tried again by itself.
    Failed,
    /// [`MAX_ATTEMPTS`] attempts failed for a reason that may pass. Its message is in the dead-letter queue; when
    /// it comes back, the load goes on.
    Stopped,
}

/// The word that is in the ledger.
impl fmt::Display for LoadState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LoadState::Loading => "loading",
            LoadState::Loaded => "loaded",
            LoadState::Failed => "failed",
            LoadState::Stopped => "stopped",
        })
    }
}

/// A place between two records of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// In bytes of the text, that is after decompression.
    pub offset: u64,
    /// The first line is 1.
    pub line: u64,
}

impl Position {
    pub const START: Self = Self { offset: 0, line: 1 };
}

/// What became of the rows of a load: `read = new + changed + unchanged + stale + rejected + duplicates`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    pub read: u64,
    /// Rows whose key the table did not have.
    pub new: u64,
    /// Rows that replaced an item of an older load.
    pub changed: u64,
    /// Rows that the table had already; they cost no write.
    pub unchanged: u64,
    /// Rows that were not written, since the table's item came from a newer upload.
    pub stale: u64,
    pub rejected: u64,
    /// Rows that a later row of the same key superseded.
    pub duplicates: u64,
    /// Capacity units of the items table, as DynamoDB counted them.
    pub read_units: f64,
    pub write_units: f64,
    /// For how long the function worked on it.
    pub seconds: f64,
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
    #[test]
    fn an_id_is_sixteen_digits() {
        let load = LoadId::of("items.csv", "v1");
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
    fn what_stopped_goes_on_and_what_failed_begins_anew() {
        let entry = LedgerEntry {
            load: LoadId::of("items.csv", "v1"),
            object: "items.csv".into(),
            version: "v1".into(),
            size: 9,
            uploaded: "2026-01-01T00:00:00.000Z".into(),
            began: "2026-01-01T00:00:01.000Z".into(),
            updated: "2026-01-01T00:00:02.000Z".into(),
            state: LoadState::Stopped,
            reason: Some("the table is away".into()),
            attempts: MAX_ATTEMPTS,
            progress: 7,
            position: Position { offset: 5, line: 3 },
            blind: true,
            confirmed: Position::START,
            reject_parts: 2,
            receipt: Receipt { read: 4, new: 4, ..Receipt::default() },
        };
        let now = "2026-01-02T00:00:00.000Z";
        let stopped = entry.clone().again(now.into());
        let loading = LedgerEntry {
            state: LoadState::Loading,
            attempts: 1,
            reason: None,
            blind: false,
            updated: now.into(),
            ..entry.clone()
        };
        assert_eq!(stopped, loading);

        let failed = LedgerEntry { state: LoadState::Failed, ..entry }.again(now.into());
        let anew = LedgerEntry {
            progress: 0,
            position: Position::START,
            blind: false,
            reject_parts: 0,
            receipt: Receipt::default(),
            ..loading
        };
        assert_eq!(failed, anew);
        assert_eq!(failed.stamp(), stopped.stamp());
        let stamp = failed.stamp();
        assert_eq!(LedgerEntry::read_stamp(&stamp), Some((failed.uploaded.as_str(), failed.load)));
        assert_eq!(LedgerEntry::read_stamp("by hand"), None);
    }
}
