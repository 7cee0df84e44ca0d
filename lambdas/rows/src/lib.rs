//! Turns the bytes of a data file, in chunks of any size, into typed rows and rejects.
//!
//! This crate reads neither files nor sockets. Its caller feeds the bytes to a [`Parser`], which loads them, or to a
//! [`Survey`], which finds out what a load would do. Memory holds one record of at most [`MAX_RECORD_BYTES`], and what
//! decompression needs: 128 MiB at most, for zstd.

mod decompressor;
mod detection;
mod dialect;
mod format;
mod limits;
mod parser;
mod records;
mod reject;
mod row;
mod survey;
#[cfg(test)]
mod tests;
mod types;
mod unreadable;

pub use detection::DETECTION_BYTES;
pub use dialect::compression::Compression;
pub use dialect::delimiter::{Delimiter, Escape};
pub use dialect::format::{Format, UnknownEnding};
pub use dialect::{CsvDialect, Dialect, Types};
pub use format::json::finder::{Found, RecordsFinder};
pub use limits::MAX_RECORD_BYTES;
pub use parser::Parser;
pub use reject::Reject;
pub use row::Row;
pub use row::item::number_bytes;
pub use survey::{MAX_SHOWN_REJECTS, Survey, SurveyFindings, SurveyedColumn};
pub use types::column_types::{ColumnType, ColumnTypes, ColumnTypesError};
pub use types::value::Value;
pub use unreadable::{ArrayProblem, Unreadable};
