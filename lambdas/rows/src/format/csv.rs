//! CSV.

mod header;
mod record;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use csv_core::ReadRecordResult;
use header::CsvHeader;
pub(crate) use header::{CsvColumn, key_column_type};
use record::{CsvFields, CsvRecord};
use restctl_contract::load::Position;

use crate::dialect::{Delimiter, Dialect, Types};
use crate::format::position::position_after;
use crate::limits::MAX_RECORD_BYTES;
use crate::reject::{Fault, Reject};
use crate::row::Row;
use crate::row::rules::ItemRules;
use crate::types::column_types::ColumnType;
use crate::types::value::Value;
use crate::unreadable::Unreadable;

/// A reader of delimited values with a header (RFC 4180). Records end with CRLF or LF.
pub(crate) struct CsvReader {
    reader: csv_core::Reader,
    rules: ItemRules,
    delimiter: Delimiter,
    types: Types,
    header: Option<CsvHeader>,
    record: CsvRecord,
    /// The position of the byte that comes next.
    pub(crate) position: Position,
    /// The end of the last record.
    pub(crate) boundary: Position,
}

impl CsvReader {
    /// Reads the header at the start of the file, then continues at `position`.
    pub(crate) fn new(rules: ItemRules, dialect: &Dialect, position: Position) -> Self {
        let mut reader = csv_core::ReaderBuilder::new().delimiter(dialect.delimiter.byte()).build();
        // csv-core drops a byte order mark from its first input, wherever in the file that comes from.
        reader.read_record(b"\n", &mut [0], &mut [0]);
        Self {
            reader,
            rules,
            delimiter: dialect.delimiter,
            types: dialect.types.clone(),
            header: None,
            record: CsvRecord::default(),
            position: Position::START,
            boundary: position,
        }
    }

    /// Returns the columns once the header has been read.
    pub(crate) fn columns(&self) -> &[CsvColumn] {
        self.header.as_ref().map(|header| header.columns.as_slice()).unwrap_or_default()
    }

    /// Reads from the front of `text`, to its end or until [`CsvReader::position`] jumps.
    pub(crate) fn read(
        &mut self,
        text: &mut &[u8],
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<(), Unreadable> {
        while let Some(&byte) = text.first() {
            // csv-core would skip blank lines itself, and count them as part of the next record.
            let blank = !self.record.is_open() && matches!(byte, b'\r' | b'\n');
            let (taken, complete) = if blank { (1, false) } else { self.read_record(text) };
            self.position = position_after(self.position, &text[..taken]);
            *text = &text[taken..];
            if complete && self.complete_record(out)? {
                break;
            }
        }
        Ok(())
    }

    pub(crate) fn finish(&mut self, out: &mut Vec<Result<Row, Reject>>) -> Result<(), Unreadable> {
        if self.record.is_open() {
            // A line end completes any record, except one with an open quote.
            loop {
                match self.read_record(b"\n") {
                    (_, true) => break,
                    (0, false) => {}
                    (_, false) => return Err(Unreadable::UnclosedQuote { line: self.record.line }),
                }
            }
            self.complete_record(out)?;
        }
        if self.header.is_none() { Err(Unreadable::Empty) } else { Ok(()) }
    }

    /// Returns how much of the text was read, and whether that completes a record.
    fn read_record(&mut self, text: &[u8]) -> (usize, bool) {
        self.record.begin_at(self.position.line);
        let (fields, ends) = self.record.free_buffers(text.len());
        let (result, read, fields, ended) = self.reader.read_record(text, fields, ends);
        self.record.append(&text[..read], fields, ended);
        (read, matches!(result, ReadRecordResult::Record))
    }

    /// Returns whether the record was the header. What follows may be at another position.
    fn complete_record(&mut self, out: &mut Vec<Result<Row, Reject>>) -> Result<bool, Unreadable> {
        let Some(header) = &self.header else {
            self.complete_header()?;
            return Ok(true);
        };
        let row = if self.record.is_too_long() {
            Err(Fault::in_row(format!("is longer than {} bytes", MAX_RECORD_BYTES)))
        } else {
            parse_row(header, &self.rules, self.record.line, &self.record.fields()?)
        };
        out.push(row.map_err(|fault| fault.into_reject(self.record.line, self.record.excerpt())));
        self.record.clear();
        self.boundary = self.position;
        Ok(false)
    }

    fn complete_header(&mut self) -> Result<(), Unreadable> {
        if self.record.is_too_long() {
            return Err(Unreadable::HeaderTooLong);
        }
        let names = self.record.fields()?;
        self.header = Some(CsvHeader::new(names.iter(), &self.rules.key, self.delimiter, &self.types)?);
        self.record.clear();
        if self.boundary.offset > self.position.offset {
            self.position = self.boundary;
        } else {
            self.boundary = self.position;
        }
        Ok(())
    }
}

fn parse_row(header: &CsvHeader, rules: &ItemRules, line: u64, fields: &CsvFields<'_>) -> Result<Row, Fault> {
    let columns = &header.columns;
    if fields.len() != columns.len() {
        let (found, expected) = (fields.len(), columns.len());
        return Err(Fault::in_row(format!("has {found} values for the {expected} columns of the header")));
    }
    let mut values: Vec<(Arc<str>, Value)> = Vec::with_capacity(fields.len());
    let mut key = None;
    for (index, (column, text)) in columns.iter().zip(fields.iter()).enumerate() {
        let value = if index == header.key {
            key = Some(values.len());
            rules.parse_key(text)?
        } else if text.is_empty() {
            continue;
        } else {
            let column_type = column.declared.unwrap_or(ColumnType::String);
            column_type.parse_cell(text).map_err(|reason| Fault::in_column(&column.name, reason))?
        };
        values.push((Arc::clone(&column.name), value));
    }
    rules.build_row(line, values, key)
}
