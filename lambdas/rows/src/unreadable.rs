use std::borrow::Cow;

use restctl_contract::key::WRITTEN_BY;

use crate::dialect::encoding::{Compression, UnknownEnding};
use crate::limits::{MAX_NAME_BYTES, MAX_RECORD_BYTES};
use crate::types::column_types::{ColumnType, ColumnTypesError};

/// Why nothing can be loaded from a file, or nothing from a line on. It will be the same at the next attempt.
///
/// Its text says what is wrong; [`Unreadable::advice`] says what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error(transparent)]
    UnknownEnding(#[from] UnknownEnding),
    #[error("the file is empty")]
    Empty,
    #[error("line {line} is not UTF-8")]
    NotUtf8 { line: u64 },
    #[error("the header is longer than {} bytes", MAX_RECORD_BYTES)]
    HeaderTooLong,
    #[error("no column is called {key:?}, the key; the header has {columns}")]
    NoKeyColumn { key: String, columns: String },
    #[error("no column is called {key:?}, the key; the header has one column, {column:?}")]
    OtherDelimiter { key: String, column: String, delimiter: &'static str },
    #[error("the types name the column {name:?}, which the file does not have; its header has {columns}")]
    NoSuchColumn { name: String, columns: String },
    #[error("the column {name:?} is the key, and the stack's key is a {kind}")]
    KeyTypeDiffers { name: String, kind: ColumnType },
    #[error(
        "the name of column {position} has more than {} bytes, the most that DynamoDB takes",
        MAX_NAME_BYTES
    )]
    NameTooLong { position: usize },
    #[error("column {position} of the header has no name")]
    UnnamedColumn { position: usize },
    #[error("two columns of the header are called {name:?}")]
    DuplicateColumn { name: String },
    #[error("a column is called {WRITTEN_BY:?}, a name that restctl keeps for itself")]
    ReservedColumn,
    #[error("the column types name {types} columns and the header {columns}")]
    ColumnTypesDiffer { types: usize, columns: usize },
    #[error(transparent)]
    ColumnTypes(#[from] ColumnTypesError),
    #[error("a quote opens in the record at line {line} and never closes")]
    UnclosedQuote { line: u64 },
    #[error("line {line} starts with {found:?} instead of an array")]
    NotAnArray { line: u64, found: char },
    #[error("the array is broken at line {line}: {problem}")]
    BrokenArray { line: u64, problem: &'static str },
    #[error("the name says that the file is {compression} data, and it is not")]
    NotCompressed { compression: Compression },
    #[error("the file ends inside its {compression} data")]
    Truncated { compression: Compression },
    #[error("the {compression} data is damaged ({problem})")]
    Damaged { compression: Compression, problem: String },
    #[error("something else follows the {compression} data")]
    TrailingBytes { compression: Compression },
    #[error("the zstd data needs a window of more than 128 MiB")]
    WindowTooLarge,
    #[error("the file ends before byte {offset} of its text, where its load was to go on")]
    EndsBefore { offset: u64 },
}

impl Unreadable {
    /// Returns what to do about it, if that is more than correcting what the text names.
    pub fn advice(&self) -> Option<Cow<'static, str>> {
        Some(Cow::Borrowed(match self {
            Self::UnknownEnding(_) => {
                "rename the file so that it ends in .csv, .ndjson, .jsonl or .json, and in .gz or .zst after that if it is compressed"
            }
            Self::Empty => "it needs at least a header (CSV), an object (NDJSON) or an array (JSON)",
            Self::NotUtf8 { .. } => "save the file as UTF-8",
            Self::HeaderTooLong => "put the column names into the first line",
            Self::NoKeyColumn { .. } => "rename a column, or deploy with the key that the file has",
            Self::OtherDelimiter { delimiter, .. } => {
                let advice =
                    format!("if something else separates the columns, say so: --delimiter {delimiter}");
                return Some(advice.into());
            }
            Self::NoSuchColumn { .. } => "correct the name",
            Self::KeyTypeDiffers { .. } => "leave its type out, or deploy with another key type",
            Self::NameTooLong { .. } => "shorten it",
            Self::UnnamedColumn { .. } => "name it, or remove the column",
            Self::DuplicateColumn { .. } => "rename one of them",
            Self::ReservedColumn => "rename the column",
            Self::ColumnTypesDiffer { .. } | Self::ColumnTypes(_) => {
                "upload the file again with restctl upload"
            }
            Self::UnclosedQuote { .. } => "close it, or write it twice",
            Self::NotAnArray { .. } => {
                "put the objects between [ and ], or one a line into a file that ends in .ndjson"
            }
            Self::BrokenArray { .. } => return None,
            Self::NotCompressed { .. } => "rename it, or compress it",
            Self::Truncated { .. } | Self::Damaged { .. } => "compress or copy it again, then upload it",
            Self::TrailingBytes { .. } => "compress the file again, then upload it",
            Self::WindowTooLarge => "compress it again with --long=27 at most",
            Self::EndsBefore { .. } => "upload it again",
        }))
    }

    /// Returns its text and the advice in one line.
    pub fn with_advice(&self) -> String {
        match self.advice() {
            Some(advice) => format!("{self}: {advice}"),
            None => self.to_string(),
        }
    }
}
