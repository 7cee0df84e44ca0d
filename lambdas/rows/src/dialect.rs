pub(crate) mod compression;
pub(crate) mod delimiter;
pub(crate) mod format;
pub(crate) mod text;

use std::collections::BTreeMap;

use compression::Compression;
use delimiter::{Delimiter, Escape};
use format::Format;
use restctl_contract::json::MemberPath;

use crate::types::column_types::{ColumnType, ColumnTypes};

/// What may stand before a text in UTF-8.
pub(crate) const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// How to read a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialect {
    pub format: Format,
    pub compression: Compression,
    /// How to read a CSV. The other formats ignore it.
    pub csv: CsvDialect,
    /// The array of a JSON file that holds its rows, if it is within an object.
    pub records: Option<MemberPath>,
}

/// What distinguishes one CSV from another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CsvDialect {
    pub delimiter: Delimiter,
    /// The character that makes the next one ordinary, as in the dumps of MySQL and PostgreSQL. In RFC 4180 there is
    /// none, and a quote is doubled.
    pub escape: Option<Escape>,
    /// Each row begins with its number, which the header does not name, as R's `write.table` writes it.
    pub row_numbers: bool,
    /// Columns that are not loaded: names, or positions from 1. A first column without a name is left out anyway.
    pub skip_columns: Vec<String>,
    /// Load a row even if one of its cells contains lines that look like rows.
    pub multiline_cells: bool,
    pub types: Types,
}

/// Where the types of a CSV's columns come from. JSON has its own types.
///
/// The key column always has the key's type: [`Types::Columns`] and remembered types are ignored there, and chosen
/// ones must agree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Types {
    /// Each column is a string.
    #[default]
    Strings,
    /// One for each column that is loaded.
    Columns(ColumnTypes),
    /// By the names of columns, which the header must have. The other columns are strings.
    Named(BTreeMap<String, ColumnType>),
    /// By the names of columns that earlier files had. The other columns are strings.
    Remembered {
        remembered: BTreeMap<String, ColumnType>,
        /// Types that matter more, by the names of columns, which the header must have.
        chosen: BTreeMap<String, ColumnType>,
    },
}

impl Dialect {
    /// Returns the dialect of a file in the format, with commas if it is a CSV.
    pub fn new(format: Format, compression: Compression) -> Self {
        Self { format, compression, csv: CsvDialect::default(), records: None }
    }
}
