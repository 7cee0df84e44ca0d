use restctl_contract::key::WRITTEN_BY;

/// Why nothing can be loaded from a file, or nothing from a line on. It will be the same at the next attempt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error(
        "the name {name:?} does not tell the format: rename the file so that it ends in .csv, .ndjson, .jsonl or .json"
    )]
    UnknownEnding { name: String },
    #[error("the file is empty: it needs at least a header (CSV), an object (NDJSON) or an array (JSON)")]
    Empty,
    #[error("line {line} is not UTF-8: save the file as UTF-8")]
    NotUtf8 { line: u64 },
    #[error(
        "the header is longer than {} bytes: put the column names into the first line",
        crate::MAX_RECORD_BYTES
    )]
    HeaderTooLong,
    #[error(
        "no column is called {key:?}, the key; the header has {columns}{hint}: rename a column, or deploy with the key that the file has"
    )]
    NoKeyColumn { key: String, columns: String, hint: &'static str },
    #[error("column {position} of the header has no name: name it, or remove the column")]
    UnnamedColumn { position: usize },
    #[error("two columns of the header are called {name:?}: rename one of them")]
    DuplicateColumn { name: String },
    #[error("a column is called {WRITTEN_BY:?}, a name that restctl keeps for itself: rename the column")]
    ReservedColumn,
    #[error(
        "the column types name {types} columns and the header {columns}: upload the file again with restctl upload"
    )]
    ColumnTypesDiffer { types: usize, columns: usize },
    #[error("{letter:?} is no column type, they are s, n and b: upload the file again with restctl upload")]
    UnknownColumnType { letter: char },
    #[error("a quote opens in the record at line {line} and never closes: close it, or write it twice")]
    UnclosedQuote { line: u64 },
    #[error(
        "line {line} starts with {found:?} instead of an array: put the objects between [ and ], or one a line into a file that ends in .ndjson"
    )]
    NotAnArray { line: u64, found: char },
    #[error("the array is broken at line {line}: {problem}")]
    BrokenArray { line: u64, problem: &'static str },
}
