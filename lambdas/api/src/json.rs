//! DynamoDB's attribute values as JSON.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use restctl_contract::api::Item;
use restctl_contract::key::WRITTEN_BY;
use serde_json::{Number, Value};

/// An item as the API shows it: in the order of its attributes' names, numbers with all their digits, sets as
/// arrays, binary as base64, and without the attribute that says which load wrote it.
pub(crate) fn item(attributes: HashMap<String, AttributeValue>) -> Item {
    object(attributes.into_iter().filter(|(name, _)| name != WRITTEN_BY))
}

fn object(attributes: impl IntoIterator<Item = (String, AttributeValue)>) -> Item {
    let mut attributes: Vec<_> = attributes.into_iter().collect();
    attributes.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    attributes.into_iter().map(|(name, attribute)| (name, value(attribute))).collect()
}

fn value(attribute: AttributeValue) -> Value {
    match attribute {
        AttributeValue::S(text) => Value::String(text),
        AttributeValue::N(digits) => number(digits),
        AttributeValue::Bool(flag) => Value::Bool(flag),
        AttributeValue::M(members) => Value::Object(object(members)),
        AttributeValue::L(members) => array(members, value),
        AttributeValue::Ss(members) => array(members, Value::String),
        AttributeValue::Ns(members) => array(members, number),
        AttributeValue::B(blob) => binary(&blob.into_inner()),
        AttributeValue::Bs(members) => array(members, |blob| binary(&blob.into_inner())),
        // `Null`, and types that DynamoDB does not have yet.
        _ => Value::Null,
    }
}

fn array<T>(members: Vec<T>, value: impl Fn(T) -> Value) -> Value {
    Value::Array(members.into_iter().map(value).collect())
}

/// As a string where DynamoDB writes a number as JSON does not.
fn number(digits: String) -> Value {
    match digits.parse::<Number>() {
        Ok(number) => Value::Number(number),
        Err(_) => Value::String(digits),
    }
}

fn binary(bytes: &[u8]) -> Value {
    Value::String(STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_dynamodb::primitives::Blob;

    #[test]
    fn attributes_become_json() {
        let n = |digits: &str| AttributeValue::N(digits.to_owned());
        let s = |text: &str| AttributeValue::S(text.to_owned());
        let named = |name: &str, value: AttributeValue| (name.to_owned(), value);
        let attributes = HashMap::from([
            named("z", s("é\"")),
            named("number", n("12345678901234567890.123456789012345678")),
            named("small", n("-1.50")),
            named("list", AttributeValue::L(vec![n("1"), AttributeValue::Null(true)])),
            named("map", AttributeValue::M(HashMap::from([named("b", n("1")), named("a", s(""))]))),
            named("flag", AttributeValue::Bool(false)),
            named("blob", AttributeValue::B(Blob::new([0xff, 0x00]))),
            named("strings", AttributeValue::Ss(vec!["b".to_owned(), "a".to_owned()])),
            named("numbers", AttributeValue::Ns(vec!["9007199254740993".to_owned()])),
            named("blobs", AttributeValue::Bs(vec![Blob::new(*b"hi")])),
            named(WRITTEN_BY, s("2024-01-01T00:00:00.000Z/0123456789abcdef")),
        ]);
        let text = serde_json::to_string(&item(attributes)).unwrap();
        assert_eq!(
            text,
            r#"{"blob":"/wA=","blobs":["aGk="],"flag":false,"list":[1,null],"map":{"a":"","b":1},"#
                .to_owned()
                + r#""number":12345678901234567890.123456789012345678,"numbers":[9007199254740993],"#
                + r#""small":-1.50,"strings":["b","a"],"z":"é\""}"#
        );
    }
}
