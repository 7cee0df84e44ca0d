//! Strings and their escapes.

use super::error::JsonErrorKind::{self, *};
use super::parser::Parser;

/// The bytes that are tested at once.
const BLOCK: usize = 8;

impl<'a> Parser<'a> {
    pub(super) fn parse_string(&mut self) -> Result<String, JsonErrorKind> {
        self.position += 1;
        let mut text = self.take_plain_text()?.to_owned();
        loop {
            match self.peek().ok_or(UnexpectedEnd)? {
                b'"' => {
                    self.position += 1;
                    return Ok(text);
                }
                b'\\' => text.push(self.parse_escape()?),
                _ => return Err(ControlCharacter),
            }
            text.push_str(self.take_plain_text()?);
        }
    }

    /// Goes to the next quote, backslash or control character.
    fn take_plain_text(&mut self) -> Result<&'a str, JsonErrorKind> {
        let start = self.position;
        while self.rest().first_chunk().is_some_and(is_plain) {
            self.position += BLOCK;
        }
        let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
        let rest = self.rest();
        self.position += rest.iter().position(is_special).unwrap_or(rest.len());
        self.text_since(start)
    }

    fn parse_escape(&mut self) -> Result<char, JsonErrorKind> {
        let escaped = match self.rest().get(1).ok_or(UnexpectedEnd)? {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.parse_unicode_escape(),
            _ => return Err(InvalidEscape),
        };
        self.position += 2;
        Ok(escaped)
    }

    /// Reads `\uXXXX`, or two of them if they are a surrogate pair.
    fn parse_unicode_escape(&mut self) -> Result<char, JsonErrorKind> {
        let first = self.code_unit_at(0)?;
        let (decoded, length) = match char::from_u32(first.into()) {
            Some(character) => (Some(character), 6),
            None => {
                let second = self.code_unit_at(6).map_err(|_| UnpairedSurrogate)?;
                (char::decode_utf16([first, second]).next().and_then(Result::ok), 12)
            }
        };
        self.position += if decoded.is_some() { length } else { 0 };
        decoded.ok_or(UnpairedSurrogate)
    }

    /// Returns the number of the `\uXXXX` that begins `offset` bytes from here.
    fn code_unit_at(&self, offset: usize) -> Result<u16, JsonErrorKind> {
        let digits = match self.rest().get(offset..offset + 6) {
            Some([b'\\', b'u', digits @ ..]) => digits,
            _ => return Err(InvalidEscape),
        };
        digits.iter().try_fold(0, |unit: u16, digit| {
            let value = char::from(*digit).to_digit(16).ok_or(InvalidEscape)?;
            Ok(unit << 4 | value as u16)
        })
    }
}

/// Returns whether a block has neither a quote, a backslash nor a control character. The high bit of a byte of
/// `byte - n & !byte` is set if the byte is less than `n`, or if a byte below it is.
fn is_plain(block: &[u8; BLOCK]) -> bool {
    let repeat = |byte: u8| u64::from_le_bytes([byte; BLOCK]);
    let less_than = |word: u64, limit: u8| word.wrapping_sub(repeat(limit)) & !word;
    let word = u64::from_le_bytes(*block);
    let special =
        less_than(word, 0x20) | less_than(word ^ repeat(b'"'), 1) | less_than(word ^ repeat(b'\\'), 1);
    special & repeat(0x80) == 0
}
