//! One item: its path, and the item in the API's answer.

use reqwest::StatusCode;
use restctl_contract::api::{ITEMS_PATH, Item};

use crate::api::client::percent_encode;
use crate::api::endpoint;
use crate::failure::{Exit, Failure, FailureContext, Result};

/// Returns the item in an answer. An answer without one is an error.
pub(super) fn parse_item(id: &str, status: StatusCode, body: &[u8]) -> Result<Item> {
    match status {
        StatusCode::OK => serde_json::from_slice(body).context("the API's answer is not an item"),
        StatusCode::NOT_FOUND => Err(Failure::new(format!("there is no item {id:?}"))
            .exit(Exit::NotFound)
            .next("check the id, or load the file that has it: restctl upload FILE")),
        _ => Err(endpoint::parse_refusal(status, body)),
    }
}

/// Returns the item's path, with the id percent-encoded as one segment.
pub(super) fn item_path(id: &str) -> String {
    // A segment of dots alone would be a step up the path.
    if id.bytes().all(|byte| byte == b'.') {
        return format!("{ITEMS_PATH}{}", id.replace('.', "%2E"));
    }
    format!("{ITEMS_PATH}{}", percent_encode(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_segment_of_the_path() {
        assert_eq!(item_path("42"), "/v1/items/42");
        assert_eq!(item_path("a/b c"), "/v1/items/a%2Fb%20c");
        assert_eq!(item_path("é?#"), "/v1/items/%C3%A9%3F%23");
        assert_eq!(item_path(".."), "/v1/items/%2E%2E");
    }
}
