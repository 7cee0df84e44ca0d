//! Turns one JSON object into one row. Of two members with the same name, the last one counts.

use std::sync::Arc;

use restctl_contract::key::WRITTEN_BY;
use restctl_contract::number;
use serde_json::Value as Json;

use crate::limits::{MAX_DEPTH, MAX_NAME_BYTES, MAX_RECORD_BYTES};
use crate::reject::excerpt::shorten_record;
use crate::reject::{Fault, Reject};
use crate::row::Row;
use crate::row::rules::ItemRules;
use crate::types::value::Value;
use crate::unreadable::Unreadable;

/// A line or an array element while it is read.
#[derive(Debug)]
pub(crate) struct JsonText {
    /// The line on which it starts.
    pub(crate) line: u64,
    /// At most the first [`MAX_RECORD_BYTES`].
    bytes: Vec<u8>,
    length: usize,
}

impl JsonText {
    pub(crate) fn starting_at(line: u64) -> Self {
        Self { line, bytes: Vec::new(), length: 0 }
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) {
        let room = MAX_RECORD_BYTES - self.bytes.len();
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.length += bytes.len();
    }

    pub(crate) fn is_blank(&self) -> bool {
        self.length <= MAX_RECORD_BYTES && self.bytes.iter().all(u8::is_ascii_whitespace)
    }

    /// Forgets the text, and starts again at `line`.
    pub(crate) fn restart_at(&mut self, line: u64) {
        self.line = line;
        self.bytes.clear();
        self.length = 0;
    }

    pub(crate) fn parse_row(&self, rules: &ItemRules) -> Result<Result<Row, Reject>, Unreadable> {
        let row = if self.length > MAX_RECORD_BYTES {
            Err(Fault::in_row(format!("is longer than {MAX_RECORD_BYTES} bytes")))
        } else {
            let text = std::str::from_utf8(&self.bytes).map_err(|error| {
                let before = &self.bytes[..error.valid_up_to()];
                Unreadable::NotUtf8 {
                    line: self.line + before.iter().filter(|b| **b == b'\n').count() as u64,
                }
            })?;
            parse_object(rules, self.line, text)
        };
        Ok(row.map_err(|fault| fault.into_reject(self.line, shorten_record(&self.bytes, self.length))))
    }
}

fn parse_object(rules: &ItemRules, line: u64, text: &str) -> Result<Row, Fault> {
    let members = match serde_json::from_str(text) {
        Ok(Json::Object(members)) => members,
        Ok(other) => return Err(Fault::in_row(format!("is {}, not an object", json_type_name(&other)))),
        Err(error) => {
            return Err(Fault::in_row(format!("is not JSON: {}", message_without_position(&error))));
        }
    };
    let mut values: Vec<(Arc<str>, Value)> = Vec::with_capacity(members.len());
    let mut index = None;
    for (name, member) in members {
        if name.is_empty() {
            return Err(Fault::in_row("has a member without a name"));
        }
        if name.len() > MAX_NAME_BYTES {
            return Err(Fault::in_row(format!("has a name longer than {MAX_NAME_BYTES} bytes")));
        }
        if name == WRITTEN_BY {
            return Err(Fault::in_column(&name, "has a name that is reserved for restctl"));
        }
        let value = if name == rules.key.name {
            index = Some(values.len());
            parse_key(rules, &member)?
        } else {
            to_value(&name, member, 0)?
        };
        values.push((name.into(), value));
    }
    rules.build_row(line, values, index)
}

/// Strings and numbers are accepted for both types of key, as are the cells of a CSV.
fn parse_key(rules: &ItemRules, member: &Json) -> Result<Value, Fault> {
    match member {
        Json::String(text) => rules.parse_key(text),
        Json::Number(number) => rules.parse_key(number.as_str()),
        other => Err(Fault::in_column(&rules.key.name, format!("the key is {}", json_type_name(other)))),
    }
}

