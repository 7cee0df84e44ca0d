use restctl_contract::json::JsonErrorKind::UnexpectedByte;

use super::broken::BrokenValue;
use super::held::HeldRecords;
use super::input::Input;
use super::row::syntax_fault;
use super::value::{ValueEnd, ValueReader};
use super::{RECORD_SEPARATOR, Step};
use crate::limits::MAX_RECORD_BYTES;
use crate::reject::Reject;
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
    value: ValueReader,
}

#[derive(Debug)]
enum State {
    BetweenValues,
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
            value: ValueReader::new(),
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
        let Some(byte) = self.skip_white_space(input, held, out) else {
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
        self.value.restart(self.indent.is_some());
        self.state = State::InValue;
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

    fn skip_white_space(
        &mut self,
        input: &mut Input<'_>,
        held: &mut HeldRecords,
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Option<u8> {
        while let Some(byte) = input.peek() {
            match byte {
                b' ' | b'\t' => {
                    input.take_within_line(1);
                    self.indent = self.indent.map(|column| column + 1);
                }
                b'\n' | b'\r' => {
                    self.allow_stop(input, held, out);
                    input.take(1);
                    self.indent = Some(0);
                }
                RECORD_SEPARATOR => input.take_within_line(1),
                _ => return Some(byte),
            }
        }
        None
    }

    /// Makes this line end a boundary if there is a lot of white space before it: a load must not be kept from stopping by
    /// any number of blank lines. From here on, this parser is like one that resumes here.
    fn allow_stop(&mut self, input: &Input<'_>, held: &mut HeldRecords, out: &mut Vec<Result<Row, Reject>>) {
        if !self.is_empty
            && !input.is_within_line_end()
            && input.place.position.offset - held.end().offset > MAX_RECORD_BYTES as u64
        {
            held.extend_last(input.place.position);
            held.release(out);
            *self = Self::resumed(self.until_first_value);
        }
    }

    /// Returns whether more can be read.
    fn read_value(&mut self, input: &mut Input<'_>, rules: &ItemRules, held: &mut HeldRecords) -> bool {
        match self.value.read(input, rules) {
            ValueEnd::NeedsMore => return false,
            ValueEnd::Complete { record, length } => {
                input.take(length);
                held.hold(record, input.place.position);
                self.state = State::BetweenValues;
                self.indent = None;
            }
            ValueEnd::Broken { fault, has_more_lines } => {
                let broken = BrokenValue::new(fault, input, self.indent, has_more_lines);
                self.state = State::InBrokenValue(Box::new(broken));
            }
        }
        true
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
