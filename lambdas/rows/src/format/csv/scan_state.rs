//! Where a scan stands in a record.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScanState {
    CellStart,
    Unquoted,
    Quoted,
    /// After a quote in a quoted cell, which closes the cell or is the first of two.
    AfterQuote,
    /// After the escape character.
    Escaped {
        is_quoted: bool,
    },
    /// After a fault on the first line, whose end is not found yet.
    Faulty,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QuoteFault {
    TextAfterQuote,
    Unclosed,
}
