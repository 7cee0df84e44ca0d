use memchr::memchr2;
use restctl_contract::load::Position;

use crate::format::json::JsonText;
use crate::format::position::position_after;
use crate::reject::Reject;
use crate::row::Row;
use crate::row::rules::ItemRules;
use crate::unreadable::Unreadable;

/// A reader that splits a top-level array into its elements, and holds only one of them.
#[derive(Debug)]
pub(crate) struct JsonArrayReader {
    rules: ItemRules,
    state: ArrayState,
    element: JsonText,
    /// The position of the byte that comes next.
    pub(crate) position: Position,
    /// The end of the last element.
    pub(crate) boundary: Position,
}

#[derive(Debug, Clone, Copy)]
enum ArrayState {
    BeforeArray,
    /// After `[`.
    First,
    /// After a comma.
    Next,
    Element {
        depth: usize,
        string: InString,
    },
    AfterElement,
    AfterArray,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum InString {
    No,
    Yes,
    /// After a backslash.
    Escaped,
}

impl JsonArrayReader {
    /// Starts at the start of the file, or after an element.
    pub(crate) fn new(rules: ItemRules, position: Position) -> Self {
        let state = if position.offset == 0 { ArrayState::BeforeArray } else { ArrayState::AfterElement };
        Self { rules, state, element: JsonText::starting_at(position.line), position, boundary: position }
    }

