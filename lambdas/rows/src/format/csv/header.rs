use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use restctl_contract::key::{Key, KeyType, WRITTEN_BY};

use crate::dialect::{Delimiter, Types};
use crate::limits::MAX_NAME_BYTES;
use crate::reject::excerpt::{list_names, shorten_name};
use crate::types::column_types::ColumnType;
use crate::unreadable::Unreadable;

/// Other characters that may separate the columns, and how to write them in a shell.
const DELIMITERS: [(char, &str); 4] = [(',', "','"), (';', "';'"), ('\t', "tab"), ('|', "'|'")];

pub(super) struct CsvHeader {
    pub(super) columns: Vec<CsvColumn>,
    /// The index of the key column.
    pub(super) key: usize,
}

pub(crate) struct CsvColumn {
    pub(crate) name: Arc<str>,
    /// The type that the dialect declares.
    pub(crate) declared: Option<ColumnType>,
}

impl CsvHeader {
    pub(super) fn new<'a>(
        names: impl Iterator<Item = &'a str>,
        key: &Key,
        delimiter: Delimiter,
        types: &Types,
    ) -> Result<Self, Unreadable> {
        let names: Vec<&str> = names.collect();
        let Some(index) = names.iter().position(|name| *name == key.name) else {
            return Err(missing_key_error(&names, key, delimiter));
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
                return Err(Unreadable::DuplicateColumn { name: shorten_name(name) });
            }
        }
        let declared = declared_types(&names, key, types)?;
        let columns =
            names.iter().zip(declared).map(|(name, declared)| CsvColumn { name: Arc::from(*name), declared });
        Ok(Self { columns: columns.collect(), key: index })
    }
}

/// Returns the type that the dialect declares for each column.
fn declared_types(names: &[&str], key: &Key, types: &Types) -> Result<Vec<Option<ColumnType>>, Unreadable> {
    match types {
        Types::Strings => Ok(vec![None; names.len()]),
        Types::Columns(types) if types.0.len() != names.len() => {
            Err(Unreadable::ColumnTypesDiffer { types: types.0.len(), columns: names.len() })
        }
        Types::Columns(types) => Ok(types.0.iter().copied().map(Some).collect()),
        Types::Named(types) => types_by_name(names, key, types),
    }
}

fn types_by_name(
    names: &[&str],
    key: &Key,
    types: &BTreeMap<String, ColumnType>,
) -> Result<Vec<Option<ColumnType>>, Unreadable> {
    if let Some(name) = types.keys().find(|name| !names.contains(&name.as_str())) {
        return Err(Unreadable::NoSuchColumn { name: shorten_name(name), columns: list_names(names) });
    }
    let kind = key_column_type(key);
    if types.get(&key.name).is_some_and(|declared| *declared != kind) {
        return Err(Unreadable::KeyTypeDiffers { name: shorten_name(&key.name), kind });
    }
    Ok(names.iter().map(|name| types.get(*name).copied()).collect())
}

pub(crate) fn key_column_type(key: &Key) -> ColumnType {
    match key.kind {
        KeyType::String => ColumnType::String,
        KeyType::Number => ColumnType::Number,
    }
}

fn missing_key_error(names: &[&str], key: &Key, delimiter: Delimiter) -> Unreadable {
    let other = DELIMITERS.iter().find(|(other, _)| {
        *other != char::from(delimiter.byte()) && names.len() == 1 && names[0].contains(*other)
    });
    match other {
        Some((_, delimiter)) => {
            Unreadable::OtherDelimiter { key: key.name.clone(), column: shorten_name(names[0]), delimiter }
        }
        None => Unreadable::NoKeyColumn { key: key.name.clone(), columns: list_names(names) },
    }
}
