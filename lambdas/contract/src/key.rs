//! The key, which is the attribute that identifies an item.

use std::str::FromStr;

use crate::number::{self, NumberError};

/// The name and type of the key attribute, chosen when the stack is deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub name: String,
    pub kind: KeyType,
}

/// Why a text cannot be a key, as the rest of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("is empty")]
    Empty,
    #[error("is longer than {MAX_KEY_BYTES} bytes")]
    TooLong,
    #[error(transparent)]
    Number(#[from] NumberError),
}

impl Key {
    /// Returns the key that a text stands for: a string as it is, a number in plain notation.
    ///
    /// Two texts stand for the same key if and only if the result is the same.
    ///
    /// # Errors
    /// If DynamoDB cannot store it as a key of this type.
    pub fn parse(&self, text: &str) -> Result<String, KeyError> {
        match self.kind {
            KeyType::String if text.is_empty() => Err(KeyError::Empty),
            KeyType::String if text.len() > MAX_KEY_BYTES => Err(KeyError::TooLong),
            KeyType::String => Ok(text.to_owned()),
            KeyType::Number => Ok(number::normalize(text)?),
        }
    }
}

/// The scalar type of the key attribute in DynamoDB, `S` or `N`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyType {
    String,
    Number,
}

impl KeyType {
    /// Returns the name that DynamoDB gives the type.
    pub fn letter(self) -> &'static str {
        match self {
            KeyType::String => "S",
            KeyType::Number => "N",
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(kind: KeyType, text: &str) -> Result<String, KeyError> {
        Key { name: "id".to_owned(), kind }.parse(text)
    }

    #[test]
    fn a_string_key_is_kept_byte_for_byte() {
        let longest = "é".repeat(MAX_KEY_BYTES / 2);
        for text in [" ", "..", "\0", " a\tb\r\n", "\u{feff}1", "007", &longest] {
            assert_eq!(parse(KeyType::String, text).as_deref(), Ok(text), "{text:?}");
        }
        assert_eq!(parse(KeyType::String, ""), Err(KeyError::Empty));
        assert_eq!(parse(KeyType::String, &(longest + "x")), Err(KeyError::TooLong));
    }

    #[test]
    fn a_number_key_is_in_plain_notation() {
        for (text, key) in [("007", "7"), ("+.5", "0.5"), ("1E5", "100000")] {
            assert_eq!(parse(KeyType::Number, text).as_deref(), Ok(key), "{text}");
        }
        for (text, error) in [
            ("", NumberError::NotANumber),
            ("1 ", NumberError::NotANumber),
            ("1e126", NumberError::OutOfRange),
            (&"1".repeat(39), NumberError::TooManyDigits),
        ] {
            assert_eq!(parse(KeyType::Number, text), Err(KeyError::Number(error)), "{text}");
        }
    }
}
