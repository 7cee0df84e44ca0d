use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use restctl_contract::key::WRITTEN_BY;
use restctl_rows::{Row, Value};

/// The item of a row; `written_by` says which load writes it.
pub(super) fn item(row: &Row, written_by: &str) -> HashMap<String, AttributeValue> {
    let attributes = row.values.iter().map(|(name, value)| (name.to_string(), attribute(value)));
    let written_by = (WRITTEN_BY.to_owned(), AttributeValue::S(written_by.to_owned()));
    attributes.chain([written_by]).collect()
}

fn attribute(value: &Value) -> AttributeValue {
    match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(value) => AttributeValue::Bool(*value),
        Value::Number(text) => AttributeValue::N(text.clone()),
        Value::String(text) => AttributeValue::S(text.clone()),
        Value::List(values) => AttributeValue::L(values.iter().map(attribute).collect()),
        Value::Map(members) => {
            AttributeValue::M(members.iter().map(|(name, value)| (name.clone(), attribute(value))).collect())
        }
    }
}
