//! Rows that cannot be loaded.

pub(crate) mod excerpt;

use excerpt::shorten_name;

/// A row that cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Where the row starts in the file; the first line is 1.
    pub line: u64,
    /// The column at fault, if there is one. A name longer than 100 bytes is cut.
    pub column: Option<String>,
    /// What is wrong, as the predicate of a sentence about the column or the row.
    pub reason: String,
    /// The beginning of the row as it is in the file, about 1 KB at most.
    pub row: String,
}

/// What is wrong with a row. With its place, it becomes a [`Reject`].
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) column: Option<String>,
    pub(crate) reason: String,
}

impl Fault {
    pub(crate) fn in_row(reason: impl Into<String>) -> Self {
        Self { column: None, reason: reason.into() }
    }

    pub(crate) fn in_column(name: &str, reason: impl Into<String>) -> Self {
        Self { column: Some(shorten_name(name)), reason: reason.into() }
    }

    /// `text` is the row, and not UTF-8.
    pub(crate) fn not_utf8(text: &[u8]) -> Self {
        let valid = std::str::from_utf8(text).map_or_else(|error| error.valid_up_to(), str::len);
        let byte = text.get(valid).copied().unwrap_or_default();
        Self::in_row(format!(
            "is not UTF-8: it has the byte 0x{byte:02X}; upload it with --encoding windows-1252 if that is its encoding"
        ))
    }

    pub(crate) fn into_reject(self, line: u64, row: String) -> Reject {
        Reject { line, column: self.column, reason: self.reason, row }
    }
}
