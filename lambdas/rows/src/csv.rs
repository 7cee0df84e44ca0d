mod header;
mod record;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use csv_core::ReadRecordResult;
use header::Header;
use record::Record;

use crate::row::Fault;
use crate::rules::Rules;
use crate::{ColumnType, ColumnTypes, Reject, Row, Unreadable, Value};

/// As much as csv-core is given at once, so that its output buffer stays small however large the chunk.
const PIECE_BYTES: usize = 64 * 1024;

/// Comma-separated values with a header (RFC 4180), records ended by CRLF or LF.
pub(crate) struct Csv {
    reader: csv_core::Reader,
    rules: Rules,
    types: Option<ColumnTypes>,
    header: Option<Header>,
    record: Record,
    line: u64,
}

impl Csv {
    pub(crate) fn new(rules: Rules, types: Option<ColumnTypes>) -> Self {
        let record = Record::default();
        Self { reader: csv_core::Reader::new(), rules, types, header: None, record, line: 1 }
    }

    /// The columns of the header once it has been read.
    pub(crate) fn columns(&self) -> &[Arc<str>] {
        self.header.as_ref().map(|header| header.columns.as_slice()).unwrap_or_default()
    }

    pub(crate) fn feed(
        &mut self,
        mut chunk: &[u8],
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<(), Unreadable> {
        while let Some(&byte) = chunk.first() {
            // csv-core would skip blank lines itself, and count them into the record that follows.
            if !self.record.is_open() && matches!(byte, b'\r' | b'\n') {
                self.line += u64::from(byte == b'\n');
                chunk = &chunk[1..];
                continue;
            }
            let piece = &chunk[..chunk.len().min(PIECE_BYTES)];
            let (read, complete) = self.read(piece);
            if complete {
                self.complete(out)?;
            }
            chunk = &chunk[read..];
        }
        Ok(())
    }

    pub(crate) fn finish(&mut self, out: &mut Vec<Result<Row, Reject>>) -> Result<(), Unreadable> {
        if self.record.is_open() {
            // A line end completes any record but one in which a quote is open.
            loop {
                match self.read(b"\n") {
                    (_, true) => break,
                    (0, false) => {}
                    (_, false) => return Err(Unreadable::UnclosedQuote { line: self.record.line }),
                }
            }
            self.complete(out)?;
        }
        if self.header.is_none() { Err(Unreadable::Empty) } else { Ok(()) }
    }

    /// How much of the piece was read, and whether that completes a record.
    fn read(&mut self, piece: &[u8]) -> (usize, bool) {
        self.record.open(self.line);
        let (text, ends) = self.record.buffers(piece.len());
        let (result, read, texts, ended) = self.reader.read_record(piece, text, ends);
        self.line += piece[..read].iter().filter(|byte| **byte == b'\n').count() as u64;
        self.record.take(&piece[..read], texts, ended);
        (read, matches!(result, ReadRecordResult::Record))
    }

    fn complete(&mut self, out: &mut Vec<Result<Row, Reject>>) -> Result<(), Unreadable> {
        match &self.header {
            None => {
                if self.record.is_too_long() {
                    return Err(Unreadable::HeaderTooLong);
                }
                let names = self.record.fields()?;
                self.header = Some(Header::new(&names, &self.rules.key, self.types.as_ref())?);
            }
            Some(header) => {
                let row = if self.record.is_too_long() {
                    Err(Fault::row(format!("is longer than {} bytes", crate::MAX_RECORD_BYTES)))
                } else {
                    let fields = self.record.fields()?;
                    row(header, &self.rules, self.types.as_ref(), self.record.line, &fields)
                };
                out.push(row.map_err(|fault| fault.at(self.record.line, self.record.excerpt())));
            }
        }
        self.record.close();
        Ok(())
    }
}

fn row(
    header: &Header,
    rules: &Rules,
    types: Option<&ColumnTypes>,
    line: u64,
    fields: &[&str],
) -> Result<Row, Fault> {
    let columns = &header.columns;
    if fields.len() != columns.len() {
        let (found, asked) = (fields.len(), columns.len());
        return Err(Fault::row(format!("has {found} values where the header has {asked} columns")));
    }
    let mut values: Vec<(Arc<str>, Value)> = Vec::with_capacity(fields.len());
    for (index, (name, text)) in columns.iter().zip(fields).enumerate() {
        let kind = types.map_or(ColumnType::String, |types| types.0[index]);
        let value = if index == header.key {
            rules.key(text)?
        } else if text.is_empty() {
            continue;
        } else {
            kind.read(text).map_err(|reason| Fault::column(name, reason))?
        };
        values.push((Arc::clone(name), value));
    }
    rules.row(line, values)
}
