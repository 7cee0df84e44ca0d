use restctl_contract::key::WRITTEN_BY;

use crate::dialect::encoding::{Compression, UnknownEnding};
use crate::limits::{MAX_NAME_BYTES, MAX_RECORD_BYTES};
use crate::types::column_types::{ColumnType, ColumnTypesError};

/// Why nothing can be loaded from a file, or nothing from a line on. It will be the same at the next attempt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error(transparent)]
    UnknownEnding(#[from] UnknownEnding),
    #[error("the file is empty: it needs at least a header (CSV), an object (NDJSON) or an array (JSON)")]
    Empty,
    #[error("line {line} is not UTF-8: save the file as UTF-8")]
    NotUtf8 { line: u64 },
    #[error("the header is longer than {} bytes: put the column names into the first line", MAX_RECORD_BYTES)]
    HeaderTooLong,
    #[error(
        "no column is called {key:?}, the key; the header has {columns}: rename a column, or deploy with the key that the file has"
    )]
    NoKeyColumn { key: String, columns: String },
    #[error(
        "no column is called {key:?}, the key; the header has one column, {column:?}: if something else separates the columns, say so: --delimiter {delimiter}"
    )]
    OtherDelimiter { key: String, column: String, delimiter: &'static str },
    #[error(
        "the types name the column {name:?}, which the file does not have; its header has {columns}: correct the name"
    )]
    NoSuchColumn { name: String, columns: String },
    #[error(
        "the column {name:?} is the key, and the stack's key is a {kind}: leave its type out, or deploy with another key type"
    )]
    KeyTypeDiffers { name: String, kind: ColumnType },
    #[error(
        "the name of column {position} has more than {} bytes, the most that DynamoDB takes: shorten it",
        MAX_NAME_BYTES
    )]
    NameTooLong { position: usize },
    #[error("column {position} of the header has no name: name it, or remove the column")]
    UnnamedColumn { position: usize },
    #[error("two columns of the header are called {name:?}: rename one of them")]
    DuplicateColumn { name: String },
    #[error("a column is called {WRITTEN_BY:?}, a name that restctl keeps for itself: rename the column")]
    ReservedColumn,
    #[error(
        "the column types name {types} columns and the header {columns}: upload the file again with restctl upload"
    )]
    ColumnTypesDiffer { types: usize, columns: usize },
    #[error(transparent)]
    ColumnTypes(#[from] ColumnTypesError),
    #[error("a quote opens in the record at line {line} and never closes: close it, or write it twice")]
    UnclosedQuote { line: u64 },
    #[error(
        "line {line} starts with {found:?} instead of an array: put the objects between [ and ], or one a line into a file that ends in .ndjson"
    )]
    NotAnArray { line: u64, found: char },
    #[error("the array is broken at line {line}: {problem}")]
    BrokenArray { line: u64, problem: &'static str },
    #[error("the name says that the file is {compression} data, and it is not: rename it, or compress it")]
    NotCompressed { compression: Compression },
    #[error("the file ends inside its {compression} data: compress or copy it again, then upload it")]
    Truncated { compression: Compression },
    #[error("the {compression} data is damaged ({problem}): compress or copy it again, then upload it")]
    Damaged { compression: Compression, problem: String },
    #[error("something else follows the {compression} data: compress the file again, then upload it")]
    TrailingBytes { compression: Compression },
    #[error("the zstd data needs a window of more than 128 MiB: compress it again with --long=27 at most")]
    WindowTooLarge,
    #[error("the file ends before byte {offset} of its text, where its load was to go on: upload it again")]
    EndsBefore { offset: u64 },
}
