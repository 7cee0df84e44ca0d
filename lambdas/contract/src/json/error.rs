//! Why a text is not JSON, and where.

/// What is wrong with a text at a place, which its `Display` leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct JsonError {
    pub kind: JsonErrorKind,
    /// Counts from 1 within the text. Lines end at LF.
    pub line: u64,
    /// Counts characters from 1 within the line.
    pub column: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonErrorKind {
    #[error("the JSON ends too early")]
    UnexpectedEnd,
    #[error("{} is not expected here", describe_byte(*.0))]
    UnexpectedByte(u8),
    #[error("more text follows the JSON value")]
    TrailingText,
    #[error("the text is not UTF-8")]
    NotUtf8,
    #[error("arrays and objects nest too deeply")]
    TooDeep,
    #[error("there are too many values")]
    TooManyValues,
    #[error("a number is not written as JSON writes numbers")]
    InvalidNumber,
    #[error("a backslash begins no escape of JSON")]
    InvalidEscape,
    #[error("an escape is half of a surrogate pair, which is no character")]
    UnpairedSurrogate,
    #[error("a string contains a control character that is not escaped")]
    ControlCharacter,
}

impl JsonError {
    /// `offset` is the place of the error in bytes.
    pub(super) fn at(text: &[u8], offset: usize, kind: JsonErrorKind) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
        let lines = memchr::memchr_iter(b'\n', before).count();
        let is_character_start = |byte: &&u8| **byte & 0b1100_0000 != 0b1000_0000;
        let characters = before.iter().skip(line_start).filter(is_character_start).count();
        JsonError { kind, line: lines as u64 + 1, column: characters as u64 + 1 }
    }
}

fn describe_byte(byte: u8) -> String {
    match byte {
        b' '..=b'~' => format!("`{}`", char::from(byte)),
        _ => format!("the byte 0x{byte:02X}"),
    }
}
