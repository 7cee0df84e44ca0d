//! Items as NDJSON.

use restctl_contract::api::Item;

use crate::failure::{FailureContext, Result};

/// Returns one line of JSON for each item.
pub(crate) fn to_ndjson(items: &[Item]) -> Result<Vec<u8>> {
    let mut lines = Vec::new();
    for item in items {
        serde_json::to_writer(&mut lines, item).context("cannot write an item as JSON")?;
        lines.push(b'\n');
    }
    Ok(lines)
}
