//! The id of an item.

use restctl_contract::key::{KeyType, MAX_KEY_BYTES};
use restctl_contract::number;
use serde_json::{Value, json};

use super::attribute::Attribute;

/// An id, equal to another if the table's keys are equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Id {
    String(String),
    /// In plain notation.
    Number(String),
}

impl Id {
    /// Reads an id from a path or a string.
    ///
    /// # Errors
    /// Says what is wrong without quoting the id.
    pub(crate) fn from_text(kind: KeyType, text: &str) -> Result<Self, &'static str> {
        match kind {
            KeyType::String if text.is_empty() => Err("is empty"),
            KeyType::String if text.len() > MAX_KEY_BYTES => Err("is longer than 2048 bytes"),
            KeyType::String => Ok(Self::String(text.to_owned())),
            KeyType::Number => number::normalize(text)
                .map(Self::Number)
                .map_err(|_| "is not a number of at most 38 digits, which this table's keys are"),
        }
    }

    /// Reads an id from a JSON value.
    ///
    /// # Errors
    /// As [`Self::from_text`].
    pub(crate) fn from_json(kind: KeyType, id: &Value) -> Result<Self, &'static str> {
        match (kind, id) {
            (_, Value::String(text)) => Self::from_text(kind, text),
            (KeyType::Number, Value::Number(number)) => Self::from_text(kind, &number.to_string()),
            (KeyType::String, Value::Number(_)) => {
                Err("is a number, but this table's keys are strings: put it in quotes")
            }
            (KeyType::String, _) => Err("is not a string"),
            (KeyType::Number, _) => Err("is not a number"),
        }
    }

    /// Returns the id in the key attribute of an item, or `None` if the attribute cannot be a key.
    pub(crate) fn from_attribute(key: &Attribute) -> Option<Self> {
        match key {
            Attribute::S(text) => Some(Self::String(text.clone().into_owned())),
            Attribute::N(number) => number::normalize(number).ok().map(Self::Number),
            _ => None,
        }
    }

    /// Returns the id in DynamoDB's JSON.
    pub(crate) fn to_attribute(&self) -> Value {
        match self {
            Self::String(text) => json!({ "S": text }),
            Self::Number(number) => json!({ "N": number }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_typed_by_the_key() {
        let number = |id: Value| Id::from_json(KeyType::Number, &id);
        assert_eq!(number(json!("42")), number(json!(42)));
        assert_eq!(number(json!(42)).unwrap().to_attribute(), json!({ "N": "42" }));
        for bad in [json!("x"), json!(""), json!(true), json!(null), json!([42]), json!({})] {
            assert!(number(bad.clone()).is_err(), "{bad}");
        }

        let string = |id: Value| Id::from_json(KeyType::String, &id);
        assert_ne!(string(json!("42")), string(json!("042")));
        assert!(string(json!(42)).unwrap_err().contains("put it in quotes"));
        for bad in [json!(""), json!("x".repeat(2049)), json!(false), json!(null), json!(["42"])] {
            assert!(string(bad.clone()).is_err(), "{bad}");
        }
        assert!(string(json!("x".repeat(2048))).is_ok());
    }

    #[test]
    fn an_id_survives_the_way_to_an_attribute_and_back() {
        for id in [Id::from_text(KeyType::Number, "-1.50e3"), Id::from_text(KeyType::String, "a/b é")] {
            let id = id.unwrap();
            let written = id.to_attribute().to_string();
            assert_eq!(Id::from_attribute(&serde_json::from_str(&written).unwrap()), Some(id));
        }
    }
}
