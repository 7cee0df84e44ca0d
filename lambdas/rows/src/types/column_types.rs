use std::fmt;
use std::str::FromStr;

use restctl_contract::number;

use crate::limits::MAX_RECORD_BYTES;
use crate::types::value::Value;

/// The most columns that a header has room for, with a letter and a delimiter each.
const MAX_COLUMNS: usize = MAX_RECORD_BYTES / 2;

/// Three to the power of this is 81, and ASCII has as many printable characters from [`FIRST_CHARACTER`] on.
const TYPES_PER_CHARACTER: usize = 4;
const FIRST_CHARACTER: u8 = b'(';

/// The type with which the cells of a CSV column are loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    String,
    /// Read in any notation, with spaces around it, and loaded in plain notation.
    Number,
    /// `true` or `false`, also as `True` or `TRUE`, with spaces around it.
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

    pub(crate) fn parse_cell(self, text: &str) -> Result<Value, String> {
        match self {
            ColumnType::String => Ok(Value::String(text.to_owned())),
            ColumnType::Number => {
                number::normalize(without_padding(text)).map(Value::Number).map_err(|error| error.to_string())
            }
            ColumnType::Boolean => {
                let flag = parse_boolean(without_padding(text));
                flag.map(Value::Bool).ok_or_else(|| "is neither true nor false".to_owned())
            }
        }
    }
}

/// Returns the value of a cell without the spaces that align it with other cells.
pub(crate) fn without_padding(text: &str) -> &str {
    match text.as_bytes() {
        [b' ', ..] | [.., b' '] => text.trim_matches(' '),
        _ => text,
    }
}

/// Reads the words of JSON, Python and spreadsheets.
pub(crate) fn parse_boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
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
/// They are written as one letter each, or as a letter and its count: `s3n2b` is `sssnnb`. A text that would be long
/// that way has a character for each four types instead: `3000:` and 750 characters.
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
        let runs = self.runs();
        let packed_length = self.0.len().div_ceil(TYPES_PER_CHARACTER) + 8;
        if runs.len() <= packed_length { f.write_str(&runs) } else { f.write_str(&self.packed()) }
    }
}

impl ColumnTypes {
    fn runs(&self) -> String {
        let mut text = String::new();
        for run in self.0.chunk_by(|one, next| one == next) {
            text.push(run[0].letter());
            if run.len() > 1 {
                text.push_str(&run.len().to_string());
            }
        }
        text
    }

    fn packed(&self) -> String {
        let characters = self.0.chunks(TYPES_PER_CHARACTER).map(|types| {
            let number = types.iter().rev().fold(0, |number, kind| number * 3 + *kind as u8);
            char::from(FIRST_CHARACTER + number)
        });
        format!("{}:{}", self.0.len(), characters.collect::<String>())
    }

    fn parse_packed(count: &str, characters: &str) -> Result<Self, ColumnTypesError> {
        let count: usize = count.parse().map_err(|_| ColumnTypesError::Count)?;
        if count > MAX_COLUMNS || characters.len() != count.div_ceil(TYPES_PER_CHARACTER) {
            return Err(ColumnTypesError::Count);
        }
        let mut types = Vec::with_capacity(count);
        for character in characters.chars() {
            let number = u8::try_from(character).ok().and_then(|byte| byte.checked_sub(FIRST_CHARACTER));
            let mut number =
                number.filter(|number| *number < 81).ok_or(ColumnTypesError::UnknownLetter(character))?;
            for _ in 0..TYPES_PER_CHARACTER {
                types.push(match number % 3 {
                    0 => ColumnType::String,
                    1 => ColumnType::Number,
                    _ => ColumnType::Boolean,
                });
                number /= 3;
            }
        }
        types.truncate(count);
        Ok(Self(types))
    }
}

impl FromStr for ColumnTypes {
    type Err = ColumnTypesError;

    fn from_str(mut text: &str) -> Result<Self, ColumnTypesError> {
        if let Some((count, characters)) = text.split_once(':') {
            return Self::parse_packed(count, characters);
        }
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
    fn alternating_types_are_packed() {
        for count in [29, 30, 31, 32, 3000, MAX_COLUMNS] {
            let kinds = [ColumnType::String, ColumnType::Number, ColumnType::Boolean, ColumnType::Number];
            let types = ColumnTypes(kinds.into_iter().cycle().take(count).collect());
            let text = types.to_string();
            assert!(text.is_ascii() && text.len() <= count / 4 + 9, "{text}");
            assert_eq!(text.parse(), Ok(types));
        }
        for text in ["4:", "4:((", "4:y", "x:(", "4:é", "1:\n", &format!("{}:(", MAX_COLUMNS + 1)] {
            assert!(text.parse::<ColumnTypes>().is_err(), "{text}");
        }
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
