//! The value of a cell.

use calamine::Data;

use super::number_format::{MomentParts, text_of_moment};
use crate::data_file::conversion::{json, number};

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Cell {
    #[default]
    Empty,
    /// A formula that failed, such as `#N/A`.
    Error,
    Boolean(bool),
    /// As JSON writes it.
    Number(String),
    Text(String),
}

impl Cell {
    /// Takes a cell of Excel, whose format shows `parts` of a moment.
    pub(super) fn from_excel(value: Data, parts: MomentParts) -> Self {
        match value {
            Data::Empty => Self::Empty,
            Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => Self::from_text(text),
            Data::Int(number) => Self::Number(number.to_string()),
            Data::Float(number) => Self::from_float(number),
            Data::Bool(value) => Self::Boolean(value),
            Data::DateTime(moment) => {
                text_of_moment(&moment, parts).map_or_else(Self::from_float, Self::Text)
            }
            Data::Error(_) => Self::Error,
        }
    }

    /// Takes a float. One that is not finite is no value.
    pub(super) fn from_float(number: f64) -> Self {
        number::shortest_f64(number).map_or(Self::Error, Self::Number)
    }

    /// Takes a text. An empty one is no value, as in CSV.
    pub(super) fn from_text(text: String) -> Self {
        if text.is_empty() { Self::Empty } else { Self::Text(text) }
    }

    /// Returns the cell as a name of a column, without spaces around it.
    pub(super) fn to_name(&self) -> String {
        match self {
            Self::Empty | Self::Error => String::new(),
            Self::Boolean(value) => value.to_string(),
            Self::Number(text) => text.clone(),
            Self::Text(text) => text.trim().to_owned(),
        }
    }

    /// Appends the value. Only an empty cell and an error have none.
    pub(super) fn push_json(&self, out: &mut Vec<u8>) {
        match self {
            Self::Empty | Self::Error => out.extend_from_slice(b"null"),
            Self::Boolean(value) => out.extend_from_slice(value.to_string().as_bytes()),
            Self::Number(text) => out.extend_from_slice(text.as_bytes()),
            Self::Text(text) => json::push_string(text, out),
        }
    }
}
