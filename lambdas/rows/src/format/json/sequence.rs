use memchr::memchr2;
use restctl_contract::json::JsonErrorKind::{self, TrailingText, UnexpectedByte, UnexpectedEnd};

use super::broken::BrokenValue;
use super::held::HeldRecords;
use super::input::Input;
use super::row::{MAX_NESTING, build_row, parse_json, parse_record, syntax_fault, too_long_fault};
use super::scanner::{Event, Scanner};
use super::{RECORD_SEPARATOR, Step, trim_end};
use crate::limits::MAX_RECORD_BYTES;
use crate::reject::excerpt::shorten_record;
use crate::reject::{Fault, Reject};
use crate::row::Row;
use crate::row::rules::ItemRules;

/// A reader of values one after another, in any layout. Each object is a row.
///
/// A broken value is one reject; see [`BrokenValue`] for where reading goes on. Its text is read again from there, but
/// not often: at any byte, the values that are read again from lines before it are open, one within the other.
#[derive(Debug)]
pub(super) struct Sequence {
    /// Whether the elements of an array are rows. If not, an array is a reject.
    arrays_hold_rows: bool,
    /// Whether that holds only until the first value that is no array.
    until_first_value: bool,
    /// Whether any value has been seen.
    pub(super) is_empty: bool,
    /// Whether an earlier parser may have stopped within an array.
    may_be_in_array: bool,
    /// The column of the next byte if only white space is before it on its line.
    indent: Option<usize>,
    follows_stray_line: bool,
    state: State,
    scanner: Scanner,
    /// How many bytes of the value have been read.
    read: usize,
}

#[derive(Debug)]
enum State {
    BetweenValues,
    /// In a value that begins its line. It is likely to end there too.
    InLine,
    InValue,
    InBrokenValue(Box<BrokenValue>),
    /// On a line that begins with a comma or a bracket, after another one of which there is a reject.
    InStrayLine(Box<BrokenValue>),
}

impl Sequence {
    pub(super) fn at_start(is_ndjson: bool) -> Self {
        Self {
            arrays_hold_rows: true,
            until_first_value: is_ndjson,
            is_empty: true,
            may_be_in_array: false,
            indent: Some(0),
            follows_stray_line: false,
            state: State::BetweenValues,
            scanner: Scanner::new(MAX_NESTING),
            read: 0,
        }
    }

    /// Starts at a boundary.
    pub(super) fn resumed(is_ndjson: bool) -> Self {
        let may_be_in_array = true;
        Self { is_empty: false, may_be_in_array, indent: None, ..Self::at_start(is_ndjson) }
    }

