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
///
/// It is boxed, since results that hold rows are moved often, and faults are rare.
#[derive(Debug)]
pub(crate) struct Fault(Box<FaultParts>);

#[derive(Debug)]
struct FaultParts {
    column: Option<String>,
    reason: String,
    line: Option<u64>,
    has_multiline_cell: bool,
}

impl Fault {
    pub(crate) fn in_row(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self(Box::new(FaultParts { column: None, reason, line: None, has_multiline_cell: false }))
    }

    pub(crate) fn in_column(name: &str, reason: impl Into<String>) -> Self {
        let mut fault = Self::in_row(reason);
        fault.0.column = Some(shorten_name(name));
        fault
    }

    /// Describes a cell that contains so many lines which look like rows.
    pub(crate) fn in_multiline_cell(rows: u64) -> Self {
        let lines = match rows {
            1 => "a line that looks like a row".to_owned(),
            _ => format!("{rows} lines that look like rows"),
        };
        let reason = format!("has a cell with {lines}, as if a quote were missing or one too many");
        let mut fault = Self::in_row(reason);
        fault.0.has_multiline_cell = true;
        fault
    }

    /// Says in the reason, too, on which line of a longer row the fault is.
    pub(crate) fn saying_line(mut self, line: u64) -> Self {
        self.0.reason.push_str(&format!(", on line {line}"));
        self
    }

    #[cfg(test)]
    pub(crate) fn column_and_reason(&self) -> (Option<&str>, &str) {
        (self.0.column.as_deref(), &self.0.reason)
    }

    /// Places the fault on another line than the first one of the row.
    pub(crate) fn at_line(mut self, line: u64) -> Self {
        self.0.line = Some(line);
        self
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
        let FaultParts { column, reason, line: place, has_multiline_cell } = *self.0;
        Reject { line: place.unwrap_or(line), column, reason, row, has_multiline_cell }
    }
}
