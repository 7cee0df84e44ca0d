//! One item: its path, and the item in the API's answer.

use reqwest::StatusCode;
use restctl_contract::api::{BATCH_GET_PATH, BatchGetRequest, ITEMS_PATH, InvalidId, Item};

use crate::api::client::{Api, parse_bulk_answer, percent_encode};
use crate::api::endpoint;
use crate::failure::{Exit, Failure, FailureContext, Result};

/// What to do about an id that no item can have. The reason says what is wrong with it.
const CORRECT_ID: &str = "correct the id";

/// Gets an item.
pub(super) async fn fetch_item(api: &Api<'_>, id: &str) -> Result<Item> {
    if is_step(id) {
        return fetch_item_in_bulk(api, id).await;
    }
    let (status, body) = api.get(&item_path(id)).await?;
    parse_item(id, status, &body)
}

/// Whether clients and proxies would take the id for a step in the path, even if it is percent-encoded (WHATWG URL,
/// "double-dot URL path segment").
fn is_step(id: &str) -> bool {
    matches!(id, "." | "..")
}

async fn fetch_item_in_bulk(api: &Api<'_>, id: &str) -> Result<Item> {
    let request = BatchGetRequest { ids: vec![id.into()] };
    let (status, body) = api.post(BATCH_GET_PATH, &request).await?;
    if status != StatusCode::OK {
        return Err(endpoint::parse_refusal(status, &body));
    }
    let mut answer = parse_bulk_answer(&body, request.ids.len())?;
    match (answer.items.pop(), answer.invalid.pop()) {
        (Some(item), _) => Ok(item),
        (None, Some(InvalidId { detail, .. })) => {
            Err(Failure::new(format!("the id {id:?} {detail}")).next(CORRECT_ID))
        }
        (None, None) => Err(no_item_failure(id)),
    }
}

fn no_item_failure(id: &str) -> Failure {
    Failure::new(format!("there is no item {id:?}"))
        .exit(Exit::NotFound)
        .next("check the id, or load the file that has it: restctl upload FILE")
}

/// Returns the item in an answer. An answer without one is an error.
pub(super) fn parse_item(id: &str, status: StatusCode, body: &[u8]) -> Result<Item> {
    match status {
        StatusCode::OK => serde_json::from_slice(body).context("the API's answer is not an item"),
        StatusCode::NOT_FOUND => Err(no_item_failure(id)),
        StatusCode::BAD_REQUEST => Err(endpoint::parse_refusal(status, body).next(CORRECT_ID)),
        _ => Err(endpoint::parse_refusal(status, body)),
    }
}

/// Returns the item's path, with the id percent-encoded as one segment.
pub(super) fn item_path(id: &str) -> String {
    if is_step(id) {
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
        assert_eq!(item_path("..."), "/v1/items/...");
        assert_eq!(item_path(" \t\u{feff}%"), "/v1/items/%20%09%EF%BB%BF%25");
    }
}
