//! How an attempt reads its object.

use std::collections::BTreeMap;

use restctl_contract::load::LedgerEntry;
use restctl_contract::remembered_dialect::RememberedDialect;
use restctl_rows::{ColumnType, ColumnTypes, CsvDialect, Dialect, Types};
use tracing::warn;

use super::begin::Attempt;
use super::context::LoadContext;
use crate::error::{Error, LoadError};
use crate::source::{Object, RowStream, parse_dialect, read_head};

/// Decides how to read the object of `entry`: as its metadata says, or as an earlier attempt has read it. The object of
/// another tool is read as the last `restctl upload` of its name, or else as its name and its first bytes show.
pub(super) async fn choose_dialect(
    context: &LoadContext,
    object: &Object,
    entry: &LedgerEntry,
) -> Result<Dialect, LoadError> {
    if let Some(dialect) = object.uploaded_dialect()? {
        return Ok(dialect);
    }
    if let Some(dialect) = &entry.dialect {
        return Ok(parse_dialect(dialect, entry.column_types.as_deref())?);
    }
    let remembered = context.ledger().read_remembered_dialect(&object.key).await?;
    let head = read_head(&context.s3, object).await?;
    let mut dialect = match remembered {
        Some(remembered) => dialect_like(&remembered, context, &head)?,
        None => Dialect::detect(&object.key, &head, &context.key, None, CsvDialect::default())?,
    };
    if let Some(types) = object.uploaded_types()? {
        dialect.csv.types = Types::Columns(types);
    }
    Ok(dialect)
}

/// Returns the remembered dialect for a file that begins with `head`. Only the first bytes say how it is compressed.
fn dialect_like(
    remembered: &RememberedDialect,
    context: &LoadContext,
    head: &[u8],
) -> Result<Dialect, LoadError> {
    let mut dialect = parse_dialect(&remembered.dialect, None)?;
    // The format is known, so an object's name need not tell it.
    let name = format!("name.{}", dialect.format);
    let csv = CsvDialect::default();
    let detected = Dialect::detect(&name, head, &context.key, Some(dialect.csv.delimiter), csv)?;
    let types = remembered.types.iter().filter_map(|(name, word)| Some((name.clone(), word.parse().ok()?)));
    dialect.csv.types = Types::Remembered { remembered: types.collect(), chosen: BTreeMap::new() };
    Ok(Dialect { compression: detected.compression, ..dialect })
}

/// Notes in the ledger's entry how another tool's object is read, after the first window. A later attempt continues in
/// the same way, even if `restctl upload` has sent a file of that name meanwhile.
pub(super) fn note_dialect(
    attempt: &mut Attempt<'_>,
    object: &Object,
    dialect: &Dialect,
    rows: &RowStream<'_>,
) {
    let entry = &mut attempt.record.entry;
    if object.is_from_upload() || entry.dialect.is_some() {
        return;
    }
    let types: Vec<ColumnType> = rows.column_types().map(|(_, column_type)| column_type).collect();
    entry.dialect = Some(dialect.to_string());
    entry.column_types = (!types.is_empty()).then(|| ColumnTypes(types).to_string());
}

/// Remembers how the whole file of a `restctl upload` was read, for objects that other tools send under its name.
pub(super) async fn remember_dialect(
    attempt: &Attempt<'_>,
    object: &Object,
    dialect: &Dialect,
    rows: &RowStream<'_>,
) -> Result<(), Error> {
    if !object.is_from_upload() {
        return Ok(());
    }
    let typed = || rows.column_types().filter(|(_, column_type)| *column_type != ColumnType::String);
    let has_room = RememberedDialect::has_room_for(typed().map(|(name, _)| name));
    if !has_room {
        warn!("there are too many columns to remember: other tools' objects of this name load as strings");
    }
    let types = typed().filter(|_| has_room);
    let remembered = RememberedDialect {
        key: RememberedDialect::key_for(&object.key),
        stamp: attempt.stamp.clone(),
        dialect: dialect.to_string(),
        types: types.map(|(name, column_type)| (name.to_owned(), column_type.to_string())).collect(),
    };
    attempt.record.ledger.remember_dialect(&remembered).await
}
