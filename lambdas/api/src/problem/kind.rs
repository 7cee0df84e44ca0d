//! The kinds of problem that an answer may report.

use http::StatusCode;
use restctl_contract::api::{ITEM_NOT_FOUND, ITEM_TOO_LARGE, PROBLEM_TYPE};

/// A kind of problem, which programs tell from others by its `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProblemKind {
    /// The last part of the problem's `type`.
    pub(crate) name: &'static str,
    pub(crate) status: StatusCode,
    pub(crate) title: &'static str,
}

impl ProblemKind {
    /// Returns the problem's `type`.
    pub(crate) fn type_uri(self) -> String {
        format!("{PROBLEM_TYPE}{}", self.name)
    }

    const fn new(name: &'static str, status: StatusCode, title: &'static str) -> Self {
        Self { name, status, title }
    }

    pub(crate) const REQUEST_MALFORMED: Self =
        Self::new("request-malformed", StatusCode::BAD_REQUEST, "The request is malformed");
    pub(crate) const TOKEN_MISSING: Self =
        Self::new("token-missing", StatusCode::UNAUTHORIZED, "A token is required");
    pub(crate) const AUTHORIZATION_REPEATED: Self =
        Self::new("authorization-repeated", StatusCode::BAD_REQUEST, "More than one token was sent");
    pub(crate) const TOKEN_REFUSED: Self =
        Self::new("token-refused", StatusCode::UNAUTHORIZED, "The token is refused");
    pub(crate) const SCOPE_MISSING: Self =
        Self::new("scope-missing", StatusCode::FORBIDDEN, "The token lacks a scope");
    pub(crate) const KEYS_UNAVAILABLE: Self =
        Self::new("keys-unavailable", StatusCode::SERVICE_UNAVAILABLE, "Tokens cannot be verified now");
    pub(crate) const PATH_UNKNOWN: Self = Self::new("path-unknown", StatusCode::NOT_FOUND, "Unknown path");
    pub(crate) const LIST_OFF: Self = Self::new("list-off", StatusCode::NOT_FOUND, "The list is disabled");
    pub(crate) const METHOD_NOT_ALLOWED: Self =
        Self::new("method-not-allowed", StatusCode::METHOD_NOT_ALLOWED, "Method not allowed");
    pub(crate) const NOT_ACCEPTABLE: Self =
        Self::new("not-acceptable", StatusCode::NOT_ACCEPTABLE, "Not acceptable");
    pub(crate) const ID_INVALID: Self = Self::new("id-invalid", StatusCode::BAD_REQUEST, "An id is invalid");
    pub(crate) const QUERY_INVALID: Self =
        Self::new("query-invalid", StatusCode::BAD_REQUEST, "The query is invalid");
    pub(crate) const CURSOR_INVALID: Self =
        Self::new("cursor-invalid", StatusCode::BAD_REQUEST, "The cursor is invalid");
    pub(crate) const ITEM_NOT_FOUND: Self =
        Self::new(ITEM_NOT_FOUND, StatusCode::NOT_FOUND, "Item not found");
    pub(crate) const MEDIA_TYPE_UNSUPPORTED: Self =
        Self::new("media-type-unsupported", StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported media type");
    pub(crate) const BODY_TOO_LARGE: Self =
        Self::new("body-too-large", StatusCode::PAYLOAD_TOO_LARGE, "The body is too large");
    pub(crate) const BODY_MALFORMED: Self =
        Self::new("body-malformed", StatusCode::BAD_REQUEST, "The body is malformed");
    pub(crate) const BODY_INVALID: Self =
        Self::new("body-invalid", StatusCode::UNPROCESSABLE_ENTITY, "The body is invalid");
    pub(crate) const IDS_TOO_MANY: Self =
        Self::new("ids-too-many", StatusCode::UNPROCESSABLE_ENTITY, "Too many ids");
    pub(crate) const ITEM_TOO_LARGE: Self =
        Self::new(ITEM_TOO_LARGE, StatusCode::INTERNAL_SERVER_ERROR, "An item is too large");
    pub(crate) const TABLE_BUSY: Self =
        Self::new("table-busy", StatusCode::SERVICE_UNAVAILABLE, "The table is busy");
    pub(crate) const CURSORS_UNAVAILABLE: Self =
        Self::new("cursors-unavailable", StatusCode::SERVICE_UNAVAILABLE, "Cursors are unavailable now");
    pub(crate) const INTERNAL: Self =
        Self::new("internal", StatusCode::INTERNAL_SERVER_ERROR, "The function failed");
}
