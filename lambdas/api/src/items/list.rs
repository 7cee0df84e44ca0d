//! All items, page by page.

use restctl_contract::api::{DEFAULT_LIST_LIMIT, MAX_LIST_LIMIT};
use tokio::time::Instant;

use super::cursor::CursorKey;
use super::size::Size;
use super::table::Table;
use crate::http::request::Request;
use crate::problem::Failure;

/// Around the items. The cursor is not counted: with 17 KB at most it fits into what the limits leave for headers.
const ENVELOPE: &str = r#"{"items":[],"cursor":""}"#;

/// The JSON of a [`restctl_contract::api::ListAnswer`], cut at the item that would not fit any more.
pub(crate) async fn read(
    request: &Request,
    table: &Table,
    cursor_key: &CursorKey,
    deadline: Instant,
) -> Result<String, Failure> {
    let limit = limit(request)?;
    let after = match request.parameter("cursor")? {
        Some(cursor) => Some(cursor_key.open(&cursor).await?),
        None => None,
    };
    let page = table.scan(limit, after.as_ref(), deadline).await?;
    let mut size = Size::of(ENVELOPE);
    let (mut items, mut next) = (String::new(), page.next);
    let mut last = None;
    for (id, item) in page.items {
        let with_item = size + Size::of(&item) + Size::of(",");
        if !with_item.fits() {
            next = Some(last.ok_or_else(|| Failure::ItemTooLarge(TOO_LARGE.to_owned()))?);
            break;
        }
        size = with_item;
        items.push_str(&item);
        items.push(',');
        last = Some(id);
    }
    let items = items.trim_end_matches(',');
    Ok(match next {
        Some(id) => format!(r#"{{"items":[{items}],"cursor":"{}"}}"#, cursor_key.seal(&id).await?),
        None => format!(r#"{{"items":[{items}]}}"#),
    })
}

/// No progress would be made by an empty page.
const TOO_LARGE: &str = "the next item is larger than the load balancer lets pass";

fn limit(request: &Request) -> Result<usize, Failure> {
    let Some(limit) = request.parameter("limit")? else { return Ok(DEFAULT_LIST_LIMIT) };
    let is_digits = limit.bytes().all(|byte| byte.is_ascii_digit());
    let limit = limit.parse().ok().filter(|limit| is_digits && (1..=MAX_LIST_LIMIT).contains(limit));
    limit.ok_or_else(|| Failure::InvalidQuery(format!("limit is no number from 1 to {MAX_LIST_LIMIT}")))
}
