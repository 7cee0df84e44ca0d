//! The columns and cells that CSV and tables have in common.

use std::collections::BTreeSet;

use restctl_contract::api::Item;
use restctl_contract::json::Json;

/// The attributes of the items so far.
pub(super) struct Columns {
    key: String,
    names: BTreeSet<String>,
}

impl Columns {
    pub(super) fn new(key: &str) -> Self {
        Self { key: key.to_owned(), names: BTreeSet::new() }
    }

    pub(super) fn add_item(&mut self, item: &Item) {
        for (name, _) in &item.attributes {
            if !self.names.contains(name) {
                self.names.insert(name.clone());
            }
        }
    }

    /// Returns the key first and the others by name. Every item has the key, unless the table has another one by now.
    pub(super) fn into_ordered(self) -> Vec<String> {
        let Self { key, mut names } = self;
        let first = (names.remove(&key) || names.is_empty()).then_some(key);
        first.into_iter().chain(names).collect()
    }
}

/// Returns a value as the text of one cell: strings as they are, other values as JSON.
pub(super) fn cell_text(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => value.to_string(),
    }
}
