//! JSON of strangers: a value that keeps each number's digits, and a parser whose depth and memory are bounded.
//!
//! `serde_json::Value` can keep digits too, but then it takes objects with the member names of its own markers
//! (`$serde_json::private::Number`, `$serde_json::private::RawValue`) for numbers and for JSON texts, so that a
//! document can pretend to be another one or evade the limit of the depth.

use std::fmt;

use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;

mod error;
mod member_path;
mod parser;
mod string;

#[cfg(test)]
mod tests;

pub use self::error::{JsonError, JsonErrorKind};
pub use self::member_path::MemberPath;

/// A JSON value (RFC 8259). A number keeps the digits that the text has; of two members with the same name the last
/// one counts.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(String),
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// What is bounded before a text is parsed.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How deeply arrays and objects may nest.
    pub depth: usize,
    /// How many values the text may have in all, to bound memory.
    pub values: usize,
}

impl Limits {
    /// The limits of a value within a body of the API, which is at most one megabyte and holds items of DynamoDB.
    const WITHIN_A_BODY: Limits = Limits { depth: 64, values: 500_000 };
}

/// Parses a text that is one JSON value, with white space around it.
///
/// # Errors
/// If it is not JSON as in RFC 8259, or if it exceeds the limits.
pub fn parse(text: &[u8], limits: Limits) -> Result<Json, JsonError> {
    parser::parse(text, limits)
}

impl Json {
    /// Returns the member of an object.
    pub fn get(&self, name: &str) -> Option<&Json> {
        match self {
            Json::Object(members) => members.iter().find(|(other, _)| other == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Returns the text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Json::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns what kind of value this is, as a part of a sentence.
    pub fn type_name(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Number(_) => "a number",
            Json::String(_) => "a string",
            Json::Array(_) => "an array",
            Json::Object(_) => "an object",
        }
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Json::String(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Json::String(text)
    }
}

/// Writes compact JSON.
impl fmt::Display for Json {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// Writes each number with all its digits, if the serializer is one of serde_json's.
impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Json::Null => serializer.serialize_unit(),
            Json::Bool(value) => serializer.serialize_bool(*value),
            Json::Number(digits) => {
                serde_json::from_str::<&RawValue>(digits).map_err(S::Error::custom)?.serialize(serializer)
            }
            Json::String(text) => serializer.serialize_str(text),
            Json::Array(elements) => serializer.collect_seq(elements),
            Json::Object(members) => {
                serializer.collect_map(members.iter().map(|(name, value)| (name, value)))
            }
        }
    }
}

/// Reads a part of a body of the API. The deserializer must be one of serde_json's, which finds the end of the part
/// without recursion.
impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        parse(text.get().as_bytes(), Limits::WITHIN_A_BODY).map_err(de::Error::custom)
    }
}
