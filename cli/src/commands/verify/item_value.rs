//! The values of items in the table and in the API, comparable with those of a row.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use restctl_contract::api::Item;
use restctl_contract::json::Json;
use restctl_contract::number;
use restctl_rows::Value;

use crate::aws::dynamodb::items::Attributes;

pub(super) enum ItemValue {
    Value(Value),
    /// A value that no file can have, in DynamoDB's own notation.
    Other(Json),
}

impl ItemValue {
    pub(super) fn equals(&self, value: &Value) -> bool {
        matches!(self, ItemValue::Value(found) if are_equal(found, value))
    }

    pub(super) fn into_json(self) -> Json {
        match self {
            ItemValue::Value(value) => to_json(&value),
            ItemValue::Other(other) => other,
        }
    }
}

pub(super) fn from_attributes(item: Attributes) -> HashMap<String, ItemValue> {
    item.into_iter().map(|(name, attribute)| (name, from_attribute(attribute))).collect()
}

pub(super) fn from_api_item(item: Item) -> HashMap<String, ItemValue> {
    item.attributes.into_iter().map(|(name, value)| (name, from_json(value))).collect()
}

/// Returns the value as the API writes it.
pub(super) fn to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(flag) => Json::Bool(*flag),
        Value::Number(digits) => Json::Number(digits.clone()),
        Value::String(text) => Json::from(text.as_str()),
        Value::List(members) => Json::Array(members.iter().map(to_json).collect()),
        Value::Map(members) => {
            Json::Object(members.iter().map(|(name, member)| (name.clone(), to_json(member))).collect())
        }
    }
}

fn from_attribute(attribute: AttributeValue) -> ItemValue {
    match parse_attribute(&attribute) {
        Some(value) => ItemValue::Value(value),
        None => ItemValue::Other(dynamodb_json(attribute)),
    }
}

