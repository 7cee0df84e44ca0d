//! What the ledger remembers of the last `restctl upload` of an object's name. Objects that other tools put into the
//! bucket under that name are read in the same way.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The most bytes of column names in an item, for which DynamoDB has 400 KB ("Constraints in Amazon DynamoDB").
const MAX_NAMES_BYTES: usize = 300 * 1024;

/// What a column costs in an item besides its name: its type, and what DynamoDB adds to each element of a map.
const BYTES_PER_COLUMN: usize = 10;

/// One item of the ledger table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RememberedDialect {
    /// The item's key, see [`RememberedDialect::key_for`].
    #[serde(rename = "load")]
    pub key: String,
    /// The [stamp](crate::load::LedgerEntry::stamp) of the load of that upload.
    pub stamp: String,
    /// As [`crate::load::DIALECT_METADATA`].
    pub dialect: String,
    /// The type of each column of a CSV that is not loaded as a string, in the words of `restctl_rows::ColumnType`.
    pub types: BTreeMap<String, String>,
}

impl RememberedDialect {
    /// Returns the key of the item for an object: at most 1,032 bytes, since an object's name has at most 1,024. It has a
    /// slash, which no load id has.
    pub fn key_for(object: &str) -> String {
        format!("dialect/{object}")
    }

    /// Returns whether an item has room for the types of columns with these names.
    pub fn has_room_for<'a>(names: impl Iterator<Item = &'a str>) -> bool {
        names.map(|name| name.len() + BYTES_PER_COLUMN).sum::<usize>() <= MAX_NAMES_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_has_room_for_usual_columns_but_not_for_any_number() {
        let names: Vec<String> = (0..20_000).map(|number| format!("column {number}")).collect();
        assert!(RememberedDialect::has_room_for(names.iter().take(3_000).map(String::as_str)));
        assert!(!RememberedDialect::has_room_for(names.iter().map(String::as_str)));
    }
}
