//! A value as the table or the API has it.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use restctl_contract::api::Item;
use restctl_contract::number;
use restctl_rows::Value;
use serde_json::{Number, Value as Json, json};

use crate::aws::dynamodb::items::Attributes;

pub(super) enum Found {
    Value(Value),
    /// What no file has, in DynamoDB's own notation.
    Other(Json),
}

impl Found {
    pub(super) fn is(&self, value: &Value) -> bool {
        matches!(self, Found::Value(found) if same(found, value))
    }

    pub(super) fn into_json(self) -> Json {
        match self {
            Found::Value(value) => json(&value),
            Found::Other(other) => other,
        }
    }
}

pub(super) fn in_table(item: Attributes) -> HashMap<String, Found> {
    item.into_iter().map(|(name, attribute)| (name, stored(attribute))).collect()
}

pub(super) fn in_answer(item: Item) -> HashMap<String, Found> {
    item.into_iter().map(|(name, value)| (name, answered(value))).collect()
}

fn stored(attribute: AttributeValue) -> Found {
    match value_of_stored(&attribute) {
        Some(value) => Found::Value(value),
        None => Found::Other(notation(attribute)),
    }
}

fn value_of_stored(attribute: &AttributeValue) -> Option<Value> {
    Some(match attribute {
        AttributeValue::Null(_) => Value::Null,
        AttributeValue::Bool(flag) => Value::Bool(*flag),
        AttributeValue::N(digits) => Value::Number(number::normalize(digits).ok()?),
        AttributeValue::S(text) => Value::String(text.clone()),
        AttributeValue::L(members) => {
            Value::List(members.iter().map(value_of_stored).collect::<Option<_>>()?)
        }
        AttributeValue::M(members) => {
            let members = members.iter().map(|(name, member)| Some((name.clone(), value_of_stored(member)?)));
            Value::Map(members.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

/// "DynamoDB low-level API", Amazon DynamoDB Developer Guide.
fn notation(attribute: AttributeValue) -> Json {
    let base64 = |bytes: Blob| BASE64_STANDARD.encode(bytes);
    match attribute {
        AttributeValue::B(bytes) => json!({ "B": base64(bytes) }),
        AttributeValue::Bool(flag) => json!({ "BOOL": flag }),
        AttributeValue::Bs(members) => {
            json!({ "BS": members.into_iter().map(base64).collect::<Vec<_>>() })
        }
        AttributeValue::L(members) => {
            json!({ "L": members.into_iter().map(notation).collect::<Vec<_>>() })
        }
        AttributeValue::M(members) => {
            let members = members.into_iter().map(|(name, member)| (name, notation(member)));
            json!({ "M": members.collect::<Item>() })
        }
        AttributeValue::N(digits) => json!({ "N": digits }),
        AttributeValue::Ns(members) => json!({ "NS": members }),
        AttributeValue::Null(_) => json!({ "NULL": true }),
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::Ss(members) => json!({ "SS": members }),
        // Of a type that came after this command.
        _ => Json::Null,
    }
}

fn answered(json: Json) -> Found {
    match value_of_answered(&json) {
        Some(value) => Found::Value(value),
        None => Found::Other(json),
    }
}

fn value_of_answered(json: &Json) -> Option<Value> {
    Some(match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => Value::Number(number::normalize(number.as_str()).ok()?),
        Json::String(text) => Value::String(text.clone()),
        Json::Array(members) => Value::List(members.iter().map(value_of_answered).collect::<Option<_>>()?),
        Json::Object(members) => {
            let members =
                members.iter().map(|(name, member)| Some((name.clone(), value_of_answered(member)?)));
            Value::Map(members.collect::<Option<_>>()?)
        }
    })
}

/// Each number is in its one plain notation; a map's members are in no order.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Map(one), Value::Map(other)) => {
            let other: HashMap<_, _> = other.iter().map(|(name, value)| (name, value)).collect();
            one.len() == other.len()
                && one.iter().all(|(name, one)| other.get(name).is_some_and(|other| same(one, other)))
        }
        _ => one == other,
    }
}

/// As the API shows it.
pub(super) fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(flag) => Json::Bool(*flag),
        Value::Number(digits) => {
            digits.parse::<Number>().map_or_else(|_| Json::from(digits.as_str()), Json::Number)
        }
        Value::String(text) => Json::from(text.as_str()),
        Value::List(members) => members.iter().map(json).collect(),
        Value::Map(members) => {
            members.iter().map(|(name, member)| (name.clone(), json(member))).collect::<Item>().into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Value {
        Value::Number(text.to_owned())
    }

    fn nested(price: &str) -> Value {
        let list = Value::List(vec![number("1"), Value::Null, Value::String(String::new())]);
        Value::Map(vec![
            ("price".into(), number(price)),
            ("list".into(), list),
            ("flag".into(), Value::Bool(true)),
        ])
    }

    fn attribute(price: &str) -> AttributeValue {
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
    fn numbers_are_the_same_in_any_notation_and_to_the_last_digit() {
        let digits = "12345678901234567890.123456789012345678";
        for (found, value, is_same) in [
            ("1.50", "1.5", true),
            ("1.5E+0", "1.5", true),
            (digits, digits, true),
            ("12345678901234567890.123456789012345679", digits, false),
            ("9007199254740993", "9007199254740992", false),
        ] {
            assert_eq!(stored(attribute(found)).is(&nested(value)), is_same, "{found}");
            let json: Json = serde_json::from_str(found).unwrap();
            assert_eq!(answered(json).is(&number(value)), is_same, "{found}");
        }
        let answer = r#"{"flag":true,"list":[1.0,null,""],"price":1.50}"#;
        assert!(answered(serde_json::from_str(answer).unwrap()).is(&nested("1.5")));
    }

    #[test]
    fn values_of_another_type_are_not_the_same() {
        let text = |text: &str| Value::String(text.to_owned());
        assert!(!stored(AttributeValue::S("42".into())).is(&number("42")));
        assert!(!answered(json!("42")).is(&number("42")));
        assert!(!answered(json!(42)).is(&text("42")));
        assert!(!answered(json!(null)).is(&text("")));
        assert!(!answered(json!([])).is(&Value::Map(vec![])));
        assert!(!answered(json!({ "a": 1, "b": 2 })).is(&Value::Map(vec![("a".into(), number("1"))])));
        let set = AttributeValue::Ss(vec!["a".into()]);
        assert!(!stored(set.clone()).is(&Value::List(vec![text("a")])));
        let list = AttributeValue::L(vec![set, AttributeValue::B(Blob::new("hi"))]);
        assert_eq!(stored(list).into_json(), json!({ "L": [{ "SS": ["a"] }, { "B": "aGk=" }] }));
    }
}
