//! The REST API: its paths, bodies and limits.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// `GET`, open to everyone: answers 200 while the function runs.
pub const HEALTH_PATH: &str = "/health";

/// `GET {ITEMS_PATH}{id}`, the id percent-encoded, answers one item.
pub const ITEMS_PATH: &str = "/v1/items/";

/// `POST` of a [`BatchGetRequest`] answers a [`BatchGetAnswer`].
pub const BATCH_GET_PATH: &str = "/v1/items/batch-get";

/// `GET` answers a [`ListAnswer`], where the stack is deployed with the list.
pub const LIST_PATH: &str = "/v1/items";

/// `GET` answers the OpenAPI document of this very API.
pub const OPENAPI_PATH: &str = "/v1/openapi.json";

/// Ids in one bulk call.
pub const MAX_IDS_PER_CALL: usize = 1000;

/// Items in one answer of the list: at most, and where the request does not say.
pub const MAX_LIST_LIMIT: usize = 1000;
pub const DEFAULT_LIST_LIMIT: usize = 100;

/// The largest request body that is looked at, in bytes. A load balancer passes 1 MB at most, base64 included.
pub const MAX_REQUEST_BYTES: usize = 700_000;

/// An Application Load Balancer passes at most 1 MB each way between itself and a Lambda, headers and JSON
/// escapes included: a bulk answer's body stays under this many bytes.
pub const MAX_ANSWER_BYTES: usize = 700_000;

/// An item as the API shows it, in the order of its attribute names.
pub type Item = Map<String, Value>;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BatchGetRequest {
    /// Strings; where the key is a number, numbers too.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<schema::Id>", length(max = MAX_IDS_PER_CALL)))]
    pub ids: Vec<Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BatchGetAnswer {
    /// In the order of the request, each id once.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<schema::Item>"))]
    pub items: Vec<Item>,
    /// Ids that no item bears.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<schema::Id>"))]
    pub missing: Vec<Value>,
    /// Ids that were not looked at because the answer was full: ask for them again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<schema::Id>"))]
    pub remaining: Vec<Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ListAnswer {
    /// In no order that means anything.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<schema::Item>"))]
    pub items: Vec<Item>,
    /// Asks for what comes after these items; absent on the last page, which may be empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub cursor: Option<String>,
}

/// Before the name of its kind, in the `type` of a [`Problem`].
pub const PROBLEM_TYPE: &str = "urn:restctl:problem:";

/// The kind of problem of an item that no answer has room for; one of several ids may yet be answered alone.
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

/// What the schemas of bodies call an id and an item, whose own schemas depend on the stack's key.
#[cfg(feature = "schema")]
pub mod schema {
    #[derive(schemars::JsonSchema)]
    pub struct Id {}

    #[derive(schemars::JsonSchema)]
    pub struct Item {}
}
