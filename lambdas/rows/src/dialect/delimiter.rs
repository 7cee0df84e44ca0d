use std::fmt;
use std::str::FromStr;

/// The byte between the cells of a CSV, by default a comma.
///
/// It is an ASCII character, but neither a quote nor a control character other than the tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delimiter(u8);

/// The byte that makes the next character of a CSV an ordinary one. It is a printable ASCII character other than a quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Escape(u8);

impl Delimiter {
    /// Those that are recognized, the most usual first.
    pub(crate) const USUAL: [Self; 4] = [Self(b','), Self(b';'), Self(b'\t'), Self(b'|')];

    pub fn byte(self) -> u8 {
        self.0
    }
}

impl Default for Delimiter {
    fn default() -> Self {
        Self(b',')
    }
}

impl TryFrom<u8> for Delimiter {
    type Error = String;

    fn try_from(byte: u8) -> Result<Self, String> {
        match byte {
            b'"' => Err("a quote cannot be the delimiter, because it encloses cells".to_owned()),
            b'\t' | b' '..=b'~' => Ok(Self(byte)),
            _ => Err("a delimiter is one printable ASCII character, or a tab".to_owned()),
        }
    }
}

/// Reads what people type: one character, `tab` or `\t`.
impl FromStr for Delimiter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.as_bytes() {
            b"tab" | b"\\t" => Ok(Self(b'\t')),
            [byte] => Self::try_from(*byte),
            _ => Err(format!("a delimiter is one ASCII character, or the word tab, not {text:?}")),
        }
    }
}

/// Writes what [`FromStr`] reads.
impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            b'\t' => f.write_str("tab"),
            byte => write!(f, "{}", char::from(byte)),
        }
    }
}

impl Escape {
    pub fn byte(self) -> u8 {
        self.0
    }
}

impl FromStr for Escape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.as_bytes() {
            [b'"'] => Err("a doubled quote is read without --escape".to_owned()),
            [byte @ b'!'..=b'~'] => Ok(Self(*byte)),
            _ => Err(format!("an escape character is one printable ASCII character, not {text:?}")),
        }
    }
}

impl fmt::Display for Escape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", char::from(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delimiter_is_one_character() {
        for (text, byte) in
            [(",", b','), (";", b';'), ("|", b'|'), ("tab", b'\t'), ("\\t", b'\t'), ("\t", b'\t')]
        {
            let delimiter: Delimiter = text.parse().unwrap();
            assert_eq!(delimiter.byte(), byte, "{text}");
            assert_eq!(delimiter.to_string().parse(), Ok(delimiter));
        }
        for not in ["", "\"", "\n", "\r", "\0", "\x7f", ";;", "é", "Tab"] {
            assert!(not.parse::<Delimiter>().is_err(), "{not:?}");
        }
        assert_eq!(Delimiter::default().byte(), b',');
    }

    #[test]
    fn an_escape_character_is_printable() {
        let backslash: Escape = "\\".parse().unwrap();
        assert_eq!((backslash.byte(), backslash.to_string().as_str()), (b'\\', "\\"));
        for not in ["", "\"", " ", "\n", "\\\\", "é"] {
            assert!(not.parse::<Escape>().is_err(), "{not:?}");
        }
    }
}
