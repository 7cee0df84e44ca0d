//! The id of an item.

use restctl_contract::json::Json;
use restctl_contract::key::{Key, KeyError, KeyType};
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

/// Why no item can have an id, as the rest of a sentence that does not quote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum IdError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("is a number, but this table's keys are strings: put it in quotes")]
    NumberForString,
    #[error("is {0}, but this table's keys are strings")]
    NotAString(&'static str),
    #[error("is {0}, but this table's keys are numbers")]
    NotANumber(&'static str),
}

impl Id {
    /// Reads an id from a path or a string.
    pub(crate) fn from_text(key: &Key, text: &str) -> Result<Self, IdError> {
        let id = key.parse(text)?;
        Ok(match key.kind {
            KeyType::String => Self::String(id),
            KeyType::Number => Self::Number(id),
        })
    }

    /// Reads an id from a JSON value.
    pub(crate) fn from_json(key: &Key, id: &Json) -> Result<Self, IdError> {
        match (key.kind, id) {
            (_, Json::String(text)) => Self::from_text(key, text),
            (KeyType::Number, Json::Number(digits)) => Self::from_text(key, digits),
            (KeyType::String, Json::Number(_)) => Err(IdError::NumberForString),
            (KeyType::String, other) => Err(IdError::NotAString(other.type_name())),
            (KeyType::Number, other) => Err(IdError::NotANumber(other.type_name())),
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
    use restctl_contract::key::MAX_KEY_BYTES;
    use restctl_contract::number::NumberError;

    use super::*;

    fn key_of(kind: KeyType) -> Key {
        Key { name: "id".to_owned(), kind }
    }

    fn digits(digits: &str) -> Json {
        Json::Number(digits.to_owned())
    }

    #[test]
    fn ids_are_typed_by_the_key() {
        let number = |id: Json| Id::from_json(&key_of(KeyType::Number), &id);
        assert_eq!(number("42".into()), number(digits("42")));
        assert_eq!(number("+4.2e1".into()), number(digits("42.0")));
        assert_eq!(number(digits("42")).unwrap().to_attribute(), json!({ "N": "42" }));
        for bad in ["x", "", " 42", "4 2"] {
            assert_eq!(
                number(bad.into()),
                Err(IdError::Key(KeyError::Number(NumberError::NotANumber))),
                "{bad:?}"
            );
        }
        let others = [Json::Bool(true), Json::Null, Json::Array(vec![digits("42")]), Json::Object(vec![])];
        for bad in &others {
            assert_eq!(number(bad.clone()), Err(IdError::NotANumber(bad.type_name())), "{bad}");
        }

        let string = |id: Json| Id::from_json(&key_of(KeyType::String), &id);
        assert_ne!(string("42".into()), string("042".into()));
        assert_eq!(string(digits("42")), Err(IdError::NumberForString));
        for bad in &others {
            assert_eq!(string(bad.clone()), Err(IdError::NotAString(bad.type_name())), "{bad}");
        }
        assert_eq!(string("".into()), Err(IdError::Key(KeyError::Empty)));
        assert_eq!(string("x".repeat(MAX_KEY_BYTES + 1).into()), Err(IdError::Key(KeyError::TooLong)));
        assert!(string("x".repeat(MAX_KEY_BYTES).into()).is_ok());
    }

    #[test]
    fn an_id_survives_the_way_to_an_attribute_and_back() {
        for (kind, text) in [(KeyType::Number, "-1.50e3"), (KeyType::String, "a/b é")] {
            let id = Id::from_text(&key_of(kind), text).unwrap();
            let written = id.to_attribute().to_string();
            assert_eq!(Id::from_attribute(&serde_json::from_str(&written).unwrap()), Some(id));
        }
    }
}
