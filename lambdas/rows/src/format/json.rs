//! JSON: objects one after another in any layout, the elements of arrays, and arrays within an object.

mod broken;
mod elements;
pub(crate) mod finder;
mod held;
mod input;
mod names;
mod row;
mod scanner;
mod sequence;
#[cfg(test)]
mod tests;
mod value;
mod wrapper;

use elements::Elements;
use held::HeldRecords;
use input::{Input, Place};
use restctl_contract::load::Position;
use sequence::Sequence;
use wrapper::Wrapper;

use crate::reject::Reject;
use crate::row::Row;
use crate::row::rules::ItemRules;
use crate::unreadable::Unreadable;
use restctl_contract::json::MemberPath;

/// What may stand before each value of a sequence (RFC 7464).
const RECORD_SEPARATOR: u8 = 0x1e;

/// A reader that holds one record at a time.
#[derive(Debug)]
pub(crate) struct JsonReader {
    rules: ItemRules,
    outer: Outer,
    /// The reader of the array that is open.
    elements: Option<Elements>,
    held: HeldRecords,
    /// The place of the first byte that is not taken.
    place: Place,
    /// The bytes from there that have come.
    untaken: Vec<u8>,
}

/// The reader of what is not within an array of rows.
#[derive(Debug)]
enum Outer {
    Sequence(Box<Sequence>),
    Wrapper(Box<Wrapper>),
}

/// Where a reader has stopped.
enum Step {
    NeedsMore,
    /// After the bracket that opens an array of rows.
    Opened,
    /// Before the first byte, which shows that an earlier parser stopped after an element of an array.
    WasInArray,
    /// After the bracket that closes the array.
    Closed,
}

impl JsonReader {
    /// Starts at the start of the file, or at a boundary.
    ///
    /// Each top-level object is a row, and each element of a top-level array. In NDJSON, such arrays are only at the
    /// start of the file. If there is a path, the rows are the elements of the array it leads to.
    pub(crate) fn new(
        rules: ItemRules,
        is_ndjson: bool,
        records: Option<&MemberPath>,
        position: Position,
    ) -> Self {
        let at_start = position.offset == 0;
        let (outer, elements) = match records.cloned() {
            Some(path) if at_start => (Outer::Wrapper(Box::new(Wrapper::at_start(path))), None),
            Some(path) => {
                (Outer::Wrapper(Box::new(Wrapper::in_array(path))), Some(Elements::after_element()))
            }
            None if at_start => (Outer::Sequence(Box::new(Sequence::at_start(is_ndjson))), None),
            None => (Outer::Sequence(Box::new(Sequence::resumed(is_ndjson))), None),
        };
        let (held, place) = (HeldRecords::new(position), Place::at(position));
        Self { rules, outer, elements, held, place, untaken: Vec::new() }
    }

    /// Reads all of the text.
    pub(crate) fn read(
        &mut self,
        text: &mut &[u8],
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<(), Unreadable> {
        let text = std::mem::take(text);
        if self.untaken.is_empty() {
            let taken = self.take(text, false, out)?;
            self.untaken.extend_from_slice(text.get(taken..).unwrap_or_default());
        } else {
            let mut untaken = std::mem::take(&mut self.untaken);
            untaken.extend_from_slice(text);
            let taken = self.take(&untaken, false, out)?;
            untaken.drain(..taken);
            self.untaken = untaken;
        }
        Ok(())
    }

    pub(crate) fn finish(&mut self, out: &mut Vec<Result<Row, Reject>>) -> Result<(), Unreadable> {
        let untaken = std::mem::take(&mut self.untaken);
        self.take(&untaken, true, out)?;
        match &self.outer {
            Outer::Sequence(sequence) if sequence.is_empty => Err(Unreadable::Empty),
            _ => Ok(()),
        }
    }

    /// Returns the position of the byte that comes next.
    pub(crate) fn position(&self) -> Position {
        let Position { offset, line } = self.place.position;
        Position { offset: offset + self.untaken.len() as u64, line }
    }

    /// Notes that bytes before the first line do not come.
    pub(crate) fn skip_byte_order_mark(&mut self, bytes: u64) {
        self.place.position.offset += bytes;
    }

    /// Returns the position between the last record and the next.
    pub(crate) fn boundary(&self) -> Position {
        self.held.boundary
    }

    /// Returns how many bytes have been taken.
    fn take(
        &mut self,
        text: &[u8],
        is_last: bool,
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<usize, Unreadable> {
        let mut input = Input { rest: text, is_last, place: self.place };
        loop {
            match self.step(&mut input, out)? {
                Step::NeedsMore => break,
                Step::Opened => self.elements = Some(Elements::after_bracket()),
                Step::WasInArray => self.elements = Some(Elements::after_element()),
                Step::Closed => self.close_array(),
            }
        }
        self.place = input.place;
        Ok(text.len() - input.rest.len())
    }

    fn step(
        &mut self,
        input: &mut Input<'_>,
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<Step, Unreadable> {
        match (&mut self.elements, &mut self.outer) {
            (Some(elements), _) => elements.read(input, &self.rules, &mut self.held, out),
            (None, Outer::Sequence(sequence)) => Ok(sequence.read(input, &self.rules, &mut self.held, out)),
            (None, Outer::Wrapper(wrapper)) => wrapper.read(input),
        }
    }

    fn close_array(&mut self) {
        self.elements = None;
        if let Outer::Wrapper(wrapper) = &mut self.outer {
            wrapper.leave_array();
        }
    }
}

/// Returns the text without what may stand between values.
fn trim_end(text: &[u8]) -> &[u8] {
    let is_between = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | &RECORD_SEPARATOR);
    let length = text.iter().rposition(|byte| !is_between(byte)).map_or(0, |last| last + 1);
    text.get(..length).unwrap_or_default()
}
