//! CSV.

mod cells;
mod header;
mod horizon;
mod multiline;
pub(crate) mod sample;
pub(crate) mod scan;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;

use header::CsvHeader;
pub(crate) use header::{CsvColumn, key_column_type};
use memchr::memchr2;
use multiline::find_rows_in_cell;
use restctl_contract::load::Position;
use scan::{FaultyRecord, QuoteFault, RecordScan, Scanned, is_line_end, length_with_line_end, separator_of};

use crate::decompressor::PIECE_BYTES;
use crate::dialect::CsvDialect;
use crate::limits::MAX_RECORD_BYTES;
use crate::reject::excerpt::shorten_record;
use crate::reject::{Fault, Reject};
use crate::row::Row;
use crate::row::rules::ItemRules;
use crate::types::column_types::ColumnType;
use crate::types::value::Value;
use crate::unreadable::Unreadable;

/// A reader of delimited values with a header, strictly by RFC 4180. Records end with CRLF, LF or CR.
///
/// A record with a faulty quote is rejected, and reading goes on at the line after the one on which it began.
pub(crate) struct CsvReader {
    rules: ItemRules,
    dialect: CsvDialect,
    header: Option<CsvHeader>,
    scan: RecordScan,
    /// The bytes that have arrived and are not read yet. They begin at `position`.
    pending: Vec<u8>,
    /// Where the next record begins.
    position: Position,
    /// The end of the last record, or where reading begins after the header.
    pub(crate) boundary: Position,
    /// The reject of a record whose first line is too long to be held. The rest of that line is skipped.
    skipped_line: Option<Reject>,
    has_cells_behind: bool,
}

impl CsvReader {
    /// Reads the header at the start of the file, then continues at `position`.
    pub(crate) fn new(rules: ItemRules, dialect: &CsvDialect, position: Position) -> Self {
        let escape = dialect.escape.map(|escape| escape.byte());
        Self {
            rules,
            dialect: dialect.clone(),
            header: None,
            scan: RecordScan::new(dialect.delimiter.byte(), escape),
            pending: Vec::new(),
            position: Position::START,
            boundary: position,
            skipped_line: None,
            has_cells_behind: false,
        }
    }

    /// Returns the columns that are loaded, once the header has been read.
    pub(crate) fn columns(&self) -> &[CsvColumn] {
        self.header.as_ref().map(|header| header.columns.as_slice()).unwrap_or_default()
    }

    /// Returns what was recognized so far, as the rest of a sentence about the file.
    pub(crate) fn notes(&self) -> Vec<String> {
        let header = self.header.iter().flat_map(|header| header.notes.iter().cloned());
        let behind = self.has_cells_behind && self.header.iter().all(|header| header.notes.is_empty());
        header.chain(behind.then(|| "the delimiters behind the last column are ignored".to_owned())).collect()
    }

    /// Returns the offset of the byte that comes next.
    pub(crate) fn wanted_offset(&self) -> u64 {
        self.position.offset + self.pending.len() as u64
    }

    /// Moves the start of the file behind its byte order mark.
    pub(crate) fn skip_byte_order_mark(&mut self, length: u64) {
        self.position.offset += length;
    }

