//! All items, page by page.

use lambda_http::Request;
use restctl_contract::api::{DEFAULT_LIST_LIMIT, MAX_LIST_LIMIT};
use tokio::time::Instant;

use super::cursor::CursorKey;
use super::size::AnswerSize;
use super::table::ItemsTable;
use crate::http::request::query_parameter;
use crate::problem::Failure;

/// The JSON around the items. The cursor is not counted: it has at most 17 KB, which fit into what the limits leave for
/// headers.
const ENVELOPE: &str = r#"{"items":[],"cursor":""}"#;

/// The detail of the failure if the first item of a page does not fit: an empty page would make no progress.
const TOO_LARGE: &str = "the next item is larger than the load balancer allows";

/// Reads a page and returns the JSON of a [`restctl_contract::api::ListAnswer`], cut before the first item that does not
/// fit.
pub(crate) async fn read_page(
    request: &Request,
    table: &ItemsTable,
    cursor_key: &CursorKey,
    deadline: Instant,
) -> Result<String, Failure> {
    let limit = parse_limit(request)?;
    let after = match query_parameter(request, "cursor")? {
        Some(cursor) => Some(cursor_key.verify_cursor(&cursor).await?),
        None => None,
    };
    let page = table.scan_page(limit, after.as_ref(), deadline).await?;
    let mut size = AnswerSize::of_json(ENVELOPE);
    let (mut items, mut next) = (String::new(), page.next);
    let mut last_id = None;
    for (id, item) in page.items {
        let with_item = size + AnswerSize::of_json(&item) + AnswerSize::of_json(",");
        if !with_item.is_within_limits() {
            next = Some(last_id.ok_or_else(|| Failure::ItemTooLarge(TOO_LARGE.to_owned()))?);
            break;
        }
        size = with_item;
        items.push_str(&item);
        items.push(',');
        last_id = Some(id);
    }
    let items = items.trim_end_matches(',');
    Ok(match next {
        Some(id) => format!(r#"{{"items":[{items}],"cursor":"{}"}}"#, cursor_key.sign_id(&id).await?),
        None => format!(r#"{{"items":[{items}]}}"#),
    })
}

fn parse_limit(request: &Request) -> Result<usize, Failure> {
    let Some(limit) = query_parameter(request, "limit")? else { return Ok(DEFAULT_LIST_LIMIT) };
    let is_digits = limit.bytes().all(|byte| byte.is_ascii_digit());
    let limit = limit.parse().ok().filter(|limit| is_digits && (1..=MAX_LIST_LIMIT).contains(limit));
    limit.ok_or_else(|| Failure::InvalidQuery(format!("limit is not a number from 1 to {MAX_LIST_LIMIT}")))
}
