//! Turns one JSON object into one row. Of two members with the same name, the last one counts.

use std::sync::Arc;

use restctl_contract::json::{self, Json, JsonError, JsonErrorKind, Limits};
use restctl_contract::key::WRITTEN_BY;
use restctl_contract::number;

use crate::limits::{MAX_DEPTH, MAX_ITEM_BYTES, MAX_RECORD_BYTES};
use crate::reject::excerpt::shorten_record;
use crate::reject::{Fault, Reject};
use crate::row::Row;
use crate::row::item::too_deep_reason;
use crate::row::rules::ItemRules;
use crate::types::value::Value;

/// How deeply the arrays and objects of a row may nest: the row, and an empty list or map at the innermost level.
pub(super) const MAX_NESTING: usize = MAX_DEPTH + 1;

/// Each value of an item has at least one byte.
const LIMITS: Limits = Limits { depth: MAX_NESTING, values: MAX_ITEM_BYTES };

pub(super) fn parse_json(text: &[u8]) -> Result<Json, JsonError> {
    json::parse(text, LIMITS)
}

/// Parses a record, which starts at `line`.
pub(super) fn parse_record(rules: &ItemRules, line: u64, text: &[u8]) -> Result<Row, Reject> {
    let fault = match parse_json(text) {
        Ok(value) => return build_record(rules, line, text, value),
        Err(error) if error.kind == JsonErrorKind::NotUtf8 => Fault::not_utf8(text),
        Err(error) => syntax_fault(error.kind),
    };
    Err(fault.into_reject(line, shorten_record(text, text.len())))
}

/// `value` is the value of the text.
pub(super) fn build_record(rules: &ItemRules, line: u64, text: &[u8], value: Json) -> Result<Row, Reject> {
    build_row(rules, line, value).map_err(|fault| fault.into_reject(line, shorten_record(text, text.len())))
}

fn build_row(rules: &ItemRules, line: u64, value: Json) -> Result<Row, Fault> {
    let Json::Object(members) = value else {
        return Err(Fault::in_row(format!("is {}, not an object", value.type_name())));
    };
    let mut values: Vec<(Arc<str>, Value)> = Vec::with_capacity(members.len());
    let mut key = None;
    for (name, member) in members {
        if name == WRITTEN_BY {
            return Err(Fault::in_column(&name, "has a name that is reserved for restctl"));
        }
        let value = if name == rules.key.name {
            key = Some(values.len());
            parse_key(rules, &member)?
        } else {
            to_value(member).map_err(|reason| Fault::in_column(&name, reason))?
        };
        values.push((name.into(), value));
    }
    rules.build_row(line, values, key)
}

/// Returns what is wrong with a text that is not JSON.
pub(super) fn syntax_fault(kind: JsonErrorKind) -> Fault {
    match kind {
        JsonErrorKind::TooDeep => Fault::in_row(too_deep_reason()),
        JsonErrorKind::TooManyValues => {
            Fault::in_row(format!("has too many values for an item of at most {MAX_ITEM_BYTES} bytes"))
        }
        _ => Fault::in_row(format!("is not JSON: {kind}")),
    }
}

pub(super) fn too_long_fault() -> Fault {
    Fault::in_row(format!("is longer than {MAX_RECORD_BYTES} bytes"))
}

/// Strings and numbers are accepted for both types of key, as are the cells of a CSV.
fn parse_key(rules: &ItemRules, member: &Json) -> Result<Value, Fault> {
    match member {
        Json::String(text) | Json::Number(text) => rules.parse_key(text),
        other => Err(Fault::in_column(&rules.key.name, format!("the key is {}", other.type_name()))),
    }
}

/// The depth of the member is bounded, because it has been parsed.
fn to_value(member: Json) -> Result<Value, String> {
    Ok(match member {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(value),
        Json::String(text) => Value::String(text),
        Json::Number(digits) => Value::Number(number::normalize(&digits).map_err(|error| error.to_string())?),
        Json::Array(values) => Value::List(values.into_iter().map(to_value).collect::<Result<_, _>>()?),
        Json::Object(members) => {
            let member = |(name, value)| Ok((name, to_value(value)?));
            Value::Map(members.into_iter().map(member).collect::<Result<_, String>>()?)
        }
    })
}
