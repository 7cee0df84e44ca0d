//! CSV.

mod cells;
mod header;
mod horizon;
mod line_end;
mod line_scan;
mod multiline;
mod row_parser;
pub(crate) mod sample;
mod scan;
mod scan_state;
#[cfg(test)]
mod tests;

pub(crate) use header::{CsvColumn, key_column_type};
pub(crate) use line_end::separator_of;
use line_end::{is_line_end, length_with_line_end};
use memchr::memchr2;
use restctl_contract::load::Position;
use row_parser::RowParser;
use scan::{FaultyRecord, RecordScan, Scanned};
use scan_state::QuoteFault;

use crate::decompressor::PIECE_BYTES;
use crate::dialect::CsvDialect;
use crate::limits::MAX_RECORD_BYTES;
use crate::reject::excerpt::shorten_record;
use crate::reject::{Fault, Reject};
use crate::row::Row;
use crate::row::rules::ItemRules;
use crate::unreadable::Unreadable;

/// A reader of delimited values with a header, strictly by RFC 4180. Records end with CRLF, LF or CR.
///
/// A record with a faulty quote is rejected, and reading goes on at the line after the one on which it began.
pub(crate) struct CsvReader {
    parser: RowParser,
    scan: RecordScan,
    /// The bytes that have arrived and are not read yet. They begin at `position`.
    pending: Vec<u8>,
    /// Where the next record begins.
    position: Position,
    /// The end of the last record, or where reading begins after the header.
    pub(crate) boundary: Position,
    /// The reject of a record whose first line is too long to be held. The rest of that line is skipped.
    skipped_line: Option<Reject>,
}

impl CsvReader {
    /// Reads the header at the start of the file, then continues at `position`.
    pub(crate) fn new(rules: ItemRules, dialect: &CsvDialect, position: Position) -> Self {
        let escape = dialect.escape.map(|escape| escape.byte());
        Self {
            parser: RowParser::new(rules, dialect),
            scan: RecordScan::new(dialect.delimiter.byte(), escape),
            pending: Vec::new(),
            position: Position::START,
            boundary: position,
            skipped_line: None,
        }
    }

    /// Returns the columns that are loaded, once the header has been read.
    pub(crate) fn columns(&self) -> &[CsvColumn] {
        self.parser.columns()
    }

    /// Returns what was recognized so far, as the rest of a sentence about the file.
    pub(crate) fn notes(&self) -> Vec<String> {
        self.parser.notes()
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
        if self.parser.has_header() { Ok(false) } else { Err(Unreadable::Empty) }
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
                self.skip_blank_line(rest, is_last)?
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

    /// Returns the length of the blank line, or 0 if the byte that decides it is missing. A load may stop after it, as there
    /// may be any number of them.
    fn skip_blank_line(&mut self, bytes: &[u8], is_last: bool) -> Result<usize, Unreadable> {
        let length = length_with_line_end(bytes, 0, is_last).unwrap_or(0);
        self.advance(length, u64::from(length > 0));
        if self.parser.has_header() {
            self.boundary = self.position;
        } else if self.position.offset > MAX_RECORD_BYTES as u64 {
            return Err(Unreadable::HeaderTooLong);
        }
        Ok(length)
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
        if self.parser.has_header() {
            let row = self.parser.parse_row(record, line, &self.scan);
            out.push(row.map_err(|fault| fault.into_reject(line, shorten_record(record, length))));
            self.complete(length, lines);
            return Ok(length);
        }
        self.scan.end();
        self.advance(length, lines);
        // Spreadsheets name the delimiter in a line of its own.
        if line == 1 && separator_of(record).is_some() {
            return Ok(length);
        }
        self.parser.parse_header(record, line, &mut self.scan)?;
        Ok(length + self.jump_to_boundary(in_hand - length))
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
        let problem = self.parser.describe_fault(faulty.fault);
        if !self.parser.has_header() {
            return Err(Unreadable::BrokenHeader { line, problem });
        }
        let (first_line, fault) = (&bytes[..faulty.first_line], Fault::in_row(problem));
        out.push(Err(fault.into_reject(line, shorten_record(first_line, first_line.len()))));
        self.complete(first_line.len(), 1);
        Ok(first_line.len())
    }

    fn reject_endless_record(
        &mut self,
        window: &[u8],
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<usize, Unreadable> {
        if !self.parser.has_header() {
            return Err(Unreadable::HeaderTooLong);
        }
        self.scan.give_up();
        if let Some(first_line) = self.scan.first_line() {
            let quote_line = self.scan.quote_line();
            let faulty = FaultyRecord { fault: QuoteFault::Unclosed, quote_line, first_line };
            return self.reject_record(window, &faulty, out);
        }
        let fault = match self.scan.fault() {
            Some(fault) => Fault::in_row(self.parser.describe_fault(fault)),
            None => Fault::in_row(format!("is longer than {MAX_RECORD_BYTES} bytes")),
        };
        let excerpt = shorten_record(window, window.len());
        self.skipped_line = Some(fault.into_reject(self.position.line, excerpt));
        self.scan.end();
        self.advance(window.len() - 1, 0);
        Ok(window.len() - 1)
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
}
