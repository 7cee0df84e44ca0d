//! A row for unit tests.

use restctl_contract::key::{Key, KeyType};
use restctl_rows::{Compression, Dialect, Format, Parser, Row, Value};
use serde_json::json;

/// Parses a row whose key `id` is `key`, and appends `values`.
pub(crate) fn row_with(key: &str, values: &[(&str, Value)]) -> Row {
    let dialect = Dialect::new(Format::Ndjson, Compression::None);
    let mut parser = Parser::new(&dialect, &Key { name: "id".into(), kind: KeyType::String });
    let line = format!("{}\n", json!({ "id": key }));
    let mut rows = Vec::new();
    let mut rest = line.as_bytes();
    while parser.read(&mut rest, &mut rows).unwrap() {}
    while parser.finish(&mut rows).unwrap() {}
    let mut row = rows.remove(0).unwrap();
    row.values.extend(values.iter().map(|(name, value)| ((*name).into(), value.clone())));
    row
}
