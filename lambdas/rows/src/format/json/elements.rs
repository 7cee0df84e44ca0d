use memchr::memchr2;

use super::Step;
use super::held::HeldRecords;
use super::input::Input;
use super::row::{parse_record, too_long_fault};
use crate::limits::MAX_RECORD_BYTES;
use crate::reject::Reject;
use crate::reject::excerpt::{MAX_EXCERPT_BYTES, shorten_record};
use crate::row::Row;
use crate::row::rules::ItemRules;
use crate::unreadable::{ArrayProblem, Unreadable};

/// A reader that splits an array into its elements, each of which is a row. It finds the end of a broken element by its
/// brackets and quotes.
#[derive(Debug)]
pub(super) struct Elements {
    state: State,
    /// How many bytes of the element have been read.
    read: usize,
    /// The line and the beginning of an element that is too long. The rest of it has not been kept.
    too_long: Option<(u64, Vec<u8>)>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    BeforeFirst,
    AfterComma,
    InElement { depth: usize, string: InString },
    AfterElement,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum InString {
    No,
    Yes,
    /// After a backslash.
    Escaped,
}

impl Elements {
    pub(super) fn after_bracket() -> Self {
        Self { state: State::BeforeFirst, read: 0, too_long: None }
    }

    pub(super) fn after_element() -> Self {
        Self { state: State::AfterElement, read: 0, too_long: None }
    }

    pub(super) fn read(
        &mut self,
        input: &mut Input<'_>,
        rules: &ItemRules,
        held: &mut HeldRecords,
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<Step, Unreadable> {
        loop {
            let step = match self.state {
                State::InElement { depth, string } => self.read_element(depth, string, input, rules, held)?,
                _ => self.read_between(input, held, out)?,
            };
            if let Some(step) = step {
                return Ok(step);
            }
        }
    }

    fn read_between(
        &mut self,
        input: &mut Input<'_>,
        held: &mut HeldRecords,
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<Option<Step>, Unreadable> {
        let byte = input.skip_white_space();
        let problem = match (self.state, byte) {
            (_, None) if !input.is_last => return Ok(Some(Step::NeedsMore)),
            (_, None) => ArrayProblem::Unclosed,
            // The array may end with a comma.
            (_, Some(b']')) => {
                held.release(out);
                input.take_within_line(1);
                return Ok(Some(Step::Closed));
            }
            (State::AfterElement, Some(b',')) => {
                held.release(out);
                input.take_within_line(1);
                self.state = State::AfterComma;
                return Ok(None);
            }
            (State::AfterElement, _) => ArrayProblem::MissingComma,
            (_, Some(b',' | b'}' | b':')) => ArrayProblem::MissingElement,
            _ => {
                self.state = State::InElement { depth: 0, string: InString::No };
                self.read = 0;
                return Ok(None);
            }
        };
        Err(Unreadable::BrokenArray { line: input.line(), problem })
    }

    fn read_element(
        &mut self,
        depth: usize,
        string: InString,
        input: &mut Input<'_>,
        rules: &ItemRules,
        held: &mut HeldRecords,
    ) -> Result<Option<Step>, Unreadable> {
        let mut place = (depth, string);
        let ends = find_end(input.rest, &mut self.read, &mut place);
        if !ends && input.is_last {
            let problem =
                if place.1 == InString::No { ArrayProblem::Unclosed } else { ArrayProblem::UnclosedString };
            let line = self.too_long.take().map_or(input.line(), |(line, _)| line);
            return Err(Unreadable::BrokenArray { line, problem });
        }
        if input.rest.len() > MAX_RECORD_BYTES && self.read > MAX_RECORD_BYTES && self.too_long.is_none() {
            let beginning = input.rest.iter().copied().take(MAX_EXCERPT_BYTES).collect();
            self.too_long = Some((input.line(), beginning));
        }
        if !ends {
            self.state = State::InElement { depth: place.0, string: place.1 };
            if self.too_long.is_some() {
                input.take(self.read);
                self.read = 0;
            }
            return Ok(Some(Step::NeedsMore));
        }
        let text = input.rest.get(..self.read).unwrap_or_default();
        let record = match self.too_long.take() {
            None => parse_record(rules, input.line(), text),
            Some((line, text)) => {
                Err(too_long_fault().into_reject(line, shorten_record(&text, MAX_RECORD_BYTES + 1)))
            }
        };
        input.take(self.read);
        held.hold(record, input.place.position);
        self.state = State::AfterElement;
        Ok(None)
    }
}

/// Reads an element on from `read`. Returns whether it ends there. A number or a word ends only at the byte that follows.
fn find_end(text: &[u8], read: &mut usize, (depth, string): &mut (usize, InString)) -> bool {
    while let Some(unread) = text.get(*read..).filter(|unread| !unread.is_empty()) {
        let plain = count_plain_bytes(unread, *depth, *string);
        *read += plain;
        let Some(&byte) = unread.get(plain) else { return false };
        match (*string, byte) {
            (InString::Escaped, _) => *string = InString::Yes,
            (InString::Yes, b'\\') => *string = InString::Escaped,
            (InString::Yes, b'"') => *string = InString::No,
            (InString::Yes, _) => {}
            (InString::No, b'"') => *string = InString::Yes,
            (InString::No, b'{' | b'[') => *depth += 1,
            (InString::No, b',' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n') if *depth == 0 => return true,
            (InString::No, b'}' | b']') => *depth -= 1,
            (InString::No, _) => {}
        }
        *read += 1;
        let closes = matches!(byte, b'"' | b'}' | b']');
        if closes && *depth == 0 && *string == InString::No {
            return true;
        }
    }
    false
}

/// Returns how many of the next bytes change nothing.
fn count_plain_bytes(text: &[u8], depth: usize, string: InString) -> usize {
    let next = match string {
        InString::Yes => memchr2(b'"', b'\\', text),
        InString::No if depth > 0 => {
            text.iter().position(|byte| matches!(byte, b'"' | b'[' | b']' | b'{' | b'}'))
        }
        _ => Some(0),
    };
    next.unwrap_or(text.len())
}
