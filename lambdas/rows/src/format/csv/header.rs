use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use restctl_contract::key::{Key, KeyType, WRITTEN_BY};

use crate::dialect::{Delimiter, Types};
use crate::limits::MAX_NAME_BYTES;
use crate::reject::excerpt::shown;
use crate::types::column_types::ColumnType;
use crate::unreadable::Unreadable;

/// As many column names as an error lists.
const MAX_LISTED: usize = 20;

/// What may separate columns, and how one says so to a shell.
const DELIMITERS: [(char, &str); 4] = [(',', "','"), (';', "';'"), ('\t', "tab"), ('|', "'|'")];

pub(super) struct Header {
    pub(super) columns: Vec<Column>,
    /// The key column's index.
    pub(super) key: usize,
}

pub(crate) struct Column {
    pub(crate) name: Arc<str>,
    /// What the dialect says of it.
    pub(crate) told: Option<ColumnType>,
}

impl Header {
    pub(super) fn new<'a>(
        names: impl Iterator<Item = &'a str>,
        key: &Key,
        delimiter: Delimiter,
        types: &Types,
    ) -> Result<Self, Unreadable> {
        let names: Vec<&str> = names.collect();
        let Some(index) = names.iter().position(|name| *name == key.name) else {
            return Err(no_key_column(&names, key, delimiter));
        };
        let mut seen = HashSet::new();
        for (index, name) in names.iter().enumerate() {
            if name.is_empty() {
                return Err(Unreadable::UnnamedColumn { position: index + 1 });
            }
            if name.len() > MAX_NAME_BYTES {
                return Err(Unreadable::NameTooLong { position: index + 1 });
            }
            if *name == WRITTEN_BY {
                return Err(Unreadable::ReservedColumn);
            }
            if !seen.insert(name) {
                return Err(Unreadable::DuplicateColumn { name: shown(name) });
            }
        }
        let told = told(&names, key, types)?;
        let columns = names.iter().zip(told).map(|(name, told)| Column { name: Arc::from(*name), told });
        Ok(Self { columns: columns.collect(), key: index })
    }
}

/// What the dialect says of each column.
fn told(names: &[&str], key: &Key, types: &Types) -> Result<Vec<Option<ColumnType>>, Unreadable> {
    match types {
        Types::Strings => Ok(vec![None; names.len()]),
        Types::Columns(types) if types.0.len() != names.len() => {
            Err(Unreadable::ColumnTypesDiffer { types: types.0.len(), columns: names.len() })
        }
        Types::Columns(types) => Ok(types.0.iter().copied().map(Some).collect()),
        Types::Named(types) => named(names, key, types),
    }
}

fn named(
    names: &[&str],
    key: &Key,
    types: &BTreeMap<String, ColumnType>,
) -> Result<Vec<Option<ColumnType>>, Unreadable> {
    if let Some(name) = types.keys().find(|name| !names.contains(&name.as_str())) {
        return Err(Unreadable::NoSuchColumn { name: shown(name), columns: list(names) });
    }
    let kind = key_type(key);
    if types.get(&key.name).is_some_and(|told| *told != kind) {
        return Err(Unreadable::KeyTypeDiffers { name: shown(&key.name), kind });
    }
    Ok(names.iter().map(|name| types.get(*name).copied()).collect())
}

pub(crate) fn key_type(key: &Key) -> ColumnType {
    match key.kind {
        KeyType::String => ColumnType::String,
        KeyType::Number => ColumnType::Number,
    }
}

fn no_key_column(names: &[&str], key: &Key, delimiter: Delimiter) -> Unreadable {
    let other = DELIMITERS.iter().find(|(other, _)| {
        *other != char::from(delimiter.byte()) && names.len() == 1 && names[0].contains(*other)
    });
    match other {
        Some((_, delimiter)) => {
            Unreadable::OtherDelimiter { key: key.name.clone(), column: shown(names[0]), delimiter }
        }
        None => Unreadable::NoKeyColumn { key: key.name.clone(), columns: list(names) },
    }
}

fn list(names: &[&str]) -> String {
    let mut columns: Vec<String> =
        names.iter().take(MAX_LISTED).map(|name| format!("{:?}", shown(name))).collect();
    if names.len() > MAX_LISTED {
        columns.push(format!("{} more", names.len() - MAX_LISTED));
    }
    columns.join(", ")
}
