//! Finds the cells and the end of a record, strictly by RFC 4180.

use memchr::{memchr2, memchr3};
use restctl_contract::load::Position;

use super::cells::{Cell, CellForm, Cells};
use super::horizon::{Fate, Horizon, Outcome};
use super::line_end::{is_line_end, length_with_line_end};
use super::line_scan::scan_line;
use super::scan_state::{QuoteFault, ScanState};

const QUOTE: u8 = b'"';

/// The scan of one record, which continues as its bytes arrive.
#[derive(Debug)]
pub(super) struct RecordScan {
    delimiter: u8,
    escape: Option<u8>,
    state: ScanState,
    /// How many bytes of the record have been scanned.
    at: usize,
    cell_start: usize,
    cell_form: CellForm,
    pub(super) cells: Cells,
    /// The line ends inside cells.
    pub(super) inner_lines: u64,
    /// The quote that was opened last.
    quote: Position,
    first_line_end: Option<usize>,
    fault: Option<QuoteFault>,
    horizon: Horizon,
    start: Position,
    /// Whether the scan has skipped what the horizon knows, so that its cells are not complete.
    has_jumped: bool,
    is_active: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Scanned {
    /// More bytes are needed.
    Incomplete,
    /// The record's length with its line end.
    Record(usize),
    Faulty(FaultyRecord),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct FaultyRecord {
    pub(super) fault: QuoteFault,
    /// The line of the quote.
    pub(super) quote_line: u64,
    /// The length of the record's first line with its line end.
    pub(super) first_line: usize,
}

impl RecordScan {
    pub(super) fn new(delimiter: u8, escape: Option<u8>) -> Self {
        Self {
            delimiter,
            escape,
            state: ScanState::CellStart,
            at: 0,
            cell_start: 0,
            cell_form: CellForm::Plain,
            cells: Cells::default(),
            inner_lines: 0,
            quote: Position::START,
            first_line_end: None,
            fault: None,
            horizon: Horizon::default(),
            start: Position::START,
            has_jumped: false,
            is_active: false,
        }
    }

    /// Begins a record at `start`, unless one has begun.
    pub(super) fn begin_at(&mut self, start: Position) {
        if !self.is_active {
            self.is_active = true;
            self.restart(start);
        }
    }

    /// Ends the record: the next one may begin.
    pub(super) fn end(&mut self) {
        self.is_active = false;
    }

    fn restart(&mut self, start: Position) {
        self.state = ScanState::CellStart;
        (self.at, self.cell_start, self.cell_form) = (0, 0, CellForm::Plain);
        (self.inner_lines, self.quote) = (0, start);
        (self.first_line_end, self.fault, self.has_jumped) = (None, None, false);
        self.cells.clear();
        self.start = start;
    }

    /// Returns the length of the record's first line, or `None` if its end has not been found.
    pub(super) fn first_line(&self) -> Option<usize> {
        self.first_line_end
    }

    pub(super) fn quote_line(&self) -> u64 {
        self.quote.line
    }

    /// Returns the fault that was found on a first line whose end was not.
    pub(super) fn fault(&self) -> Option<QuoteFault> {
        self.fault
    }

    /// Continues with `bytes`, which begin at the start of the record. With `is_last`, the file ends after them.
    pub(super) fn scan(&mut self, bytes: &[u8], is_last: bool) -> Scanned {
        if self.at == 0
            && self.escape.is_none()
            && let Some(end) = scan_line(bytes, self.delimiter, &mut self.cells)
            && let Some(length) = length_with_line_end(bytes, end, is_last)
        {
            return Scanned::Record(length);
        }
        if self.at == 0 {
            self.cells.clear();
        }
        match self.scan_bytes(bytes, is_last) {
            // The cells behind the jump are missing.
            Scanned::Record(_) if self.has_jumped => {
                self.horizon.forget();
                self.restart(self.start);
                self.scan(bytes, is_last)
            }
            Scanned::Faulty(faulty) => {
                self.note_fate(faulty.first_line, Outcome::Fault(faulty.fault));
                Scanned::Faulty(faulty)
            }
            scanned => scanned,
        }
    }

    /// Notes that the record is longer than a record may be.
    pub(super) fn give_up(&mut self) {
        if let Some(first_line) = self.first_line_end {
            self.note_fate(first_line, Outcome::Open(self.state));
        }
    }

    fn note_fate(&mut self, first_line: usize, outcome: Outcome) {
        let from = self.start.offset + first_line as u64;
        self.horizon.set(from, Fate { at: self.position(), quote: self.quote, outcome });
    }

    fn position(&self) -> Position {
        Position { offset: self.start.offset + self.at as u64, line: self.start.line + self.inner_lines }
    }

    fn scan_bytes(&mut self, bytes: &[u8], is_last: bool) -> Scanned {
        while self.at < bytes.len() {
            let scanned = match self.state {
                ScanState::CellStart => self.scan_cell_start(bytes, is_last),
                ScanState::Unquoted => self.scan_unquoted(bytes, is_last),
                ScanState::Quoted => self.scan_quoted(bytes, is_last),
                ScanState::AfterQuote => self.scan_after_quote(bytes, is_last),
                ScanState::Escaped { is_quoted } => self.scan_escaped(bytes, is_last, is_quoted),
                ScanState::Faulty => self.scan_faulty(bytes, is_last),
            };
            if let Some(scanned) = scanned {
                return scanned;
            }
        }
        if is_last { self.end_file(bytes) } else { Scanned::Incomplete }
    }

    fn scan_cell_start(&mut self, bytes: &[u8], is_last: bool) -> Option<Scanned> {
        match bytes[self.at] {
            QUOTE => {
                self.state = ScanState::Quoted;
                self.cell_form = CellForm::Quoted;
                self.quote = self.position();
                self.at += 1;
                None
            }
            byte if byte == self.delimiter || is_line_end(byte) || Some(byte) == self.escape => {
                self.scan_special(bytes, is_last)
            }
            _ => {
                self.state = ScanState::Unquoted;
                None
            }
        }
    }

    fn scan_unquoted(&mut self, bytes: &[u8], is_last: bool) -> Option<Scanned> {
        let rest = &bytes[self.at..];
        let next = match self.escape {
            None => memchr3(self.delimiter, b'\n', b'\r', rest),
            Some(escape) => {
                rest.iter().position(|byte| *byte == self.delimiter || *byte == escape || is_line_end(*byte))
            }
        };
        match next {
            Some(length) => {
                self.at += length;
                self.scan_special(bytes, is_last)
            }
            None => {
                self.at = bytes.len();
                None
            }
        }
    }

    /// Reads a delimiter, a line end or the escape character outside of quotes.
    fn scan_special(&mut self, bytes: &[u8], is_last: bool) -> Option<Scanned> {
        let byte = bytes[self.at];
        if byte == self.delimiter {
            self.complete_cell();
            self.at += 1;
            (self.state, self.cell_start) = (ScanState::CellStart, self.at);
            return None;
        }
        if Some(byte) == self.escape {
            self.cell_form = self.cell_form.with_escapes();
            self.state = ScanState::Escaped { is_quoted: false };
            self.at += 1;
            return None;
        }
        Some(match length_with_line_end(bytes, self.at, is_last) {
            Some(length) => {
                self.complete_cell();
                Scanned::Record(length)
            }
            None => Scanned::Incomplete,
        })
    }

    fn scan_quoted(&mut self, bytes: &[u8], is_last: bool) -> Option<Scanned> {
        let rest = &bytes[self.at..];
        let next = match self.escape {
            None => memchr3(QUOTE, b'\n', b'\r', rest),
            Some(escape) => {
                rest.iter().position(|byte| *byte == QUOTE || *byte == escape || is_line_end(*byte))
            }
        };
        self.at = next.map_or(bytes.len(), |length| self.at + length);
        match bytes.get(self.at)? {
            &QUOTE => {
                self.state = ScanState::AfterQuote;
                self.at += 1;
                None
            }
            byte if is_line_end(*byte) => self.scan_inner_line_end(bytes, is_last),
            _ => {
                self.cell_form = self.cell_form.with_escapes();
                self.state = ScanState::Escaped { is_quoted: true };
                self.at += 1;
                None
            }
        }
    }

    fn scan_after_quote(&mut self, bytes: &[u8], is_last: bool) -> Option<Scanned> {
        match bytes[self.at] {
            QUOTE => {
                self.cell_form = self.cell_form.with_escapes();
                self.state = ScanState::Quoted;
                self.at += 1;
                None
            }
            byte if byte == self.delimiter || is_line_end(byte) => self.scan_special(bytes, is_last),
            _ => self.find_fault(QuoteFault::TextAfterQuote),
        }
    }

    fn scan_escaped(&mut self, bytes: &[u8], is_last: bool, is_quoted: bool) -> Option<Scanned> {
        if is_line_end(bytes[self.at]) {
            // What follows the line end is in the same state as after an ordinary one.
            let state = std::mem::replace(&mut self.state, Self::state_in_cell(is_quoted));
            let scanned = self.scan_inner_line_end(bytes, is_last);
            if scanned == Some(Scanned::Incomplete) {
                self.state = state;
            }
            return scanned;
        }
        self.at += 1;
        self.state = Self::state_in_cell(is_quoted);
        None
    }

    fn state_in_cell(is_quoted: bool) -> ScanState {
        if is_quoted { ScanState::Quoted } else { ScanState::Unquoted }
    }

    fn scan_inner_line_end(&mut self, bytes: &[u8], is_last: bool) -> Option<Scanned> {
        let Some(after) = length_with_line_end(bytes, self.at, is_last) else {
            return Some(Scanned::Incomplete);
        };
        self.at = after;
        self.inner_lines += 1;
        self.first_line_end.get_or_insert(after);
        if self.state != ScanState::Quoted {
            return None;
        }
        let here = self.position();
        let fate = self.horizon.fate_at(here.offset)?;
        self.at = usize::try_from(fate.at.offset - self.start.offset).unwrap_or(usize::MAX);
        self.inner_lines = fate.at.line - self.start.line;
        if fate.quote.offset >= here.offset {
            self.quote = fate.quote;
        }
        match fate.outcome {
            Outcome::Fault(fault) => self.find_fault(fault),
            Outcome::Open(state) => {
                (self.state, self.has_jumped) = (state, true);
                None
            }
        }
    }

    fn scan_faulty(&mut self, bytes: &[u8], is_last: bool) -> Option<Scanned> {
        let Some(length) = memchr2(b'\n', b'\r', &bytes[self.at..]) else {
            self.at = bytes.len();
            return None;
        };
        self.at += length;
        let Some(first_line) = length_with_line_end(bytes, self.at, is_last) else {
            return Some(Scanned::Incomplete);
        };
        self.first_line_end = Some(first_line);
        self.fault.and_then(|fault| self.find_fault(fault))
    }

    /// Returns the faulty record, or `None` if the end of its first line is still to be found.
    fn find_fault(&mut self, fault: QuoteFault) -> Option<Scanned> {
        self.fault = Some(fault);
        let Some(first_line) = self.first_line_end else {
            self.state = ScanState::Faulty;
            return None;
        };
        Some(Scanned::Faulty(FaultyRecord { fault, quote_line: self.quote.line, first_line }))
    }

    fn end_file(&mut self, bytes: &[u8]) -> Scanned {
        let fault = match self.state {
            ScanState::Quoted | ScanState::Escaped { is_quoted: true } => QuoteFault::Unclosed,
            ScanState::Faulty => self.fault.unwrap_or(QuoteFault::Unclosed),
            ScanState::CellStart
            | ScanState::Unquoted
            | ScanState::AfterQuote
            | ScanState::Escaped { is_quoted: false } => {
                self.complete_cell();
                return Scanned::Record(bytes.len());
            }
        };
        let first_line = self.first_line_end.unwrap_or(bytes.len());
        Scanned::Faulty(FaultyRecord { fault, quote_line: self.quote.line, first_line })
    }

    fn complete_cell(&mut self) {
        let cell = match self.cell_form {
            CellForm::Plain | CellForm::PlainEscaped => (self.cell_start, self.at),
            CellForm::Quoted | CellForm::QuotedEscaped => (self.cell_start + 1, self.at - 1),
        };
        self.cells.push(Cell::new(cell.0, cell.1, self.cell_form));
        self.cell_form = CellForm::Plain;
    }
}
