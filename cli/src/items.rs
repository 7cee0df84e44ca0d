//! Items on their way out: as JSON, as CSV, or laid out for people.

pub(crate) mod csv;
pub(crate) mod document;
pub(crate) mod layout;
mod spool;

use std::collections::BTreeSet;

use restctl_contract::api::Item;
use serde_json::Value;

use crate::failure::{FailureContext, Result};

/// An item a line.
pub(crate) fn lines(items: &[Item]) -> Result<Vec<u8>> {
    let mut lines = Vec::new();
    for item in items {
        serde_json::to_writer(&mut lines, item).context("an item cannot be written as JSON")?;
        lines.push(b'\n');
    }
    Ok(lines)
}

/// The attributes of the items seen so far.
struct Columns {
    key: String,
    seen: BTreeSet<String>,
}

impl Columns {
    fn new(key: &str) -> Self {
        Self { key: key.to_owned(), seen: BTreeSet::new() }
    }

    fn see(&mut self, item: &Item) {
        for column in item.keys().filter(|column| !self.seen.contains(*column)).collect::<Vec<_>>() {
            self.seen.insert(column.clone());
        }
    }

    /// The key first, the others by name. Every item bears the key: where none does, the table has another one by now.
    fn in_order(self) -> Vec<String> {
        let Self { key, mut seen } = self;
        let first = (seen.remove(&key) || seen.is_empty()).then_some(key);
        first.into_iter().chain(seen).collect()
    }
}

/// A value in one column: text as it is, what is no text as JSON.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}
