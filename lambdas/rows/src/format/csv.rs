mod header;
mod record;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use csv_core::ReadRecordResult;
use header::Header;
pub(crate) use header::{Column, key_type};
use record::{Fields, Record};
use restctl_contract::load::Position;

use crate::dialect::{Delimiter, Dialect, Types};
use crate::format::position::after;
use crate::limits::MAX_RECORD_BYTES;
use crate::reject::{Fault, Reject};
use crate::row::Row;
use crate::row::rules::Rules;
use crate::types::column_types::ColumnType;
use crate::types::value::Value;
use crate::unreadable::Unreadable;

/// Delimited values with a header (RFC 4180), records ended by CRLF or LF.
pub(crate) struct Csv {
    reader: csv_core::Reader,
    rules: Rules,
    delimiter: Delimiter,
    types: Types,
    header: Option<Header>,
    record: Record,
    pub(crate) at: Position,
    pub(crate) between: Position,
}

impl Csv {
    /// Reads the header from the file's start, and goes on at `position`.
    pub(crate) fn new(rules: Rules, dialect: &Dialect, position: Position) -> Self {
        let mut reader = csv_core::ReaderBuilder::new().delimiter(dialect.delimiter.byte()).build();
        // csv-core drops a byte order mark from what it is given first, wherever in the file that stands.
        reader.read_record(b"\n", &mut [0], &mut [0]);
        Self {
            reader,
            rules,
            delimiter: dialect.delimiter,
            types: dialect.types.clone(),
            header: None,
            record: Record::default(),
            at: Position::START,
            between: position,
        }
    }

    /// The columns of the header once it has been read.
    pub(crate) fn columns(&self) -> &[Column] {
        self.header.as_ref().map(|header| header.columns.as_slice()).unwrap_or_default()
    }

    /// Reads on from the front of `text`, to its end or to where [`Csv::at`] jumps.
    pub(crate) fn read(
        &mut self,
        text: &mut &[u8],
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<(), Unreadable> {
        while let Some(&byte) = text.first() {
            // csv-core would skip blank lines itself, and count them into the record that follows.
            let blank = !self.record.is_open() && matches!(byte, b'\r' | b'\n');
            let (taken, complete) = if blank { (1, false) } else { self.read_record(text) };
            self.at = after(self.at, &text[..taken]);
            *text = &text[taken..];
            if complete && self.complete(out)? {
                break;
            }
        }
        Ok(())
    }

    pub(crate) fn finish(&mut self, out: &mut Vec<Result<Row, Reject>>) -> Result<(), Unreadable> {
        if self.record.is_open() {
            // A line end completes any record but one in which a quote is open.
            loop {
                match self.read_record(b"\n") {
                    (_, true) => break,
                    (0, false) => {}
                    (_, false) => return Err(Unreadable::UnclosedQuote { line: self.record.line }),
                }
            }
            self.complete(out)?;
        }
        if self.header.is_none() { Err(Unreadable::Empty) } else { Ok(()) }
    }

    /// How much of the text was read, and whether that completes a record.
    fn read_record(&mut self, text: &[u8]) -> (usize, bool) {
        self.record.open(self.at.line);
        let (fields, ends) = self.record.buffers(text.len());
        let (result, read, fields, ended) = self.reader.read_record(text, fields, ends);
        self.record.take(&text[..read], fields, ended);
        (read, matches!(result, ReadRecordResult::Record))
    }

    /// Whether this was the header and the rest of the text is behind it.
    fn complete(&mut self, out: &mut Vec<Result<Row, Reject>>) -> Result<bool, Unreadable> {
        let Some(header) = &self.header else {
            self.complete_header()?;
            return Ok(true);
        };
        let row = if self.record.is_too_long() {
            Err(Fault::row(format!("is longer than {} bytes", MAX_RECORD_BYTES)))
        } else {
            row(header, &self.rules, self.record.line, &self.record.fields()?)
        };
        out.push(row.map_err(|fault| fault.at(self.record.line, self.record.excerpt())));
        self.record.close();
        self.between = self.at;
        Ok(false)
    }

    fn complete_header(&mut self) -> Result<(), Unreadable> {
        if self.record.is_too_long() {
            return Err(Unreadable::HeaderTooLong);
        }
        let names = self.record.fields()?;
        self.header = Some(Header::new(names.iter(), &self.rules.key, self.delimiter, &self.types)?);
        self.record.close();
        if self.between.offset > self.at.offset {
            self.at = self.between;
        } else {
            self.between = self.at;
        }
        Ok(())
    }
}

fn row(header: &Header, rules: &Rules, line: u64, fields: &Fields<'_>) -> Result<Row, Fault> {
    let columns = &header.columns;
    if fields.len() != columns.len() {
        let (found, asked) = (fields.len(), columns.len());
        return Err(Fault::row(format!("has {found} values where the header has {asked} columns")));
    }
    let mut values: Vec<(Arc<str>, Value)> = Vec::with_capacity(fields.len());
    let mut key = None;
    for (index, (column, text)) in columns.iter().zip(fields.iter()).enumerate() {
        let value = if index == header.key {
            key = Some(values.len());
            rules.key(text)?
        } else if text.is_empty() {
            continue;
        } else {
            let kind = column.told.unwrap_or(ColumnType::String);
            kind.read(text).map_err(|reason| Fault::column(&column.name, reason))?
        };
        values.push((Arc::clone(&column.name), value));
    }
    rules.row(line, values, key)
}
