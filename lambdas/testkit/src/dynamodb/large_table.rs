//! A table whose items are as large as items may be. It makes them up as they are asked for, and keeps nothing.

use serde_json::{Value, json};

/// How many of the largest items an answer may have: 16 MB (BatchGetItem, Amazon DynamoDB API Reference).
const ITEMS_PER_ANSWER: usize = 16_000_000 / 400_000;

pub(super) struct LargeTable {
    name: String,
    /// What each item has besides its key, in DynamoDB's JSON: `"name":{"S":"…"}`.
    attribute: String,
}

impl LargeTable {
    pub(super) fn new(name: &str, attribute: &str) -> Self {
        Self { name: name.to_owned(), attribute: attribute.to_owned() }
    }

    /// Returns the body of the answer, or `None` if the request is not for this table.
    pub(super) fn answer_call(&self, operation: &str, body: &[u8]) -> Option<Vec<u8>> {
        let request: Value = serde_json::from_slice(body).ok()?;
        match operation {
            "BatchWriteItem" => request["RequestItems"].get(&self.name).map(|_| b"{}".to_vec()),
            "BatchGetItem" => {
                request["RequestItems"].get(&self.name).map(|keys| self.get_items(&keys["Keys"]))
            }
            "Scan" if request["TableName"] == self.name => {
                Some(json!({ "Count": 1 }).to_string().into_bytes())
            }
            _ => None,
        }
    }

    /// The first keys have an item each, as many as fit into the answer, and the others have none.
    fn get_items(&self, keys: &Value) -> Vec<u8> {
        let keys = keys.as_array().into_iter().flatten().filter_map(Value::as_object);
        let items = keys.take(ITEMS_PER_ANSWER).map(|key| {
            let members = key.iter().map(|(name, value)| format!("\"{name}\":{value},"));
            format!("{{{}{}}}", members.collect::<String>(), self.attribute)
        });
        let items = items.collect::<Vec<_>>().join(",");
        format!(r#"{{"Responses":{{"{}":[{items}]}},"UnprocessedKeys":{{}}}}"#, self.name).into_bytes()
    }
}
