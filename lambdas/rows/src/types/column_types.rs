use std::fmt::{self, Write};
use std::str::FromStr;

use restctl_contract::number;

use crate::limits::MAX_RECORD_BYTES;
use crate::types::value::Value;

/// The most columns that a header has room for, with a letter and a delimiter each.
const MAX_COLUMNS: usize = MAX_RECORD_BYTES / 2;

/// The type with which the cells of a CSV column are loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    String,
    /// Read in any notation, and loaded in plain notation.
    Number,
    /// `true` or `false`.
    Boolean,
}

impl ColumnType {
    /// Returns `s`, `n` or `b`.
    pub fn letter(self) -> char {
        match self {
            ColumnType::String => 's',
            ColumnType::Number => 'n',
            ColumnType::Boolean => 'b',
        }
    }

    fn from_letter(letter: char) -> Result<Self, ColumnTypesError> {
        match letter {
            's' => Ok(ColumnType::String),
            'n' => Ok(ColumnType::Number),
            'b' => Ok(ColumnType::Boolean),
            _ => Err(ColumnTypesError::UnknownLetter(letter)),
        }
    }

    /// Returns whether a cell with this text can be loaded as this type and comes back as the same text.
    pub(crate) fn preserves_text(self, text: &str) -> bool {
        match self {
            ColumnType::String => true,
            ColumnType::Number => number::is_canonical(text),
            ColumnType::Boolean => matches!(text, "true" | "false"),
        }
    }

    pub(crate) fn parse_cell(self, text: &str) -> Result<Value, String> {
        match self {
            ColumnType::String => Ok(Value::String(text.to_owned())),
            ColumnType::Number => {
                number::normalize(text).map(Value::Number).map_err(|error| error.to_string())
            }
            ColumnType::Boolean if self.preserves_text(text) => Ok(Value::Bool(text == "true")),
            ColumnType::Boolean => Err("is neither true nor false".to_owned()),
        }
    }
}

/// Reads the word that people use.
impl FromStr for ColumnType {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "string" => Ok(ColumnType::String),
            "number" => Ok(ColumnType::Number),
            "boolean" => Ok(ColumnType::Boolean),
            other => Err(format!("a column is a string, a number or a boolean, not {other:?}")),
        }
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ColumnType::String => "string",
            ColumnType::Number => "number",
            ColumnType::Boolean => "boolean",
        })
    }
}

/// The types of a CSV's columns, in the order of its header.
///
/// They are written as one letter each, or as a letter and its count: `s3n2b` is `sssnnb`. The metadata of an object has
/// room for 2 KB in all ("Working with object metadata", Amazon S3 User Guide).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnTypes(pub Vec<ColumnType>);

/// Why a text is not a list of column types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ColumnTypesError {
    #[error("{0:?} is not a column type (s, n or b)")]
    UnknownLetter(char),
    #[error("the column types have an invalid count")]
    Count,
}

impl fmt::Display for ColumnTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chunk_by(|one, next| one == next).try_for_each(|run| {
            f.write_char(run[0].letter())?;
            if run.len() > 1 { write!(f, "{}", run.len()) } else { Ok(()) }
        })
    }
}

impl FromStr for ColumnTypes {
    type Err = ColumnTypesError;

    fn from_str(mut text: &str) -> Result<Self, ColumnTypesError> {
        let mut types = Vec::new();
        while let Some(letter) = text.chars().next() {
            let column_type = ColumnType::from_letter(letter)?;
            text = &text[letter.len_utf8()..];
            let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            let times = match &text[..digits] {
                "" => 1,
                number => number.parse().unwrap_or(usize::MAX),
            };
            if times == 0 || times > MAX_COLUMNS - types.len() {
                return Err(ColumnTypesError::Count);
            }
            types.resize(types.len() + times, column_type);
            text = &text[digits..];
        }
        Ok(Self(types))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_can_be_written_and_read() {
        let types: ColumnTypes = "snb".parse().unwrap();
        assert_eq!(types.0, [ColumnType::String, ColumnType::Number, ColumnType::Boolean]);
        for (text, written) in
            [("", ""), ("snb", "snb"), ("sssnnb", "s3n2b"), ("s3n2b", "s3n2b"), ("s1ss", "s3")]
        {
            let types: ColumnTypes = text.parse().unwrap();
            assert_eq!(types.to_string(), written);
        }
        assert_eq!("s12".parse::<ColumnTypes>().unwrap().0.len(), 12);
    }

    #[test]
    fn other_texts_are_refused() {
        assert_eq!("sx".parse::<ColumnTypes>(), Err(ColumnTypesError::UnknownLetter('x')));
        assert_eq!("3s".parse::<ColumnTypes>(), Err(ColumnTypesError::UnknownLetter('3')));
        assert_eq!("sé".parse::<ColumnTypes>(), Err(ColumnTypesError::UnknownLetter('é')));
        let most = format!("s{MAX_COLUMNS}");
        assert_eq!(most.parse::<ColumnTypes>().unwrap().0.len(), MAX_COLUMNS);
        for count in ["s0", &format!("{most}s"), "s99999999999999999999999", "s18446744073709551615s2"] {
            assert_eq!(count.parse::<ColumnTypes>(), Err(ColumnTypesError::Count), "{count}");
        }
    }

    #[test]
    fn words_can_be_written_and_read() {
        for kind in [ColumnType::String, ColumnType::Number, ColumnType::Boolean] {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert!("int".parse::<ColumnType>().unwrap_err().contains("\"int\""));
    }
}