    /// Reads all of `text`, or until [`CsvReader::wanted_offset`] jumps. Returns whether bytes have been kept that can
    /// be read without more text.
    pub(crate) fn read(
        &mut self,
        text: &mut &[u8],
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<bool, Unreadable> {
        let given = std::mem::take(text);
        if self.pending.is_empty() {
            let read = self.read_records(given, false, out)?;
            self.pending.extend_from_slice(given.get(read..).unwrap_or_default());
            return Ok(read >= PIECE_BYTES && !self.pending.is_empty());
        }
        self.pending.extend_from_slice(given);
        self.read_pending(false, out)
    }

    /// Reads the rest of the file. Returns `true` if it must be called again.
    pub(crate) fn finish(&mut self, out: &mut Vec<Result<Row, Reject>>) -> Result<bool, Unreadable> {
        if self.read_pending(true, out)? {
            return Ok(true);
        }
        out.extend(self.skipped_line.take().map(Err));
        if self.header.is_none() { Err(Unreadable::Empty) } else { Ok(false) }
    }

    fn read_pending(
        &mut self,
        is_last: bool,
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<bool, Unreadable> {
        let mut pending = std::mem::take(&mut self.pending);
        let read = self.read_records(&pending, is_last, out)?;
        pending.drain(..read.min(pending.len()));
        self.pending = pending;
        Ok(read >= PIECE_BYTES && !self.pending.is_empty())
    }

    /// Reads whole records, about [`PIECE_BYTES`] of them, and returns how many bytes were read.
    fn read_records(
        &mut self,
        bytes: &[u8],
        is_last: bool,
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<usize, Unreadable> {
        let mut read = 0;
        while read < bytes.len() && read < PIECE_BYTES {
            let rest = &bytes[read..];
            let step = if self.skipped_line.is_some() {
                self.skip_line(rest, is_last, out)
            } else if is_line_end(rest[0]) {
                self.skip_blank_line(rest, is_last)
            } else {
                self.read_record(rest, is_last, out)?
            };
            match step {
                0 => break,
                length => read += length,
            }
        }
        Ok(read)
    }

    /// Returns the length of the blank line, or 0 if the byte that decides it is missing.
    fn skip_blank_line(&mut self, bytes: &[u8], is_last: bool) -> usize {
        let length = length_with_line_end(bytes, 0, is_last).unwrap_or(0);
        self.advance(length, u64::from(length > 0));
        length
    }

    /// Skips a line to its end, and then reports it.
    fn skip_line(&mut self, bytes: &[u8], is_last: bool, out: &mut Vec<Result<Row, Reject>>) -> usize {
        let Some(end) = memchr2(b'\n', b'\r', bytes) else {
            self.advance(bytes.len(), 0);
            return bytes.len();
        };
        let Some(length) = length_with_line_end(bytes, end, is_last) else {
            self.advance(end, 0);
            return end;
        };
        self.advance(length, 1);
        out.extend(self.skipped_line.take().map(Err));
        self.boundary = self.position;
        length
    }

    /// Returns how many bytes were read, and 0 if the record is not complete.
    fn read_record(
        &mut self,
        bytes: &[u8],
        is_last: bool,
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<usize, Unreadable> {
        // One byte more than a record may have decides that it is too long, however the file is cut.
        let is_cut = bytes.len() > MAX_RECORD_BYTES + 1;
        let window = if is_cut { &bytes[..MAX_RECORD_BYTES + 1] } else { bytes };
        self.scan.begin_at(self.position);
        match self.scan.scan(window, is_last && !is_cut) {
            Scanned::Incomplete if window.len() <= MAX_RECORD_BYTES => Ok(0),
            Scanned::Incomplete => self.reject_endless_record(window, out),
            Scanned::Record(length) => self.complete_record(&bytes[..length], bytes.len(), out),
            Scanned::Faulty(faulty) => self.reject_record(bytes, &faulty, out),
        }
    }

    fn complete_record(
        &mut self,
        record: &[u8],
        in_hand: usize,
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<usize, Unreadable> {
        let (length, lines) = (record.len(), self.scan.inner_lines + 1);
        let line = self.position.line;
        if self.header.is_none() {
            if !is_separator_line(record, line) {
                self.header = Some(self.parse_header(record)?);
            }
            self.advance(length, lines);
            self.scan.end();
            return Ok(if self.header.is_some() {
                length + self.jump_to_boundary(in_hand - length)
            } else {
                length
            });
        }
        let row = self.parse_row(record);
        out.push(row.map_err(|fault| fault.into_reject(line, shorten_record(record, length))));
        self.complete(length, lines);
        Ok(length)
    }

    /// Jumps to where reading begins after the header. Returns how many of the bytes in hand are before it.
    fn jump_to_boundary(&mut self, in_hand: usize) -> usize {
        if self.boundary.offset <= self.position.offset {
            self.boundary = self.position;
            return 0;
        }
        let ahead = self.boundary.offset - self.position.offset;
        self.position = self.boundary;
        usize::try_from(ahead).map_or(in_hand, |ahead| ahead.min(in_hand))
    }

    fn reject_record(
        &mut self,
        bytes: &[u8],
        faulty: &FaultyRecord,
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<usize, Unreadable> {
        let line = faulty.quote_line;
        if self.header.is_none() {
            return Err(Unreadable::BrokenHeader { line, problem: self.describe_fault(faulty.fault) });
        }
        let first_line = &bytes[..faulty.first_line];
        let fault = Fault::in_row(self.describe_fault(faulty.fault));
        out.push(Err(fault.into_reject(line, shorten_record(first_line, first_line.len()))));
        self.complete(first_line.len(), 1);
        Ok(first_line.len())
    }

    fn reject_endless_record(
        &mut self,
        window: &[u8],
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<usize, Unreadable> {
        if self.header.is_none() {
            return Err(Unreadable::HeaderTooLong);
        }
        self.scan.give_up();
        if let Some(first_line) = self.scan.first_line() {
            let quote_line = self.scan.quote_line();
            let faulty = FaultyRecord { fault: QuoteFault::Unclosed, quote_line, first_line };
            return self.reject_record(window, &faulty, out);
        }
        let fault = match self.scan.fault() {
            Some(fault) => Fault::in_row(self.describe_fault(fault)),
            None => Fault::in_row(format!("is longer than {MAX_RECORD_BYTES} bytes")),
        };
        let excerpt = shorten_record(window, window.len());
        self.skipped_line = Some(fault.into_reject(self.position.line, excerpt));
        self.scan.end();
        self.advance(window.len() - 1, 0);
        Ok(window.len() - 1)
    }

    fn describe_fault(&self, fault: QuoteFault) -> String {
        let problem = match fault {
            QuoteFault::TextAfterQuote => "has text after a closing quote",
            QuoteFault::Unclosed => "opens a quote that is never closed",
        };
        match self.dialect.escape {
            None => format!(
                "{problem}: double each quote inside a cell, or upload with --escape '\\' if a backslash precedes it"
            ),
            Some(_) => format!("{problem}: double or escape each quote inside a cell"),
        }
    }

    /// Moves on to the end of a record that went to the output.
    fn complete(&mut self, length: usize, lines: u64) {
        self.scan.end();
        self.advance(length, lines);
        self.boundary = self.position;
    }

    fn advance(&mut self, length: usize, lines: u64) {
        self.position.offset += length as u64;
        self.position.line += lines;
    }

    fn parse_header(&mut self, record: &[u8]) -> Result<CsvHeader, Unreadable> {
        if record.len() > MAX_RECORD_BYTES {
            return Err(Unreadable::HeaderTooLong);
        }
        let text = std::str::from_utf8(record)
            .map_err(|error| Unreadable::NotUtf8 { line: self.line_in(record, error.valid_up_to()) })?;
        let escape = self.dialect.escape.map(|escape| escape.byte());
        let cells = self.scan.cells.kept().iter();
        let names: Vec<Cow<'_, str>> = cells.map(|cell| cell.text(text, escape)).collect();
        let names: Vec<&str> = names.iter().map(|name| &**name).collect();
        let header = CsvHeader::new(&names, &self.rules.key, &self.dialect)?;
        self.scan.cells.set_limit(header.places.len());
        Ok(header)
    }

    fn line_in(&self, record: &[u8], offset: usize) -> u64 {
        let before = &record[..offset];
        let ends = before.iter().enumerate();
        let ends = ends.filter(|(at, byte)| match byte {
            b'\n' => true,
            b'\r' => record.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        self.position.line + ends.count() as u64
    }

    fn parse_row(&mut self, record: &[u8]) -> Result<Row, Fault> {
        if record.len() > MAX_RECORD_BYTES {
            return Err(Fault::in_row(format!("is longer than {MAX_RECORD_BYTES} bytes")));
        }
        let Some(header) = &self.header else { return Err(Fault::in_row("comes before the header")) };
        let text = std::str::from_utf8(record)
            .map_err(|error| Fault::not_utf8(record).at_line(self.line_in(record, error.valid_up_to())))?;
        let (cells, expected) = (&self.scan.cells, header.places.len());
        if cells.count() < expected || cells.has_text_behind() {
            let found = cells.count();
            return Err(Fault::in_row(format!(
                "has {found} values for the {expected} columns of the header"
            )));
        }
        self.has_cells_behind |= cells.count() > expected;
        if self.scan.inner_lines > 0 && !self.dialect.multiline_cells {
            let delimiter = self.dialect.delimiter.byte();
            if let Some(found) = find_rows_in_cell(record, cells.kept(), delimiter, expected) {
                return Err(Fault::in_multiline_cell(found.rows).at_line(self.position.line + found.line));
            }
        }
        self.build_row(header, text)
    }

    fn build_row(&self, header: &CsvHeader, text: &str) -> Result<Row, Fault> {
        let escape = self.dialect.escape.map(|escape| escape.byte());
        let mut values: Vec<(Arc<str>, Value)> = Vec::with_capacity(header.columns.len());
        let mut key = None;
        for (cell, place) in self.scan.cells.kept().iter().zip(&header.places) {
            let Some(index) = *place else { continue };
            let (column, text) = (&header.columns[index], cell.text(text, escape));
            let value = if index == header.key {
                key = Some(values.len());
                self.rules.parse_key(&text)?
            } else if text.is_empty() {
                continue;
            } else {
                let column_type = column.declared.unwrap_or(ColumnType::String);
                column_type.parse_cell(text).map_err(|reason| Fault::in_column(&column.name, reason))?
            };
            values.push((Arc::clone(&column.name), value));
        }
        self.rules.build_row(self.position.line, values, key)
    }
}

/// Returns whether the first record is the line `sep=;` with which spreadsheets name the delimiter.
fn is_separator_line(record: &[u8], line: u64) -> bool {
    line == 1 && separator_of(record).is_some()
}
