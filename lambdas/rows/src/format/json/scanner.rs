use restctl_contract::json::JsonErrorKind::{self, ControlCharacter, TooDeep, UnexpectedByte};

use super::RECORD_SEPARATOR;

/// How much of a name is kept.
const MAX_KEPT_NAME_BYTES: usize = 64 * 1024;

/// Follows the structure of JSON that comes in pieces, without recursion.
///
/// It finds a fault where it is, except in numbers, words and escapes, which the parser judges.
#[derive(Debug)]
pub(super) struct Scanner {
    max_depth: usize,
    /// The arrays and objects that are open, from the outermost.
    open: Vec<Container>,
    expected: Expected,
    /// The last name, or as much of it as is kept, without quotes.
    pub(super) name: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Container {
    Array,
    Object,
}

/// What the scanner has come to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Event {
    /// The end of the piece.
    More,
    Open(Container),
    Close,
    /// The end of a name in an object.
    Name,
    /// The start of a string, a number or a word.
    Scalar,
    /// The byte after a value that is in no other.
    End,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Expected {
    Value,
    ElementOrEnd,
    NameOrEnd,
    Name,
    Colon,
    CommaOrEnd,
    InString { is_name: bool, escaped: bool },
    InWord,
    Nothing,
}

impl Scanner {
    pub(super) fn new(max_depth: usize) -> Self {
        Self { max_depth, open: Vec::new(), expected: Expected::Value, name: Vec::new() }
    }

    /// Starts within an array that is a member of the innermost of `objects` objects.
    pub(super) fn in_array_of_objects(max_depth: usize, objects: usize) -> Self {
        let mut open = vec![Container::Object; objects];
        open.push(Container::Array);
        Self { max_depth, open, expected: Expected::ElementOrEnd, name: Vec::new() }
    }

    /// Continues with another value.
    pub(super) fn restart(&mut self) {
        self.open.clear();
        self.expected = Expected::Value;
    }

    /// Returns how many arrays and objects are open.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    /// Returns whether a value is complete if the text ends here.
    pub(super) fn may_end(&self) -> bool {
        self.open.is_empty() && matches!(self.expected, Expected::InWord | Expected::Nothing)
    }

    /// Returns whether nothing of a value has been seen.
    pub(super) fn is_before_value(&self) -> bool {
        self.open.is_empty() && self.expected == Expected::Value
    }

    /// Closes the innermost array or object, whose end somebody else has read.
    pub(super) fn close(&mut self) {
        self.open.pop();
        self.end_value();
    }

    /// Returns how many bytes of the text lead to the next event.
    pub(super) fn next_event(&mut self, text: &[u8]) -> (usize, Result<Event, JsonErrorKind>) {
        let mut taken = 0;
        while let Some((&byte, rest)) = text.get(taken..).and_then(<[u8]>::split_first) {
            match self.expected {
                Expected::InString { is_name, escaped } => {
                    let bytes = match escaped {
                        true => usize::from(byte >= b' '),
                        false => count_plain_bytes(rest, byte),
                    };
                    if is_name {
                        let room = MAX_KEPT_NAME_BYTES - self.name.len();
                        self.name.extend(text.iter().skip(taken).take(bytes.max(1).min(room)));
                    }
                    taken += bytes;
                    self.expected = Expected::InString { is_name, escaped: false };
                    if bytes > 0 {
                        continue;
                    }
                    match byte {
                        b'\\' => self.expected = Expected::InString { is_name, escaped: true },
                        b'"' if is_name => {
                            if self.name.len() < MAX_KEPT_NAME_BYTES {
                                self.name.pop();
                            }
                            self.expected = Expected::Colon;
                            return (taken + 1, Ok(Event::Name));
                        }
                        b'"' => self.end_value(),
                        _ => return (taken, Err(ControlCharacter)),
                    }
                    taken += 1;
                }
                Expected::InWord if is_in_word(byte) => {
                    taken += 1 + rest.iter().take_while(|byte| is_in_word(**byte)).count();
                }
                Expected::InWord => self.end_value(),
                Expected::Nothing => return (taken, Ok(Event::End)),
                _ if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') => taken += 1,
                Expected::Value if byte == RECORD_SEPARATOR && self.open.is_empty() => taken += 1,
                _ => match self.take_token(byte) {
                    Ok(None) => taken += 1,
                    Ok(Some(event)) => return (taken + 1, Ok(event)),
                    Err(kind) => return (taken, Err(kind)),
                },
            }
        }
        (taken, Ok(Event::More))
    }

    /// Reads a byte that is neither white space nor within a string or a word.
    fn take_token(&mut self, byte: u8) -> Result<Option<Event>, JsonErrorKind> {
        let innermost = self.open.last().copied();
        match (self.expected, byte) {
            (Expected::Value | Expected::ElementOrEnd, b'{') => self.open(Container::Object),
            (Expected::Value | Expected::ElementOrEnd, b'[') => self.open(Container::Array),
            (Expected::Value | Expected::ElementOrEnd, b'"') => {
                self.expected = Expected::InString { is_name: false, escaped: false };
                Ok(Some(Event::Scalar))
            }
            (Expected::Value | Expected::ElementOrEnd, _) if is_in_word(byte) => {
                self.expected = Expected::InWord;
                Ok(Some(Event::Scalar))
            }
            (Expected::NameOrEnd | Expected::Name, b'"') => {
                self.name.clear();
                self.expected = Expected::InString { is_name: true, escaped: false };
                Ok(None)
            }
            (Expected::Colon, b':') => {
                self.expected = Expected::Value;
                Ok(None)
            }
            (Expected::CommaOrEnd, b',') => {
                let in_object = innermost == Some(Container::Object);
                self.expected = if in_object { Expected::Name } else { Expected::Value };
                Ok(None)
            }
            (Expected::ElementOrEnd, b']') | (Expected::NameOrEnd, b'}') => Ok(Some(self.take_end())),
            (Expected::CommaOrEnd, b']') if innermost == Some(Container::Array) => Ok(Some(self.take_end())),
            (Expected::CommaOrEnd, b'}') if innermost == Some(Container::Object) => Ok(Some(self.take_end())),
            _ => Err(UnexpectedByte(byte)),
        }
    }

    fn open(&mut self, container: Container) -> Result<Option<Event>, JsonErrorKind> {
        if self.open.len() == self.max_depth {
            return Err(TooDeep);
        }
        self.open.push(container);
        self.expected = match container {
            Container::Array => Expected::ElementOrEnd,
            Container::Object => Expected::NameOrEnd,
        };
        Ok(Some(Event::Open(container)))
    }

    fn take_end(&mut self) -> Event {
        self.close();
        Event::Close
    }

    fn end_value(&mut self) {
        self.expected = if self.open.is_empty() { Expected::Nothing } else { Expected::CommaOrEnd };
    }
}

/// Returns how many bytes, from `first` on, neither end a string nor begin an escape.
fn count_plain_bytes(rest: &[u8], first: u8) -> usize {
    let is_special = |byte: u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    match is_special(first) {
        true => 0,
        false => 1 + rest.iter().position(|byte| is_special(*byte)).unwrap_or(rest.len()),
    }
}

fn is_in_word(byte: u8) -> bool {
    !matches!(byte, b',' | b':' | b'{' | b'}' | b'[' | b']' | b'"' | 0..=b' ')
}
