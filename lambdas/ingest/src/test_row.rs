//! A row for unit tests.

use restctl_contract::key::{Key, KeyType};
use restctl_rows::{Compression, Dialect, Format, Parser, Row, Value};
use serde_json::json;

/// Parses a row whose key `id` is `key`, and appends `values`.
pub(crate) fn row_with(key: &str, values: &[(&str, Value)]) -> Row {
    let mut row = parse_row(&json!({ "id": key }).to_string());
    row.values.extend(values.iter().map(|(name, value)| ((*name).into(), value.clone())));
    row
}

/// Parses the JSON of a row whose key is `id`.
pub(crate) fn parse_row(text: &str) -> Row {
    let dialect = Dialect::new(Format::Ndjson, Compression::None);
    let mut parser = Parser::new(&dialect, &Key { name: "id".into(), kind: KeyType::String });
    let (mut text, mut rows) = (text.as_bytes(), Vec::new());
    while parser.read(&mut text, &mut rows).unwrap() {}
    while parser.finish(&mut rows).unwrap() {}
    rows.remove(0).unwrap()
}
