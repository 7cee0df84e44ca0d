use memchr::memchr2;
use restctl_contract::load::Position;

use crate::format::json::Text;
use crate::format::position::after;
use crate::reject::Reject;
use crate::row::Row;
use crate::row::rules::Rules;
use crate::unreadable::Unreadable;

/// Splits a top-level array into its elements without holding more than one of them.
#[derive(Debug)]
pub(crate) struct Array {
    rules: Rules,
    place: Place,
    element: Text,
    pub(crate) at: Position,
    pub(crate) between: Position,
}

#[derive(Debug, Clone, Copy)]
enum Place {
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

impl Array {
    /// From the file's start, or from behind an element.
    pub(crate) fn new(rules: Rules, position: Position) -> Self {
        let place = if position.offset == 0 { Place::BeforeArray } else { Place::AfterElement };
        Self { rules, place, element: Text::starting(position.line), at: position, between: position }
    }

    pub(crate) fn read(
        &mut self,
        text: &mut &[u8],
        out: &mut Vec<Result<Row, Reject>>,
    ) -> Result<(), Unreadable> {
        while let Some(&byte) = text.first() {
            let plain = self.plain(text);
            if plain > 0 {
                self.element.push(&text[..plain]);
            } else {
                self.step(byte, out)?;
            }
            let taken = plain.max(1);
            self.at = after(self.at, &text[..taken]);
            *text = &text[taken..];
        }
        Ok(())
    }

    pub(crate) fn finish(&self) -> Result<(), Unreadable> {
        match self.place {
            Place::BeforeArray => Err(Unreadable::Empty),
            Place::AfterArray => Ok(()),
            Place::Element { string: InString::Yes | InString::Escaped, .. } => {
                Err(Unreadable::BrokenArray {
                    line: self.element.line,
                    problem: "a string in the element that starts here never ends",
                })
            }
            _ => Err(self.broken("the file ends before the array does")),
        }
    }

    /// How much of the text is of an element and changes nothing.
    fn plain(&self, text: &[u8]) -> usize {
        let next = match self.place {
            Place::Element { string: InString::Yes, .. } => memchr2(b'"', b'\\', text),
            Place::Element { string: InString::No, depth: 1.. } => {
                text.iter().position(|byte| matches!(byte, b'"' | b'[' | b']' | b'{' | b'}'))
            }
            _ => Some(0),
        };
        next.unwrap_or(text.len())
    }

    fn step(&mut self, byte: u8, out: &mut Vec<Result<Row, Reject>>) -> Result<(), Unreadable> {
        self.place = match (self.place, byte) {
            (Place::Element { depth, string }, _) => return self.within(depth, string, byte, out),
            (place, b' ' | b'\t' | b'\r' | b'\n') => place,
            (Place::BeforeArray, b'[') => Place::First,
            (Place::BeforeArray, 0x80..) => return Err(Unreadable::NotUtf8 { line: self.at.line }),
            (Place::BeforeArray, _) => {
                return Err(Unreadable::NotAnArray { line: self.at.line, found: byte.into() });
            }
            (Place::First | Place::AfterElement, b']') => Place::AfterArray,
            (Place::Next, b']') => return Err(self.broken("a comma comes before the closing bracket")),
            (Place::First | Place::Next, b',' | b'}' | b':') => {
                return Err(self.broken("an element is missing"));
            }
            (Place::First | Place::Next, _) => {
                self.element.restart(self.at.line);
                return self.within(0, InString::No, byte, out);
            }
            (Place::AfterElement, b',') => Place::Next,
            (Place::AfterElement, _) => return Err(self.broken("a comma is missing between two elements")),
            (Place::AfterArray, _) => return Err(self.broken("something follows the closing bracket")),
        };
        Ok(())
    }

    /// A byte of an element; a number or a word ends only at the byte that follows it.
    fn within(
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
                self.complete(self.at, out)?;
                return self.step(byte, out);
            }
            (InString::No, b'}' | b']') => (depth - 1, InString::No, depth == 1),
            (InString::No, _) => (depth, InString::No, false),
        };
        self.element.push(&[byte]);
        self.place = Place::Element { depth, string };
        if ends { self.complete(after(self.at, &[byte]), out) } else { Ok(()) }
    }

    fn complete(&mut self, end: Position, out: &mut Vec<Result<Row, Reject>>) -> Result<(), Unreadable> {
        self.place = Place::AfterElement;
        out.push(self.element.row(&self.rules)?);
        self.between = end;
        Ok(())
    }

    fn broken(&self, problem: &'static str) -> Unreadable {
        Unreadable::BrokenArray { line: self.at.line, problem }
    }
}

#[cfg(test)]
mod tests {
    use crate::dialect::encoding::Format::JsonArray;
    use crate::limits::MAX_RECORD_BYTES;
    use crate::tests::{lines, parse, rejects, rows};

    #[test]
    fn elements_are_split_wherever_they_stand() {
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
