//! Rows that cannot be loaded.

pub(crate) mod excerpt;

use excerpt::shown;

/// A row that cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Where the row starts in the file; the first line is 1.
    pub line: u64,
    /// The column that is at fault, if one is; of a name longer than 100 bytes, its beginning.
    pub column: Option<String>,
    /// What is wrong, as the rest of a sentence about the column or the row.
    pub reason: String,
    /// The row's beginning as it is in the file, about 1 KB at most.
    pub row: String,
}

/// A [`Reject`] that does not know its place yet.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) column: Option<String>,
    pub(crate) reason: String,
}

impl Fault {
    pub(crate) fn row(reason: impl Into<String>) -> Self {
        Self { column: None, reason: reason.into() }
    }

    pub(crate) fn column(name: &str, reason: impl Into<String>) -> Self {
        Self { column: Some(shown(name)), reason: reason.into() }
    }

    pub(crate) fn at(self, line: u64, row: String) -> Reject {
        Reject { line, column: self.column, reason: self.reason, row }
    }
}
