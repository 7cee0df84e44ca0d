use memchr::memchr2;
use restctl_contract::load::Position;

use super::input::Input;
use super::{RECORD_SEPARATOR, trim_end};
use crate::reject::excerpt::{MAX_EXCERPT_BYTES, shorten_record};
use crate::reject::{Fault, Reject};

/// A broken value among values, while its text is skipped.
///
/// Reading goes on at the next line. If the value has more lines than the one on which it begins, its other lines are
/// skipped too: reading goes on at a line that begins with a bracket no further to the right than the value does.
#[derive(Debug)]
pub(super) struct BrokenValue {
    fault: Fault,
    line: u64,
    /// The column of the value, or `usize::MAX` if it does not begin its line.
    column: usize,
    has_more_lines: bool,
    /// The column of the next byte if only white space is before it on its line. `None` on the first line.
    indent: Option<usize>,
    /// The beginning of the text.
    text: Vec<u8>,
    length: usize,
    /// The length without white space at the end, and the position there.
    end: (usize, Position),
}

impl BrokenValue {
    pub(super) fn new(fault: Fault, input: &Input<'_>, column: Option<usize>, has_more_lines: bool) -> Self {
        Self {
            fault,
            line: input.line(),
            column: column.unwrap_or(usize::MAX),
            has_more_lines,
            indent: None,
            text: Vec::new(),
            length: 0,
            end: (0, input.place.position),
        }
    }

    /// Skips what has come of the text. Returns whether the next byte belongs to something else.
    pub(super) fn skip(&mut self, input: &mut Input<'_>) -> bool {
        while let Some(byte) = input.peek() {
            match (self.indent, byte) {
                (Some(column), b'{' | b'[') if column <= self.column => return true,
                (Some(column), b' ' | b'\t') => {
                    self.take(input, 1);
                    self.indent = Some(column + 1);
                }
                (Some(_), RECORD_SEPARATOR) => self.take(input, 1),
                (_, b'\n' | b'\r') if !self.has_more_lines => return true,
                (_, b'\n' | b'\r') => {
                    self.take(input, 1);
                    self.indent = Some(0);
                }
                _ => {
                    self.indent = None;
                    self.take(input, memchr2(b'\n', b'\r', input.rest).unwrap_or(input.rest.len()));
                }
            }
        }
        input.is_last
    }

    fn take(&mut self, input: &mut Input<'_>, length: usize) {
        let taken = input.rest.get(..length).unwrap_or_default();
        let room = MAX_EXCERPT_BYTES - self.text.len();
        self.text.extend(taken.iter().take(room));
        let trimmed = trim_end(taken).len();
        if trimmed > 0 {
            input.take_within_line(trimmed);
            self.end = (self.length + trimmed, input.place.position);
        }
        input.take(length - trimmed);
        self.length += length;
    }

    /// Returns the column of the next byte if only white space is before it on its line.
    pub(super) fn indent(&self) -> Option<usize> {
        self.indent
    }

    /// Returns the end of the text without white space.
    pub(super) fn end(&self) -> Position {
        self.end.1
    }

    pub(super) fn into_reject(self) -> Reject {
        let (length, _) = self.end;
        let text = self.text.get(..length).unwrap_or(&self.text);
        self.fault.into_reject(self.line, shorten_record(text, length))
    }
}
