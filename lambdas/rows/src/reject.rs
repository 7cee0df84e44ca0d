//! Rows that cannot be loaded.

pub(crate) mod excerpt;

use excerpt::shorten_name;

/// A row that cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Where the row starts in the file, or where in the row the fault is; the first line is 1.
    pub line: u64,
    /// The column at fault, if there is one. A name longer than 100 bytes is cut.
    pub column: Option<String>,
    /// What is wrong, as the predicate of a sentence about the column or the row.
    pub reason: String,
    /// The beginning of the row as it is in the file, about 1 KB at most.
    pub row: String,
    /// Whether a cell of the row contains lines that look like rows. If that is meant, the row can be loaded with
    /// [`CsvDialect::multiline_cells`](crate::CsvDialect::multiline_cells).
    pub has_multiline_cell: bool,
}

/// What is wrong with a row. With its place, it becomes a [`Reject`].
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) column: Option<String>,
    pub(crate) reason: String,
    line: Option<u64>,
    has_multiline_cell: bool,
}

impl Fault {
    pub(crate) fn in_row(reason: impl Into<String>) -> Self {
        Self { column: None, reason: reason.into(), line: None, has_multiline_cell: false }
    }

    pub(crate) fn in_column(name: &str, reason: impl Into<String>) -> Self {
        Self { column: Some(shorten_name(name)), ..Self::in_row(reason) }
    }

    /// Describes a cell that contains so many lines which look like rows.
    pub(crate) fn in_multiline_cell(rows: u64) -> Self {
        let lines = match rows {
            1 => "a line that looks like a row".to_owned(),
            _ => format!("{rows} lines that look like rows"),
        };
        let reason = format!("has a cell with {lines}, as if a quote were missing or one too many");
        Self { has_multiline_cell: true, ..Self::in_row(reason) }
    }

    /// Places the fault on another line than the first one of the row.
    pub(crate) fn at_line(self, line: u64) -> Self {
        Self { line: Some(line), ..self }
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
        Reject {
            line: self.line.unwrap_or(line),
            column: self.column,
            reason: self.reason,
            row,
            has_multiline_cell: self.has_multiline_cell,
        }
    }
}
