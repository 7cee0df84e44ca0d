//! The ledger: a table small enough to be kept as it comes.

use std::collections::BTreeMap;

use restctl_contract::load::{LEDGER_KEY, LedgerEntry};
use serde_dynamo::Item;
use serde_json::{Value, json};

#[derive(Default)]
pub(crate) struct Ledger {
    items: BTreeMap<String, Value>,
    /// The load's entry as it was last put.
    pub(crate) last_load: Option<LedgerEntry>,
}

impl Ledger {
    /// The answer, or what is wrong with the call.
    pub(crate) fn answer(&mut self, operation: &str, mut request: Value) -> Result<Value, String> {
        let key = |item: &Value| item[LEDGER_KEY]["S"].to_string();
        match operation {
            "GetItem" => match self.items.get(&key(&request["Key"])) {
                Some(item) => Ok(json!({ "Item": item })),
                None => Ok(json!({})),
            },
            "PutItem" => {
                let item = request["Item"].take();
                // Other items than a load's may be there, and are no entries.
                let typed =
                    serde_json::from_value::<Item>(item.clone()).map_err(|error| error.to_string())?;
                self.last_load = serde_dynamo::from_item(typed).ok().or(self.last_load.take());
                self.items.insert(key(&item), item);
                Ok(json!({}))
            }
            "Scan" => {
                let items: Vec<&Value> = self.items.values().collect();
                Ok(json!({ "Items": items, "Count": items.len(), "ScannedCount": items.len() }))
            }
            _ => Err(format!("the benchmark's ledger knows no {operation}")),
        }
    }
}
