use memchr::memchr2;
use restctl_contract::json::JsonErrorKind::{self, TooDeep, TrailingText, UnexpectedEnd};

use super::input::Input;
use super::row::{MAX_NESTING, build_record, parse_json, parse_record, syntax_fault, too_long_fault};
use super::scanner::{Event, Scanner};
use super::{RECORD_SEPARATOR, trim_end};
use crate::limits::MAX_RECORD_BYTES;
use crate::reject::{Fault, Reject};
use crate::row::Row;
use crate::row::rules::ItemRules;

/// A reader of one value among values. It takes nothing from its input.
#[derive(Debug)]
pub(super) struct ValueReader {
    /// Whether the value may be the rest of its line, which is parsed without a look at its structure.
    may_be_line: bool,
    scanner: Scanner,
    /// How many bytes have been read.
    read: usize,
}

pub(super) enum ValueEnd {
    NeedsMore,
    Complete { record: Result<Row, Reject>, length: usize },
    Broken { fault: Fault, has_more_lines: bool },
}

impl ValueReader {
    pub(super) fn new() -> Self {
        Self { may_be_line: true, scanner: Scanner::new(MAX_NESTING), read: 0 }
    }

    pub(super) fn restart(&mut self, begins_line: bool) {
        self.may_be_line = begins_line;
        self.scanner.restart();
        self.read = 0;
    }

    /// Finds the end of the value, which is at the start of the input.
    pub(super) fn read(&mut self, input: &Input<'_>, rules: &ItemRules) -> ValueEnd {
        if self.may_be_line {
            if let Some(end) = self.read_line(input, rules) {
                return end;
            }
            self.restart(false);
        }
        let text = input.rest.get(..=MAX_RECORD_BYTES).unwrap_or(input.rest);
        match self.scan(text, input) {
            Ok(false) => ValueEnd::NeedsMore,
            Ok(true) => {
                let text = text.get(..self.read).unwrap_or_default();
                ValueEnd::Complete { record: parse_record(rules, input.line(), text), length: self.read }
            }
            Err(fault) => {
                let before = text.get(..self.read).unwrap_or_default();
                ValueEnd::Broken { fault, has_more_lines: memchr2(b'\n', b'\r', before).is_some() }
            }
        }
    }

    /// Returns `None` if the line is no value.
    fn read_line(&mut self, input: &Input<'_>, rules: &ItemRules) -> Option<ValueEnd> {
        let unread = input.rest.get(self.read..).unwrap_or_default();
        let length = match memchr2(b'\n', b'\r', unread) {
            Some(end) => self.read + end,
            None if input.is_last || input.rest.len() > MAX_RECORD_BYTES => input.rest.len(),
            None => {
                self.read = input.rest.len();
                return Some(ValueEnd::NeedsMore);
            }
        };
        let text = trim_end(input.rest.get(..length)?);
        let value = (text.len() <= MAX_RECORD_BYTES).then(|| parse_json(text).ok())??;
        let record = build_record(rules, input.line(), text, value);
        Some(ValueEnd::Complete { record, length: text.len() })
    }

    /// Returns whether the value is complete.
    fn scan(&mut self, text: &[u8], input: &Input<'_>) -> Result<bool, Fault> {
        loop {
            let unread = text.get(self.read..).unwrap_or_default();
            let (taken, event) = self.scanner.next_event(unread);
            self.read += taken;
            let problem = match event {
                _ if self.read > MAX_RECORD_BYTES => return Err(too_long_fault()),
                Err(kind) => kind,
                Ok(Event::More) if !input.is_last => return Ok(false),
                Ok(Event::More) if self.scanner.may_end() => return Ok(true),
                Ok(Event::More) => UnexpectedEnd,
                Ok(Event::End) if ends_before(text.get(..self.read), unread.get(taken)) => return Ok(true),
                Ok(Event::End) => TrailingText,
                Ok(_) => continue,
            };
            return Err(self.fault_here(problem, input));
        }
    }

    /// Returns the fault with its line, unless that is the line of the value.
    fn fault_here(&self, kind: JsonErrorKind, input: &Input<'_>) -> Fault {
        let (fault, mut ahead) = (syntax_fault(kind), *input);
        ahead.take(self.read);
        match ahead.line() {
            line if line > input.line() && kind != TooDeep => fault.saying_line(line),
            _ => fault,
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
