//! Gets items from the API, many at a time.

use std::cell::Cell;
use std::collections::HashMap;

use reqwest::StatusCode;
use restctl_contract::api::{BATCH_GET_PATH, BatchGetRequest, ITEM_TOO_LARGE, Item, Problem};
use restctl_contract::json::Json;
use restctl_contract::key::{Key, KeyType};

use crate::api::client::{Api, parse_bulk_answer};
use crate::api::endpoint;
use crate::failure::Result;

pub(super) struct ApiItems<'a> {
    api: Api<'a>,
    key: &'a Key,
    calls: Cell<u64>,
}

impl<'a> ApiItems<'a> {
    pub(super) fn new(api: Api<'a>, key: &'a Key) -> Self {
        Self { api, key, calls: Cell::new(0) }
    }

    pub(super) fn calls(&self) -> u64 {
        self.calls.get()
    }

    /// Returns the items by key, for at most as many keys as one call takes. An item that is too large for any answer is
    /// left out.
    pub(super) async fn get_items(&self, keys: &[&str]) -> Result<HashMap<String, Item>> {
        let mut found = HashMap::new();
        let mut waiting: Vec<Vec<Json>> = vec![keys.iter().map(|key| Json::from(*key)).collect()];
        while let Some(ids) = waiting.pop() {
            let request = BatchGetRequest { ids };
            let (status, body) = self.api.post(BATCH_GET_PATH, &request).await?;
            self.calls.set(self.calls.get() + 1);
            let BatchGetRequest { mut ids } = request;
            match status {
                StatusCode::OK => {
                    let answer = parse_bulk_answer(&body, ids.len())?;
                    let items = answer.items.into_iter();
                    found.extend(items.filter_map(|item| Some((key_text(self.key, &item)?, item))));
                    waiting.extend((!answer.remaining.is_empty()).then_some(answer.remaining));
                }
                _ if !is_too_large(&body) => return Err(endpoint::parse_refusal(status, &body)),
                _ if ids.len() == 1 => {}
                _ => {
                    waiting.push(ids.split_off(ids.len() / 2));
                    waiting.push(ids);
                }
            }
        }
        Ok(found)
    }
}

/// Returns the key's text; a number's is in plain notation.
fn key_text(key: &Key, item: &Item) -> Option<String> {
    match (key.kind, item.get(&key.name)?) {
        (KeyType::String, Json::String(text)) | (KeyType::Number, Json::Number(text)) => key.parse(text).ok(),
        _ => None,
    }
}

fn is_too_large(body: &[u8]) -> bool {
    let problem = serde_json::from_slice::<Problem>(body);
    problem.is_ok_and(|problem| problem.short_type() == ITEM_TOO_LARGE)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answered_item_is_identified_by_its_key() {
        let key_text = |kind, json: &str| {
            key_text(&Key { name: "id".into(), kind }, &serde_json::from_str(json).unwrap())
        };
        assert_eq!(key_text(KeyType::String, r#"{"id":"042"}"#).as_deref(), Some("042"));
        assert_eq!(key_text(KeyType::Number, r#"{"id":4.20e1}"#).as_deref(), Some("42"));
        for (kind, json) in [
            (KeyType::String, r#"{"id":42}"#),
            (KeyType::Number, r#"{"id":"42"}"#),
            (KeyType::Number, r#"{"name":42}"#),
        ] {
            assert_eq!(key_text(kind, json), None, "{json}");
        }
    }

    #[test]
    fn an_item_that_is_too_large_differs_from_other_failures() {
        let problem = |kind: &str| json!({ "type": kind, "title": "x", "status": 500 }).to_string();
        assert!(is_too_large(problem("urn:restctl:problem:item-too-large").as_bytes()));
        assert!(!is_too_large(problem("urn:restctl:problem:internal").as_bytes()));
        assert!(!is_too_large(b"item-too-large"));
    }
}
