//! Where a server is known to differ from DynamoDB. Everything else in which it differs from restctl fails the test.

use restctl_rows::Value;

use super::rows::{GeneratedRow, ITEM_SIZE, MOST_BYTES_OVER};

pub(super) struct Exception {
    pub(super) server: &'static str,
    /// What the server does, and who says what DynamoDB does.
    pub(super) reason: &'static str,
    pub(super) applies: fn(&GeneratedRow) -> bool,
}

const NESTING: &str = "it bounds no nesting; \"nested attributes up to 32 levels deep\" (Quotas, Amazon DynamoDB \
    Developer Guide), of which a value that is neither list nor map is one";

const UTF_16: &str = "it counts the UTF-16 units of a text; \"strings are Unicode with UTF-8 binary encoding\" (DynamoDB \
    item sizes and formats, ibid.)";

const NAMES: &str = "it accepts every name; an attribute name has at least one character and less than 64 KB (Naming \
    rules, ibid.), in maps as well";

/// In each of them, the server accepts what DynamoDB refuses.
pub(super) const EXCEPTIONS: [Exception; 5] = [
    Exception { server: "dynalite", reason: NESTING, applies: |row| levels(&row.values) > 32 },
    Exception { server: "dynalite", reason: UTF_16, applies: has_large_key },
    Exception { server: "dynalite", reason: UTF_16, applies: has_large_text },
    Exception { server: "dynalite", reason: NAMES, applies: |row| has_bad_name(&row.values) },
    Exception { server: "ministack", reason: NAMES, applies: |row| has_bad_name(&row.values) },
];

/// Returns whether the key is too large only in bytes.
fn has_large_key(row: &GeneratedRow) -> bool {
    matches!(&row.key, Value::String(text) if text.len() > 2048 && text.encode_utf16().count() <= 2048)
}

/// Returns whether the item is too large only in bytes.
fn has_large_text(row: &GeneratedRow) -> bool {
    row.about == ITEM_SIZE && excess_of_utf8(&row.values) >= MOST_BYTES_OVER
}

fn has_bad_name(values: &[(String, Value)]) -> bool {
    values.iter().any(|(name, value)| {
        let bad = name.is_empty() || name.len() > 65_535;
        bad || match value {
            Value::List(values) => {
                values.iter().any(|value| has_bad_name(&[("element".to_owned(), value.clone())]))
            }
            Value::Map(members) => has_bad_name(members),
            _ => false,
        }
    })
}

/// Returns how deep the deepest value is, counted from 1.
fn levels(values: &[(String, Value)]) -> usize {
    values.iter().map(|(_, value)| levels_of_value(value)).max().unwrap_or(0)
}

fn levels_of_value(value: &Value) -> usize {
    1 + match value {
        Value::List(values) => values.iter().map(levels_of_value).max().unwrap_or(0),
        Value::Map(members) => levels(members),
        _ => 0,
    }
}

/// Returns by how many bytes the text of a row is longer in UTF-8 than the number of its UTF-16 units.
fn excess_of_utf8(values: &[(String, Value)]) -> usize {
    values.iter().map(|(name, value)| excess_of_text(name) + excess_of_value(value)).sum()
}

fn excess_of_value(value: &Value) -> usize {
    match value {
        Value::String(text) => excess_of_text(text),
        Value::List(values) => values.iter().map(excess_of_value).sum(),
        Value::Map(members) => excess_of_utf8(members),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

fn excess_of_text(text: &str) -> usize {
    text.len() - text.encode_utf16().count()
}