    pub(super) fn read(
        &mut self,
        input: &mut Input<'_>,
        rules: &ItemRules,
        held: &mut HeldRecords,
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Step {
        loop {
            let goes_on = match &mut self.state {
                State::BetweenValues => match self.begin_value(input, held, out) {
                    Some(step) => return step,
                    None => true,
                },
                State::InLine => self.read_line(input, rules, held),
                State::InValue => self.read_value(input, rules, held),
                State::InBrokenValue(broken) | State::InStrayLine(broken) => {
                    let at_end = broken.skip(input);
                    if at_end {
                        self.complete_broken_value(held);
                    }
                    at_end
                }
            };
            if !goes_on {
                return Step::NeedsMore;
            }
        }
    }

    /// Returns `None` if a value begins.
    fn begin_value(
        &mut self,
        input: &mut Input<'_>,
        held: &mut HeldRecords,
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Option<Step> {
        let Some(byte) = self.skip_white_space(input) else {
            if input.is_last {
                held.release(out);
            }
            return Some(Step::NeedsMore);
        };
        let is_stray = matches!(byte, b',' | b']');
        if std::mem::take(&mut self.may_be_in_array) {
            if is_stray {
                return Some(Step::WasInArray);
            }
            self.note_value();
        }
        if is_stray {
            self.begin_stray_line(byte, input);
            return None;
        }
        held.release(out);
        self.follows_stray_line = false;
        if byte == b'[' && self.arrays_hold_rows {
            self.is_empty = false;
            input.take_within_line(1);
            self.indent = None;
            return Some(Step::Opened);
        }
        self.note_value();
        self.read = 0;
        self.scanner.restart();
        self.state = if self.indent.is_some() { State::InLine } else { State::InValue };
        None
    }

    /// Begins a line that a parser which resumes before it would take for the rest of an array. That is why no boundary is
    /// before it, and why such lines are one reject: the records between two boundaries are in memory.
    fn begin_stray_line(&mut self, byte: u8, input: &Input<'_>) {
        self.note_value();
        let broken =
            Box::new(BrokenValue::new(syntax_fault(UnexpectedByte(byte)), input, self.indent, false));
        self.state = match std::mem::replace(&mut self.follows_stray_line, true) {
            true => State::InStrayLine(broken),
            false => State::InBrokenValue(broken),
        };
    }

    fn note_value(&mut self) {
        self.is_empty = false;
        self.arrays_hold_rows &= !self.until_first_value;
    }

    fn skip_white_space(&mut self, input: &mut Input<'_>) -> Option<u8> {
        while let Some(byte) = input.peek() {
            match byte {
                b' ' | b'\t' => {
                    input.take_within_line(1);
                    self.indent = self.indent.map(|column| column + 1);
                }
                b'\n' | b'\r' => {
                    input.take(1);
                    self.indent = Some(0);
                }
                RECORD_SEPARATOR => input.take_within_line(1),
                _ => return Some(byte),
            }
        }
        None
    }

    /// Parses the rest of the line, without a look at its structure. Returns whether more can be read.
    fn read_line(&mut self, input: &mut Input<'_>, rules: &ItemRules, held: &mut HeldRecords) -> bool {
        let unread = input.rest.get(self.read..).unwrap_or_default();
        let length = match memchr2(b'\n', b'\r', unread) {
            Some(end) => self.read + end,
            None if input.is_last || input.rest.len() > MAX_RECORD_BYTES => input.rest.len(),
            None => {
                self.read = input.rest.len();
                return false;
            }
        };
        self.read = 0;
        self.state = State::InValue;
        let text = trim_end(input.rest.get(..length).unwrap_or_default());
        if text.len() <= MAX_RECORD_BYTES
            && let Ok(value) = parse_json(text)
        {
            let line = input.line();
            let row = build_row(rules, line, value);
            let row = row.map_err(|fault| fault.into_reject(line, shorten_record(text, text.len())));
            input.take_within_line(text.len());
            self.complete_value(row, input, held);
        }
        true
    }

    /// Finds the end of the value. Returns whether more can be read.
    fn read_value(&mut self, input: &mut Input<'_>, rules: &ItemRules, held: &mut HeldRecords) -> bool {
        let record = input.rest.get(..=MAX_RECORD_BYTES).unwrap_or(input.rest);
        loop {
            let unread = record.get(self.read..).unwrap_or_default();
            let (taken, event) = self.scanner.next_event(unread);
            self.read += taken;
            let fault = match event {
                _ if self.read > MAX_RECORD_BYTES => too_long_fault(),
                Err(kind) => self.fault_here(kind, input),
                Ok(Event::More) if !input.is_last => return false,
                Ok(Event::More) if !self.scanner.may_end() => self.fault_here(UnexpectedEnd, input),
                Ok(Event::More) => break,
                Ok(Event::End) if ends_before(record.get(..self.read), unread.get(taken)) => break,
                Ok(Event::End) => self.fault_here(TrailingText, input),
                Ok(_) => continue,
            };
            self.begin_broken_value(fault, input);
            return true;
        }
        let text = input.rest.get(..self.read).unwrap_or_default();
        let row = parse_record(rules, input.line(), text);
        input.take(self.read);
        self.complete_value(row, input, held);
        true
    }

    fn complete_value(&mut self, row: Result<Row, Reject>, input: &Input<'_>, held: &mut HeldRecords) {
        held.hold(row, input.place.position);
        self.state = State::BetweenValues;
        self.indent = None;
    }

    /// Returns the fault with its line, unless that is the line of the value.
    fn fault_here(&self, kind: JsonErrorKind, input: &Input<'_>) -> Fault {
        let mut fault = syntax_fault(kind);
        let mut ahead = *input;
        ahead.take(self.read);
        if ahead.line() > input.line() && kind != JsonErrorKind::TooDeep {
            fault.reason = format!("{}, on line {}", fault.reason, ahead.line());
        }
        fault
    }

    fn begin_broken_value(&mut self, fault: Fault, input: &Input<'_>) {
        let before = input.rest.get(..self.read).unwrap_or_default();
        let has_more_lines = memchr2(b'\n', b'\r', before).is_some();
        let broken = BrokenValue::new(fault, input, self.indent, has_more_lines);
        self.state = State::InBrokenValue(Box::new(broken));
    }

    fn complete_broken_value(&mut self, held: &mut HeldRecords) {
        match std::mem::replace(&mut self.state, State::BetweenValues) {
            State::InBrokenValue(broken) => {
                self.indent = broken.indent();
                let end = broken.end();
                held.hold(Err(broken.into_reject()), end);
            }
            State::InStrayLine(broken) => {
                self.indent = broken.indent();
                held.extend_last(broken.end());
            }
            _ => {}
        }
    }
}

/// Returns whether a value ends before this byte. A comma, for example, makes it a part of something else.
fn ends_before(value: Option<&[u8]>, next: Option<&u8>) -> bool {
    match next {
        Some(b'{' | b'[') => matches!(value.and_then(<[u8]>::last), Some(b'}' | b']')),
        _ => matches!(next, Some(b' ' | b'\t' | b'\r' | b'\n' | &RECORD_SEPARATOR)),
    }
}
