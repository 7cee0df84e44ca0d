//! The key, which is the attribute that identifies an item.

use std::str::FromStr;

/// The name and type of the key attribute, chosen when the stack is deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub name: String,
    pub kind: KeyType,
}

/// The scalar type of the key attribute in DynamoDB, `S` or `N`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyType {
    String,
    Number,
}

impl FromStr for KeyType {
    type Err = String;

    fn from_str(letter: &str) -> Result<Self, String> {
        match letter {
            "S" => Ok(KeyType::String),
            "N" => Ok(KeyType::Number),
            other => Err(format!("a key type is S or N, not {other:?}")),
        }
    }
}

/// The largest partition key that DynamoDB accepts, in bytes.
pub const MAX_KEY_BYTES: usize = 2048;

/// The hidden attribute of each item that says which load wrote it. Its value is the load's [`stamp`], which sorts by
/// upload.
///
/// The API never returns it, and no column may have its name.
///
/// [`stamp`]: crate::load::LedgerEntry::stamp
pub const WRITTEN_BY: &str = "restctl:load";

/// The length of a stamp: two times of 24 bytes, a load id of 16, two slashes.
pub const STAMP_BYTES: usize = 24 + 1 + 24 + 1 + 16;
