//! A row for unit tests.

use restctl_contract::key::{Key, KeyType};
use restctl_rows::{Delimiter, Dialect, Encoding, Parser, Row, Types, Value};
use serde_json::json;

/// Parses a row whose key `id` is `key`, and appends `values`.
pub(crate) fn row_with(key: &str, values: &[(&str, Value)]) -> Row {
    let encoding = Encoding::from_name("row.ndjson").unwrap();
    let dialect = Dialect { encoding, delimiter: Delimiter::default(), types: Types::Strings, records: None };
    let mut parser = Parser::new(&dialect, &Key { name: "id".into(), kind: KeyType::String });
    let line = format!("{}\n", json!({ "id": key }));
    let mut rows = Vec::new();
    while parser.read(&mut line.as_bytes(), &mut rows).unwrap() && rows.is_empty() {}
    let mut row = rows.remove(0).unwrap();
    row.values.extend(values.iter().map(|(name, value)| ((*name).into(), value.clone())));
    row
}