fn parse_attribute(attribute: &AttributeValue) -> Option<Value> {
    Some(match attribute {
        AttributeValue::Null(_) => Value::Null,
        AttributeValue::Bool(flag) => Value::Bool(*flag),
        AttributeValue::N(digits) => Value::Number(number::normalize(digits).ok()?),
        AttributeValue::S(text) => Value::String(text.clone()),
        AttributeValue::L(members) => {
            Value::List(members.iter().map(parse_attribute).collect::<Option<_>>()?)
        }
        AttributeValue::M(members) => {
            let members = members.iter().map(|(name, member)| Some((name.clone(), parse_attribute(member)?)));
            Value::Map(members.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

/// Writes a value in DynamoDB's notation ("DynamoDB low-level API", Amazon DynamoDB Developer Guide).
fn dynamodb_json(attribute: AttributeValue) -> Json {
    let base64 = |bytes: Blob| Json::from(BASE64_STANDARD.encode(bytes));
    let list = |members: Vec<String>| Json::Array(members.into_iter().map(Json::from).collect());
    let (kind, value) = match attribute {
        AttributeValue::B(bytes) => ("B", base64(bytes)),
        AttributeValue::Bool(flag) => ("BOOL", Json::Bool(flag)),
        AttributeValue::Bs(members) => ("BS", Json::Array(members.into_iter().map(base64).collect())),
        AttributeValue::L(members) => ("L", Json::Array(members.into_iter().map(dynamodb_json).collect())),
        AttributeValue::M(members) => {
            let members = members.into_iter().map(|(name, member)| (name, dynamodb_json(member)));
            ("M", Json::Object(members.collect()))
        }
        AttributeValue::N(digits) => ("N", digits.into()),
        AttributeValue::Ns(members) => ("NS", list(members)),
        AttributeValue::Null(_) => ("NULL", Json::Bool(true)),
        AttributeValue::S(text) => ("S", text.into()),
        AttributeValue::Ss(members) => ("SS", list(members)),
        // A type that is newer than this command.
        _ => return Json::Null,
    };
    Json::Object(vec![(kind.to_owned(), value)])
}

fn from_json(json: Json) -> ItemValue {
    match parse_json(&json) {
        Some(value) => ItemValue::Value(value),
        None => ItemValue::Other(json),
    }
}

fn parse_json(json: &Json) -> Option<Value> {
    Some(match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => Value::Number(number::normalize(number).ok()?),
        Json::String(text) => Value::String(text.clone()),
        Json::Array(members) => Value::List(members.iter().map(parse_json).collect::<Option<_>>()?),
        Json::Object(members) => {
            let members = members.iter().map(|(name, member)| Some((name.clone(), parse_json(member)?)));
            Value::Map(members.collect::<Option<_>>()?)
        }
    })
}

/// Compares values whose numbers are in plain notation. The order of a map's members does not matter.
fn are_equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| are_equal(one, other))
        }
        (Value::Map(one), Value::Map(other)) => {
            let other: HashMap<_, _> = other.iter().map(|(name, value)| (name, value)).collect();
            one.len() == other.len()
                && one.iter().all(|(name, one)| other.get(name).is_some_and(|other| are_equal(one, other)))
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn number_value(text: &str) -> Value {
        Value::Number(text.to_owned())
    }

    fn nested_value(price: &str) -> Value {
        let list = Value::List(vec![number_value("1"), Value::Null, Value::String(String::new())]);
        Value::Map(vec![
            ("price".into(), number_value(price)),
            ("list".into(), list),
            ("flag".into(), Value::Bool(true)),
        ])
    }

    fn nested_attribute(price: &str) -> AttributeValue {
        let list = vec![
            AttributeValue::N("1.0".into()),
            AttributeValue::Null(true),
            AttributeValue::S(String::new()),
        ];
        AttributeValue::M(HashMap::from([
            ("flag".into(), AttributeValue::Bool(true)),
            ("list".into(), AttributeValue::L(list)),
            ("price".into(), AttributeValue::N(price.into())),
        ]))
    }

    #[test]
    fn numbers_are_compared_in_any_notation_and_to_the_last_digit() {
        let digits = "12345678901234567890.123456789012345678";
        for (found, value, is_equal) in [
            ("1.50", "1.5", true),
            ("1.5E+0", "1.5", true),
            (digits, digits, true),
            ("12345678901234567890.123456789012345679", digits, false),
            ("9007199254740993", "9007199254740992", false),
        ] {
            assert_eq!(
                from_attribute(nested_attribute(found)).equals(&nested_value(value)),
                is_equal,
                "{found}"
            );
            let json: Json = serde_json::from_str(found).unwrap();
            assert_eq!(from_json(json).equals(&number_value(value)), is_equal, "{found}");
        }
        let answer = r#"{"flag":true,"list":[1.0,null,""],"price":1.50}"#;
        assert!(from_json(serde_json::from_str(answer).unwrap()).equals(&nested_value("1.5")));
    }

    #[test]
    fn values_of_another_type_are_not_equal() {
        let text = |text: &str| Value::String(text.to_owned());
        assert!(!from_attribute(AttributeValue::S("42".into())).equals(&number_value("42")));
        let from_json = |json: serde_json::Value| from_json(serde_json::from_value(json).unwrap());
        assert!(!from_json(json!("42")).equals(&number_value("42")));
        assert!(!from_json(json!(42)).equals(&text("42")));
        assert!(!from_json(json!(null)).equals(&text("")));
        assert!(!from_json(json!([])).equals(&Value::Map(vec![])));
        assert!(
            !from_json(json!({ "a": 1, "b": 2 })).equals(&Value::Map(vec![("a".into(), number_value("1"))]))
        );
        let set = AttributeValue::Ss(vec!["a".into()]);
        assert!(!from_attribute(set.clone()).equals(&Value::List(vec![text("a")])));
        let list = AttributeValue::L(vec![set, AttributeValue::B(Blob::new("hi"))]);
        let expected = r#"{"L":[{"SS":["a"]},{"B":"aGk="}]}"#;
        assert_eq!(from_attribute(list).into_json().to_string(), expected);
    }
}
