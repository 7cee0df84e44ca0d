//! What an item must keep, whatever the format it came in.

use std::sync::Arc;

use restctl_contract::key::{Key, KeyType, MAX_KEY_BYTES, STAMP_BYTES, WRITTEN_BY};
use restctl_contract::number;

use crate::limits::MAX_ITEM_BYTES;
use crate::reject::Fault;
use crate::row::Row;
use crate::types::value::Value;

/// Room for [`WRITTEN_BY`], which the load adds.
const WRITTEN_BY_BYTES: usize = WRITTEN_BY.len() + STAMP_BYTES;

#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) key: Key,
}

impl Rules {
    /// The key's value and its text where a file has `text` for it.
    pub(crate) fn key(&self, text: &str) -> Result<Value, Fault> {
        let fault = |reason: String| Fault::column(&self.key.name, reason);
        if text.is_empty() {
            return Err(fault("the key is empty".to_owned()));
        }
        if text.len() > MAX_KEY_BYTES {
            return Err(fault(format!("the key has {} bytes, more than {MAX_KEY_BYTES}", text.len())));
        }
        match self.key.kind {
            KeyType::String => Ok(Value::String(text.to_owned())),
            KeyType::Number => {
                let normal = number::normalize(text);
                normal.map(Value::Number).map_err(|error| fault(format!("the key {error}")))
            }
        }
    }

    /// The row of these attributes, of which the one at `key` has been through [`Rules::key`].
    pub(crate) fn row(
        &self,
        line: u64,
        values: Vec<(Arc<str>, Value)>,
        key: Option<usize>,
    ) -> Result<Row, Fault> {
        let Some(key) = key else {
            return Err(Fault::column(&self.key.name, "the key is missing"));
        };
        let attributes: usize = values.iter().map(|(name, value)| name.len() + value.bytes()).sum();
        let bytes = attributes + WRITTEN_BY_BYTES;
        if bytes > MAX_ITEM_BYTES {
            return Err(Fault::row(format!("has {bytes} bytes, more than the {MAX_ITEM_BYTES} of an item")));
        }
        Ok(Row { line, values, bytes, key })
    }
}
