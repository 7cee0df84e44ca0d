//! The rules for items that hold for every format.

use std::sync::Arc;

use restctl_contract::key::{Key, KeyType, STAMP_BYTES, WRITTEN_BY};

use crate::limits::MAX_ITEM_BYTES;
use crate::reject::Fault;
use crate::reject::excerpt::list_names;
use crate::row::Row;
use crate::row::item::check_item;
use crate::types::value::Value;

/// The size of [`WRITTEN_BY`], which the load adds.
const WRITTEN_BY_BYTES: usize = WRITTEN_BY.len() + STAMP_BYTES;

#[derive(Debug)]
pub(crate) struct ItemRules {
    pub(crate) key: Key,
}

impl ItemRules {
    /// Returns the key of a row whose file has `text` for it.
    pub(crate) fn parse_key(&self, text: &str) -> Result<Value, Fault> {
        match (self.key.parse(text), self.key.kind) {
            (Ok(text), KeyType::String) => Ok(Value::String(text)),
            (Ok(digits), KeyType::Number) => Ok(Value::Number(digits)),
            (Err(error), _) => Err(Fault::in_column(&self.key.name, format!("the key {error}"))),
        }
    }

    /// Returns the row of these attributes. The one at `key` comes from [`ItemRules::parse_key`].
    pub(crate) fn build_row(
        &self,
        line: u64,
        values: Vec<(Arc<str>, Value)>,
        key: Option<usize>,
    ) -> Result<Row, Fault> {
        let Some(key) = key else {
            let names: Vec<&str> = values.iter().map(|(name, _)| &**name).collect();
            let reason = format!("the key is missing; the row has {}", list_names(&names));
            return Err(Fault::in_column(&self.key.name, reason));
        };
        let bytes = check_item(&values)? + WRITTEN_BY_BYTES;
        if bytes > MAX_ITEM_BYTES {
            return Err(Fault::in_row(format!(
                "has {bytes} bytes, but an item has at most {MAX_ITEM_BYTES}"
            )));
        }
        Ok(Row { line, values, bytes, key })
    }
}
