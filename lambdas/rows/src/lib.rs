//! The bytes of a data file, in chunks of any size, to typed rows or rejects.
//!
//! Reads no files and no sockets: whoever has the bytes feeds them to a [`Parser`] (to load) or to a [`Survey`]
//! (to find out beforehand what would become of the file). What is kept in memory is one record at most,
//! of at most [`MAX_RECORD_BYTES`], and what decompression asks for: 128 MiB at most, for zstd.

mod column_types;
mod csv;
mod decompressor;
mod dialect;
mod encoding;
mod excerpt;
mod json;
mod json_array;
mod ndjson;
mod number;
mod parser;
mod position;
mod records;
mod row;
mod rules;
mod survey;
#[cfg(test)]
mod tests;
mod unreadable;
mod value;

pub use column_types::{ColumnType, ColumnTypes};
pub use dialect::{Delimiter, Dialect, Types};
pub use encoding::{Compression, Encoding, Format};
pub use parser::Parser;
pub use row::{Reject, Row};
pub use survey::{Column, Findings, MAX_SHOWN_REJECTS, Survey};
pub use unreadable::Unreadable;
pub use value::Value;

/// The longest record, line or array element that is read, in bytes as in the file; a longer one is a reject.
///
/// More than twice what DynamoDB takes as an item, and a bound to what a file can make a reader hold.
pub const MAX_RECORD_BYTES: usize = 1024 * 1024;
