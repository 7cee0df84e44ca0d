use std::fmt;
use std::str::FromStr;

use crate::{Unreadable, Value, number};

/// What the cells of a CSV column are loaded as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    String,
    Number,
    Boolean,
}

impl ColumnType {
    /// `s`, `n` or `b`.
    pub fn letter(self) -> char {
        match self {
            ColumnType::String => 's',
            ColumnType::Number => 'n',
            ColumnType::Boolean => 'b',
        }
    }

    /// Whether a cell with this text can be loaded as this type and come back as the same text.
    pub(crate) fn fits(self, text: &str) -> bool {
        match self {
            ColumnType::String => true,
            ColumnType::Number => number::is_canonical(text),
            ColumnType::Boolean => matches!(text, "true" | "false"),
        }
    }

    pub(crate) fn read(self, text: &str) -> Result<Value, &'static str> {
        match self {
            ColumnType::String => Ok(Value::String(text.to_owned())),
            ColumnType::Number if self.fits(text) => Ok(Value::Number(text.to_owned())),
            ColumnType::Number => Err("is not a plain number, which its column's type asks for"),
            ColumnType::Boolean if self.fits(text) => Ok(Value::Bool(text == "true")),
            ColumnType::Boolean => Err("is neither true nor false, which its column's type asks for"),
        }
    }
}

/// The types of a CSV's columns in the order of its header, written as one letter each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnTypes(pub Vec<ColumnType>);

impl fmt::Display for ColumnTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|kind| write!(f, "{}", kind.letter()))
    }
}

impl FromStr for ColumnTypes {
    type Err = Unreadable;

    fn from_str(letters: &str) -> Result<Self, Unreadable> {
        let kind = |letter| match letter {
            's' => Ok(ColumnType::String),
            'n' => Ok(ColumnType::Number),
            'b' => Ok(ColumnType::Boolean),
            _ => Err(Unreadable::UnknownColumnType { letter }),
        };
        letters.chars().map(kind).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_there_and_back() {
        let types: ColumnTypes = "snb".parse().unwrap();
        assert_eq!(types.0, [ColumnType::String, ColumnType::Number, ColumnType::Boolean]);
        assert_eq!(types.to_string(), "snb");
        assert_eq!("sx".parse::<ColumnTypes>(), Err(Unreadable::UnknownColumnType { letter: 'x' }));
    }
}
