use restctl_contract::load::Position;

use crate::reject::Reject;
use crate::row::Row;

/// Records that have been read, until the next byte that is not white space is known.
///
/// A parser that resumes at the boundary tells from that byte whether it is within an array: `,` and `]` are found
/// there, and never after a boundary between values. If nothing can be read after a record, it is never given away.
#[derive(Debug)]
pub(super) struct HeldRecords {
    records: Vec<Result<Row, Reject>>,
    /// The end of the last record.
    end: Position,
    /// The end of the last record that has been released. It is never at a line end's second byte or at a line's start,
    /// except at the start of the text.
    pub(super) boundary: Position,
}

impl HeldRecords {
    pub(super) fn new(boundary: Position) -> Self {
        Self { records: Vec::new(), end: boundary, boundary }
    }

    pub(super) fn hold(&mut self, record: Result<Row, Reject>, end: Position) {
        self.records.push(record);
        self.end = end;
    }

    /// Returns the end of the last record and of the text that belongs to it.
    pub(super) fn end(&self) -> Position {
        self.end
    }

    /// Notes that text up to `end` belongs to the last record.
    pub(super) fn extend_last(&mut self, end: Position) {
        self.end = end;
    }

    /// Gives the records away, and moves the boundary after them.
    pub(super) fn release(&mut self, out: &mut Vec<Result<Row, Reject>>) {
        self.boundary = self.end;
        out.append(&mut self.records);
    }
}
