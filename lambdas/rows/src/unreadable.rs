use std::borrow::Cow;

use restctl_contract::json::JsonErrorKind;
use restctl_contract::key::WRITTEN_BY;

use crate::dialect::compression::Compression;
use crate::dialect::format::UnknownEnding;
use crate::dialect::text::UnknownDialect;
use crate::limits::{MAX_NAME_BYTES, MAX_RECORD_BYTES};
use crate::types::column_types::{ColumnType, ColumnTypesError};

/// Why nothing can be loaded from a file, or nothing after a certain line. Another attempt would fail in the same way.
///
/// The text says what is wrong, and [`Unreadable::advice`] says what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error(transparent)]
    UnknownEnding(#[from] UnknownEnding),
    #[error(transparent)]
    UnknownDialect(#[from] UnknownDialect),
    #[error("the file is empty")]
    Empty,
    #[error("the content is no text")]
    NotText,
    #[error("line {line} is not UTF-8")]
    NotUtf8 { line: u64 },
    #[error("the text is UTF-16")]
    Utf16,
    #[error("the file is a zip archive")]
    ZipArchive,
    #[error("the header, on line {line}, {problem}")]
    BrokenHeader { line: u64, problem: String },
    #[error("the header does not end within the first {} bytes", MAX_RECORD_BYTES)]
    HeaderTooLong,
    #[error("no column is named {key:?}, which is the key; the header has {columns}")]
    NoKeyColumn { key: String, columns: String },
    #[error("no column is named {key:?}, which is the key; the header has one column, {column:?}")]
    OtherDelimiter { key: String, column: String, delimiter: &'static str },
    #[error("the types name the column {name:?}, but the header has only {columns}")]
    NoSuchColumn { name: String, columns: String },
    #[error("there is no column {name:?} to leave out; the header has {columns}")]
    NoColumnToSkip { name: String, columns: String },
    #[error("the column {name:?} is the key, and the stack's key is a {kind}")]
    KeyTypeDiffers { name: String, kind: ColumnType },
    #[error(
        "the name of column {position} is longer than {} bytes, the most that DynamoDB accepts",
        MAX_NAME_BYTES
    )]
    NameTooLong { position: usize },
    #[error("column {position} of the header has no name")]
    UnnamedColumn { position: usize },
    #[error("two columns of the header are named {name:?}")]
    DuplicateColumn { name: String, position: usize },
    #[error("a column is named {WRITTEN_BY:?}, which is reserved for restctl")]
    ReservedColumn,
    #[error("the column types are for {types} columns, but the header has {columns}")]
    ColumnTypesDiffer { types: usize, columns: usize },
    #[error(transparent)]
    ColumnTypes(#[from] ColumnTypesError),
    #[error("the array is broken at line {line}: {problem}")]
    BrokenArray { line: u64, problem: ArrayProblem },
    #[error("line {line} is not JSON: {kind}")]
    BrokenJson { line: u64, kind: JsonErrorKind },
    #[error("the file has nothing at the path {path}; its first object has {members}")]
    NoSuchRecords { path: String, members: String },
    #[error("line {line} has something else than an array at the path {path}")]
    RecordsNotAnArray { path: String, line: u64 },
    #[error("the object's metadata says {compression}, but its data is not {compression}")]
    NotCompressed { compression: Compression },
    #[error("the file ends inside its {compression} data")]
    Truncated { compression: Compression },
    #[error("the {compression} data is damaged ({problem})")]
    Damaged { compression: Compression, problem: String },
    #[error("other bytes follow the {compression} data")]
    TrailingBytes { compression: Compression },
    #[error("the zstd data needs a window of more than 128 MiB")]
    WindowTooLarge,
    #[error("the file ends before byte {offset} of its text, where its load should continue")]
    EndsBefore { offset: u64 },
}

/// What is wrong with an array between its elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ArrayProblem {
    #[error("an element is missing")]
    MissingElement,
    #[error("a comma is missing between two elements")]
    MissingComma,
    #[error("the file ends before the array does")]
    Unclosed,
    #[error("a string in the element that starts here is never closed")]
    UnclosedString,
}

impl ArrayProblem {
    fn advice(self) -> &'static str {
        match self {
            Self::MissingElement => "remove the comma that follows no element",
            Self::MissingComma => "put a comma between the elements, or remove what follows the element",
            Self::Unclosed => "write the file again if its end is missing, or add the closing ]",
            Self::UnclosedString => "close the string",
        }
    }
}

impl Unreadable {
    /// Returns what to do about it.
    pub fn advice(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::UnknownEnding(_) => {
                "use a name that ends in .csv, .tsv, .ndjson, .jsonl or .json: --name items.csv"
            }
            Self::Empty => "write it again with a header (CSV), an object (NDJSON) or an array (JSON)",
            Self::UnknownDialect(_) => "upload the file again with restctl upload FILE",
            Self::NotText => {
                "decompress or unpack it, or export it as CSV, and upload that with restctl upload FILE; if it is a text, \
                 say which encoding it has, such as --encoding utf-16le"
            }
            Self::NotUtf8 { .. } => "say which encoding it has, such as --encoding windows-1252",
            Self::Utf16 | Self::ZipArchive => "upload the file with restctl upload FILE, which converts it",
            Self::BrokenHeader { .. } => "correct the header",
            Self::NoColumnToSkip { .. } => "correct --skip-columns",
            Self::HeaderTooLong => "put the column names on the first line",
            Self::NoKeyColumn { .. } => {
                "rename a column, or deploy with a key that the file has: restctl deploy --key NAME:S"
            }
            Self::OtherDelimiter { delimiter, .. } => {
                let advice =
                    format!("if another character separates the columns, pass --delimiter {delimiter}");
                return advice.into();
            }
            Self::NoSuchColumn { .. } => "correct the name in --types",
            Self::KeyTypeDiffers { .. } => "leave out its type, or deploy with another key type",
            Self::NameTooLong { position } => {
                return format!("shorten it, or leave the column out: --skip-columns {position}").into();
            }
            Self::UnnamedColumn { position } => {
                return format!("name it, or leave it out: --skip-columns {position}").into();
            }
            Self::DuplicateColumn { position, .. } => {
                let advice = format!("rename one of them, or leave one out: --skip-columns {position}");
                return advice.into();
            }
            Self::ReservedColumn => "rename the column",
            Self::ColumnTypesDiffer { .. } | Self::ColumnTypes(_) => {
                "upload the file again with restctl upload FILE"
            }
            Self::BrokenArray { problem, .. } => problem.advice(),
            Self::BrokenJson { .. } => {
                "correct the line, or write the file again with the program that made it"
            }
            Self::NoSuchRecords { .. } | Self::RecordsNotAnArray { .. } => {
                "pass --records with the path of the array that holds the rows, for example --records data.rows"
            }
            Self::NotCompressed { .. } => "upload the file again with restctl upload FILE",
            Self::Truncated { .. } | Self::Damaged { .. } => "compress or copy it again, then upload it",
            Self::TrailingBytes { .. } => "compress the file again, then upload it",
            Self::WindowTooLarge => "compress it again with --long=27 at most",
            Self::EndsBefore { .. } => "upload it again",
        })
    }

    /// Returns the text and the advice in one line.
    pub fn with_advice(&self) -> String {
        format!("{self}: {}", self.advice())
    }
}