    pub(crate) fn read(
        &mut self,
        text: &mut &[u8],
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<(), Unreadable> {
        while let Some(&byte) = text.first() {
            let plain = self.count_plain_bytes(text);
            if plain > 0 {
                self.element.append(&text[..plain]);
            } else {
                self.advance_state(byte, out)?;
            }
            let length = plain.max(1);
            self.position = position_after(self.position, &text[..length]);
            *text = &text[length..];
        }
        Ok(())
    }

    pub(crate) fn finish(&self) -> Result<(), Unreadable> {
        match self.state {
            ArrayState::BeforeArray => Err(Unreadable::Empty),
            ArrayState::AfterArray => Ok(()),
            ArrayState::Element { string: InString::Yes | InString::Escaped, .. } => {
                Err(Unreadable::BrokenArray {
                    line: self.element.line,
                    problem: "a string in the element that starts here is never closed",
                })
            }
            _ => Err(self.broken_array("the file ends before the array does")),
        }
    }

    /// Returns how many bytes belong to the element and do not change the state.
    fn count_plain_bytes(&self, text: &[u8]) -> usize {
        let next = match self.state {
            ArrayState::Element { string: InString::Yes, .. } => memchr2(b'"', b'\\', text),
            ArrayState::Element { string: InString::No, depth: 1.. } => {
                text.iter().position(|byte| matches!(byte, b'"' | b'[' | b']' | b'{' | b'}'))
            }
            _ => Some(0),
        };
        next.unwrap_or(text.len())
    }

    fn advance_state(&mut self, byte: u8, out: &mut Vec<Result<Row, Reject>>) -> Result<(), Unreadable> {
        self.state = match (self.state, byte) {
            (ArrayState::Element { depth, string }, _) => {
                return self.advance_in_element(depth, string, byte, out);
            }
            (state, b' ' | b'\t' | b'\r' | b'\n') => state,
            (ArrayState::BeforeArray, b'[') => ArrayState::First,
            (ArrayState::BeforeArray, 0x80..) => {
                return Err(Unreadable::NotUtf8 { line: self.position.line });
            }
            (ArrayState::BeforeArray, _) => {
                return Err(Unreadable::NotAnArray { line: self.position.line, found: byte.into() });
            }
            (ArrayState::First | ArrayState::AfterElement, b']') => ArrayState::AfterArray,
            (ArrayState::Next, b']') => {
                return Err(self.broken_array("a comma comes before the closing bracket"));
            }
            (ArrayState::First | ArrayState::Next, b',' | b'}' | b':') => {
                return Err(self.broken_array("an element is missing"));
            }
            (ArrayState::First | ArrayState::Next, _) => {
                self.element.restart_at(self.position.line);
                return self.advance_in_element(0, InString::No, byte, out);
            }
            (ArrayState::AfterElement, b',') => ArrayState::Next,
            (ArrayState::AfterElement, _) => {
                return Err(self.broken_array("a comma is missing between two elements"));
            }
            (ArrayState::AfterArray, _) => {
                return Err(self.broken_array("something follows the closing bracket"));
            }
        };
        Ok(())
    }

    /// Reads a byte of an element. A number or a word ends only at the byte that follows it.
    fn advance_in_element(
        &mut self,
        depth: usize,
        string: InString,
        byte: u8,
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<(), Unreadable> {
        let (depth, string, ends) = match (string, byte) {
            (InString::Escaped, _) => (depth, InString::Yes, false),
            (InString::Yes, b'\\') => (depth, InString::Escaped, false),
            (InString::Yes, b'"') => (depth, InString::No, depth == 0),
            (InString::Yes, _) => (depth, InString::Yes, false),
            (InString::No, b'"') => (depth, InString::Yes, false),
            (InString::No, b'{' | b'[') => (depth + 1, InString::No, false),
            (InString::No, b',' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n') if depth == 0 => {
                self.complete_element(self.position, out)?;
                return self.advance_state(byte, out);
            }
            (InString::No, b'}' | b']') => (depth - 1, InString::No, depth == 1),
            (InString::No, _) => (depth, InString::No, false),
        };
        self.element.append(&[byte]);
        self.state = ArrayState::Element { depth, string };
        if ends { self.complete_element(position_after(self.position, &[byte]), out) } else { Ok(()) }
    }

    fn complete_element(
        &mut self,
        end: Position,
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<(), Unreadable> {
        self.state = ArrayState::AfterElement;
        out.push(self.element.parse_row(&self.rules)?);
        self.boundary = end;
        Ok(())
    }

    fn broken_array(&self, problem: &'static str) -> Unreadable {
        Unreadable::BrokenArray { line: self.position.line, problem }
    }
}

#[cfg(test)]
mod tests {
    use crate::dialect::format::Format::JsonArray;
    use crate::limits::MAX_RECORD_BYTES;
    use crate::tests::{lines, parse, rejects, rows};

    #[test]
    fn elements_are_split_whatever_surrounds_them() {
        let text = "\n[ {\"id\":\"a]}\\\"\"},\n{\"id\":1}\n, 7,\"x\" ,[1],{\"id\":2,\n\"n\":{\"m\":[[]]}}]\n";
        let found = parse(JsonArray, text).unwrap();
        assert_eq!(lines(&found), [2, 3, 4, 4, 4, 4]);
        assert_eq!(rows(&found).iter().map(|row| row.key()).collect::<Vec<_>>(), ["a]}\"", "1", "2"]);
        let reasons: Vec<_> = rejects(&found).iter().map(|reject| reject.reason.as_str()).collect();
        assert_eq!(
            reasons,
            ["is a number, not an object", "is a string, not an object", "is an array, not an object"]
        );
        assert_eq!(parse(JsonArray, "[]").unwrap(), []);
    }

    #[test]
    fn a_broken_element_is_a_reject() {
        let found = parse(JsonArray, r#"[{"id":1,},{"id" 2},{"id":3}]"#).unwrap();
        assert_eq!(rows(&found).len(), 1);
        assert_eq!(rejects(&found)[0].row, r#"{"id":1,}"#);
        assert!(rejects(&found)[0].reason.starts_with("is not JSON: "), "{:?}", rejects(&found)[0]);
    }

    #[test]
    fn a_broken_array_is_unreadable() {
        for (text, said) in [
            ("[{\"id\":1}\n", "line 2: the file ends before"),
            ("[{\"id\":1},\n{\"id\":2", "line 2: the file ends before"),
            ("[{\"id\":1},\n{\"id\":\"2}]\n", "line 2: a string"),
            ("[{\"id\":1},]", "a comma comes before"),
            ("[{\"id\":1} {\"id\":2}]", "a comma is missing"),
            ("[{\"id\":1}}]", "a comma is missing"),
            ("[,]", "an element is missing"),
            ("[]\n]", "line 2: something follows"),
            ("{\"id\":1}", "ends in .ndjson"),
            ("[{\"id\":\"\u{e9}", "a string"),
        ] {
            let message = parse(JsonArray, text).unwrap_err().with_advice();
            assert!(message.contains(said), "{text}: {message}");
        }
    }

    #[test]
    fn an_endless_element_does_not_grow_memory() {
        let text = format!("[{{\"id\":1,\"s\":\"{}\"}},{{\"id\":2}}]", "]".repeat(3 * MAX_RECORD_BYTES));
        let found = parse(JsonArray, &text).unwrap();
        assert!(rejects(&found)[0].reason.contains("is longer than"));
        assert_eq!(rows(&found)[0].key(), "2");
    }
}
