pub(crate) mod encoding;
pub(crate) mod records_path;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use encoding::Encoding;
use records_path::RecordsPath;

use crate::types::column_types::{ColumnType, ColumnTypes};

/// How to read a file.
#[derive(Debug, Clone)]
pub struct Dialect {
    pub encoding: Encoding,
    pub delimiter: Delimiter,
    pub types: Types,
    /// The array of a JSON file that holds its rows, if it is within an object.
    pub records: Option<RecordsPath>,
}

/// The byte between the cells of a CSV, by default a comma.
///
/// It is an ASCII character, but neither a quote nor a control character other than the tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delimiter(u8);

/// Where the types of a CSV's columns come from. JSON has its own types.
///
/// The key column always has the key's type: [`Types::Columns`] is ignored there, and [`Types::Named`] must agree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Types {
    /// Each column is a string.
    #[default]
    Strings,
    /// One for each column of the header.
    Columns(ColumnTypes),
    /// By the names of columns. The other columns are strings.
    Named(BTreeMap<String, ColumnType>),
}

impl Delimiter {
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
}
