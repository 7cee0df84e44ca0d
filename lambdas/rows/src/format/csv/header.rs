use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use restctl_contract::key::{Key, KeyType, WRITTEN_BY};

use crate::dialect::{CsvDialect, Types};
use crate::limits::MAX_NAME_BYTES;
use crate::reject::excerpt::{list_names, shorten_name};
use crate::types::column_types::ColumnType;
use crate::unreadable::Unreadable;

/// Other characters that may separate the columns, and how to write them in a shell.
const DELIMITERS: [(char, &str); 4] = [(',', "','"), (';', "';'"), ('\t', "tab"), ('|', "'|'")];

pub(super) struct CsvHeader {
    /// The columns that are loaded.
    pub(super) columns: Vec<CsvColumn>,
    /// For each cell of a row, the index of its column, or `None` if it is not loaded.
    pub(super) places: Vec<Option<usize>>,
    /// The index of the key among the columns.
    pub(super) key: usize,
    /// What is special about the header, as the rest of a sentence about the file.
    pub(super) notes: Vec<String>,
    /// Whether delimiters follow the last name.
    pub(super) has_delimiters_behind: bool,
}

pub(crate) struct CsvColumn {
    pub(crate) name: Arc<str>,
    /// The type that the dialect declares.
    pub(crate) declared: Option<ColumnType>,
}

impl CsvHeader {
    /// Reads the cells of the header. Spaces around names do not count, nor do cells without a name at the end.
    pub(super) fn new(cells: &[&str], key: &Key, dialect: &CsvDialect) -> Result<Self, Unreadable> {
        let names: Vec<&str> = cells.iter().map(|cell| column_name(cell, key)).collect();
        let named = names.len() - names.iter().rev().take_while(|name| name.is_empty()).count();
        let (names, mut notes) = (&names[..named], Vec::new());
        let skipped = skipped_columns(names, &dialect.skip_columns, &mut notes)?;
        let kept: Vec<usize> = (0..named).filter(|index| !skipped.contains(index)).collect();
        let kept_names: Vec<&str> = kept.iter().map(|index| names[*index]).collect();
        let Some(key_index) = kept_names.iter().position(|name| *name == key.name) else {
            return Err(missing_key_error(&kept_names, key, dialect));
        };
        check_names(&kept, &kept_names)?;
        let declared = declared_types(&kept_names, key, &dialect.types)?;
        let columns = kept_names.iter().zip(declared);
        let columns = columns.map(|(name, declared)| CsvColumn { name: Arc::from(*name), declared });
        let mut places: Vec<Option<usize>> = vec![None; named];
        kept.iter().enumerate().for_each(|(column, index)| places[*index] = Some(column));
        if dialect.row_numbers {
            places.insert(0, None);
            notes.push("the row numbers, which the header does not name, are left out".to_owned());
        }
        let has_delimiters_behind = named < cells.len();
        Ok(Self { columns: columns.collect(), places, key: key_index, notes, has_delimiters_behind })
    }
}

/// Returns the name that a cell of the header gives its column.
fn column_name<'a>(cell: &'a str, key: &Key) -> &'a str {
    if cell == key.name { cell } else { cell.trim() }
}

/// Returns the indexes of the columns that are not loaded.
fn skipped_columns(
    names: &[&str],
    skip: &[String],
    notes: &mut Vec<String>,
) -> Result<HashSet<usize>, Unreadable> {
    let mut skipped = HashSet::new();
    for column in skip {
        let position = || column.parse::<usize>().ok()?.checked_sub(1).filter(|index| *index < names.len());
        let Some(index) = names.iter().position(|name| name == column).or_else(position) else {
            let (name, columns) = (shorten_name(column), list_names(names));
            return Err(Unreadable::NoColumnToSkip { name, columns });
        };
        skipped.insert(index);
    }
    if names.first().is_some_and(|name| name.is_empty()) && skipped.insert(0) {
        notes.push("column 1, which has no name, is left out".to_owned());
    }
    Ok(skipped)
}

/// `kept` are the indexes of the columns with these names.
fn check_names(kept: &[usize], names: &[&str]) -> Result<(), Unreadable> {
    let mut seen = HashSet::new();
    for (index, name) in kept.iter().zip(names) {
        let position = index + 1;
        if name.is_empty() {
            return Err(Unreadable::UnnamedColumn { position });
        }
        if name.len() > MAX_NAME_BYTES {
            return Err(Unreadable::NameTooLong { position });
        }
        if *name == WRITTEN_BY {
            return Err(Unreadable::ReservedColumn);
        }
        if !seen.insert(name) {
            return Err(Unreadable::DuplicateColumn { name: shorten_name(name), position });
        }
    }
    Ok(())
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
        Types::Remembered { remembered, chosen } => {
            let chosen = types_by_name(names, key, chosen)?;
            let declared = names.iter().zip(chosen);
            Ok(declared.map(|(name, chosen)| chosen.or_else(|| remembered.get(*name).copied())).collect())
        }
    }
}

fn types_by_name(
    names: &[&str],
    key: &Key,
    types: &BTreeMap<String, ColumnType>,
) -> Result<Vec<Option<ColumnType>>, Unreadable> {
    if let Some(name) = types.keys().find(|name| !names.contains(&name.as_str())) {
        let columns = list_names(names);
        return Err(Unreadable::NoSuchColumn { name: shorten_name(name), columns });
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

fn missing_key_error(names: &[&str], key: &Key, dialect: &CsvDialect) -> Unreadable {
    let delimiter = char::from(dialect.delimiter.byte());
    let other = DELIMITERS
        .iter()
        .find(|(other, _)| *other != delimiter && names.len() == 1 && names[0].contains(*other));
    match other {
        Some((_, delimiter)) => {
            Unreadable::OtherDelimiter { key: key.name.clone(), column: shorten_name(names[0]), delimiter }
        }
        None => {
            let columns = list_names(names);
            Unreadable::NoKeyColumn { key: key.name.clone(), columns }
        }
    }
}
