//! The REST API: its paths, bodies and limits.

use serde::{Deserialize, Serialize};

use crate::json::Json;

mod item;

pub use self::item::Item;

/// `GET` answers 200 while the function runs. No token is needed.
pub const HEALTH_PATH: &str = "/health";

/// `GET {ITEMS_PATH}{id}` answers one item. The id is percent-encoded.
pub const ITEMS_PATH: &str = "/v1/items/";

/// `POST` of a [`BatchGetRequest`] answers a [`BatchGetAnswer`].
pub const BATCH_GET_PATH: &str = "/v1/items/batch-get";

/// `GET` answers a [`ListAnswer`] if the stack is deployed with the list.
pub const LIST_PATH: &str = "/v1/items";

/// `GET` answers the OpenAPI document of this API.
pub const OPENAPI_PATH: &str = "/v1/openapi.json";

/// The most ids in one bulk call.
pub const MAX_IDS_PER_CALL: usize = 1000;

/// The most items in one answer of the list.
pub const MAX_LIST_LIMIT: usize = 1000;

/// The items in one answer of the list if the request does not say how many.
pub const DEFAULT_LIST_LIMIT: usize = 100;

/// The largest request body that is read, in bytes. A load balancer passes at most 1 MB, including base64.
pub const MAX_REQUEST_BYTES: usize = 700_000;

/// The largest body of a bulk answer, in bytes. An Application Load Balancer passes at most 1 MB each way between
/// itself and a Lambda, including headers and JSON escapes.
pub const MAX_ANSWER_BYTES: usize = 700_000;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BatchGetRequest {
    /// Strings. If the key is a number, also numbers. Any other value is answered in `invalid`.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<serde_json::Value>", length(max = MAX_IDS_PER_CALL)))]
    pub ids: Vec<Json>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BatchGetAnswer {
    /// In the order of the request, one for each id that was found.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<schema::Item>"))]
    pub items: Vec<Item>,
    /// Ids that were not found.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<schema::Id>"))]
    pub missing: Vec<Json>,
    /// Ids that were not looked up because the answer was full. Ask for them again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<schema::Id>"))]
    pub remaining: Vec<Json>,
    /// Ids that no item can have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<InvalidId>"))]
    pub invalid: Vec<InvalidId>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InvalidId {
    /// The id as it was requested.
    #[cfg_attr(feature = "schema", schemars(with = "serde_json::Value"))]
    pub id: Json,
    /// What is wrong with it, as the rest of a sentence.
    pub detail: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ListAnswer {
    /// In no particular order.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<schema::Item>"))]
    pub items: Vec<Item>,
    /// Asks for the items after these. Absent on the last page, which may be empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub cursor: Option<String>,
}

/// The prefix of the kind in the `type` of a [`Problem`].
pub const PROBLEM_TYPE: &str = "urn:restctl:problem:";

/// The kind of problem if there is no item with the id.
pub const ITEM_NOT_FOUND: &str = "item-not-found";

/// The kind of problem if an item does not fit in an answer. In a bulk call, it may still fit alone.
pub const ITEM_TOO_LARGE: &str = "item-too-large";

/// The body of every error, `application/problem+json` (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Problem {
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub detail: Option<String>,
}

impl Problem {
    /// Returns the type without the prefix [`PROBLEM_TYPE`], such as [`ITEM_NOT_FOUND`].
    pub fn short_type(&self) -> &str {
        self.kind.strip_prefix(PROBLEM_TYPE).unwrap_or(&self.kind)
    }
}

/// Placeholders for the schemas of an id and an item, which depend on the stack's key.
#[cfg(feature = "schema")]
pub mod schema {
    #[derive(schemars::JsonSchema)]
    pub struct Id {}

    #[derive(schemars::JsonSchema)]
    pub struct Item {}
}
