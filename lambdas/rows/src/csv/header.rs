use std::collections::HashSet;
use std::sync::Arc;

use restctl_contract::key::{Key, WRITTEN_BY};

use crate::{ColumnTypes, Unreadable};

/// As many column names as an error lists.
const MAX_LISTED: usize = 20;

pub(super) struct Header {
    pub(super) columns: Vec<Arc<str>>,
    /// The key column's index.
    pub(super) key: usize,
}

impl Header {
    pub(super) fn new(names: &[&str], key: &Key, types: Option<&ColumnTypes>) -> Result<Self, Unreadable> {
        let Some(key) = names.iter().position(|name| *name == key.name) else {
            return Err(no_key_column(names, key));
        };
        let mut seen = HashSet::new();
        for (index, name) in names.iter().enumerate() {
            if name.is_empty() {
                return Err(Unreadable::UnnamedColumn { position: index + 1 });
            }
            if *name == WRITTEN_BY {
                return Err(Unreadable::ReservedColumn);
            }
            if !seen.insert(name) {
                return Err(Unreadable::DuplicateColumn { name: (*name).to_owned() });
            }
        }
        if let Some(types) = types.filter(|types| types.0.len() != names.len()) {
            return Err(Unreadable::ColumnTypesDiffer { types: types.0.len(), columns: names.len() });
        }
        Ok(Self { columns: names.iter().map(|name| Arc::from(*name)).collect(), key })
    }
}

fn no_key_column(names: &[&str], key: &Key) -> Unreadable {
    let mut columns: Vec<String> = names.iter().take(MAX_LISTED).map(|name| format!("{name:?}")).collect();
    if names.len() > MAX_LISTED {
        columns.push(format!("{} more", names.len() - MAX_LISTED));
    }
    let separated_otherwise = names.len() == 1 && names[0].contains([';', '\t', '|']);
    let hint = if separated_otherwise { " (columns are separated by commas)" } else { "" };
    Unreadable::NoKeyColumn { key: key.name.clone(), columns: columns.join(", "), hint }
}
