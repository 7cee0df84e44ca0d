//! The bytes of a data file, in chunks of any size, to typed rows or rejects.
//!
//! Reads no files and no sockets: whoever has the bytes feeds them to a [`Parser`] (to load) or to a [`Survey`]
//! (to find out beforehand what would become of the file). What is kept in memory is one record at most,
//! of at most [`MAX_RECORD_BYTES`], and what decompression asks for: 128 MiB at most, for zstd.

mod decompressor;
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

pub use dialect::encoding::{Compression, Encoding, Format, UnknownEnding};
pub use dialect::{Delimiter, Dialect, Types};
pub use limits::MAX_RECORD_BYTES;
pub use parser::Parser;
pub use reject::Reject;
pub use row::Row;
pub use survey::{Column, Findings, MAX_SHOWN_REJECTS, Survey};
pub use types::column_types::{ColumnType, ColumnTypes, ColumnTypesError};
pub use types::value::Value;
pub use unreadable::Unreadable;