fn to_value(column: &str, member: Json, depth: usize) -> Result<Value, Fault> {
    if depth > MAX_DEPTH {
        return Err(Fault::in_column(column, format!("nests lists and objects more than {MAX_DEPTH} deep")));
    }
    Ok(match member {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(value),
        Json::String(text) => Value::String(text),
        Json::Number(number) => number::normalize(number.as_str())
            .map(Value::Number)
            .map_err(|error| Fault::in_column(column, error.to_string()))?,
        Json::Array(values) => {
            let values = values.into_iter().map(|value| to_value(column, value, depth + 1));
            Value::List(values.collect::<Result<_, _>>()?)
        }
        Json::Object(members) => {
            let member = |(name, value)| Ok((name, to_value(column, value, depth + 1)?));
            Value::Map(members.into_iter().map(member).collect::<Result<_, Fault>>()?)
        }
    })
}

fn json_type_name(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    }
}

/// serde_json counts lines from the start of the object, not from the start of the file.
fn message_without_position(error: &serde_json::Error) -> String {
    let message = error.to_string();
    message.rsplit_once(" at line ").map_or(message.clone(), |(before, _)| before.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::format::Format::Ndjson;
    use crate::tests::{lines, parse, parse_with_number_key, rejects, rows};

    #[test]
    fn json_values_keep_their_types() {
        let text = r#"{"id":"a","n":12345678901234567890.10,"t":true,"z":null,"l":[1,""],"m":{"e":1e3}}"#;
        let found = parse(Ndjson, text).unwrap();
        let values: Vec<_> = rows(&found)[0].values.iter().map(|(_, value)| value.clone()).collect();
        let number = |text: &str| Value::Number(text.to_owned());
        let expected = [
            Value::String("a".into()),
            number("12345678901234567890.1"),
            Value::Bool(true),
            Value::Null,
            Value::List(vec![number("1"), Value::String(String::new())]),
            Value::Map(vec![("e".into(), number("1000"))]),
        ];
        assert_eq!(values, expected);
        assert_eq!(rows(&parse(Ndjson, r#"{"id":1,"id":2}"#).unwrap())[0].key(), "2");
    }

    #[test]
    fn a_key_may_be_a_string_or_a_number() {
        let text = "{\"id\":42}\n{\"id\":\"042\"}\n{\"id\":42.0}";
        let keys = |found: &[_]| rows(found).iter().map(|row| row.key().to_owned()).collect::<Vec<_>>();
        assert_eq!(keys(&parse(Ndjson, text).unwrap()), ["42", "042", "42.0"]);
        assert_eq!(keys(&parse_with_number_key(Ndjson, text).unwrap()), ["42", "42", "42"]);
    }

    #[test]
    fn rows_that_cannot_become_items_are_rejected() {
        let nested = format!("{{\"id\":1,\"l\":{}1{}}}", "[".repeat(33), "]".repeat(33));
        for (line, column, said) in [
            (r#"{"name":"x"}"#, Some("id"), "the key is missing"),
            (r#"{"id":""}"#, Some("id"), "the key is empty"),
            (r#"{"id":null}"#, Some("id"), "the key is null"),
            (r#"{"id":1,"":2}"#, None, "without a name"),
            (r#"{"id":1,"restctl:load":"x"}"#, Some("restctl:load"), "reserved"),
            (r#"{"id":1,"n":123456789012345678901234567890123456789}"#, Some("n"), "38 significant digits"),
            (r#"{"id":1,"n":[1e126]}"#, Some("n"), "range"),
            (&nested, Some("l"), "32 deep"),
            (r#"{"id":1"#, None, "is not JSON: EOF while parsing an object"),
            ("[1]", None, "is an array, not an object"),
        ] {
            let found = parse(Ndjson, &format!("\n{line}\r\n{{\"id\":1}}\n")).unwrap();
            assert_eq!(lines(&found), [2, 3], "{line}");
            let reject = rejects(&found)[0];
            assert_eq!(reject.column.as_deref(), column, "{line}");
            assert!(reject.reason.contains(said), "{line}: {}", reject.reason);
            assert_eq!(reject.row, line.trim_end());
        }
    }
}
