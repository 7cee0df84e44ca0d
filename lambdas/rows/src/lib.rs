//! The bytes of a data file, in chunks of any size, to typed rows or rejects.
//!
//! Reads no files and no sockets: whoever has the bytes feeds them to a [`Parser`] (to load) or to a [`Survey`]
//! (to find out beforehand what would become of the file). What is kept in memory is one record at most,
//! of at most [`MAX_RECORD_BYTES`], and what decompression asks for: 128 MiB at most, for zstd.

mod decompressor;
mod dialect;
mod format;
mod number;
mod parser;
mod records;
mod reject;
mod row;
mod survey;
#[cfg(test)]
mod tests;
mod types;
mod unreadable;

pub use dialect::encoding::{Compression, Encoding, Format};
pub use dialect::{Delimiter, Dialect, Types};
pub use parser::Parser;
pub use row::{Reject, Row};
pub use survey::{Column, Findings, MAX_SHOWN_REJECTS, Survey};
pub use types::column_types::{ColumnType, ColumnTypes};
pub use types::value::Value;
pub use unreadable::Unreadable;

/// The longest record, line or array element that is read, in bytes as in the file; a longer one is a reject.
///
/// More than twice what DynamoDB takes as an item, and a bound to what a file can make a reader hold.
pub const MAX_RECORD_BYTES: usize = 1024 * 1024;
