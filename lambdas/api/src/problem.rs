//! Every way in which a request fails, and the problem document that says so (RFC 9457).

use std::error::Error;
use std::time::Duration;

use http::StatusCode;
use restctl_contract::api::{ITEM_TOO_LARGE, MAX_IDS_PER_CALL, MAX_REQUEST_BYTES, PROBLEM_TYPE};
use restctl_verifier::Refusal;

const REALM: &str = r#"Bearer realm="restctl""#;

/// Its text is the problem's `detail`, for whoever called and for the log: it says nothing of what tokens
/// and items hold.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the event is no request of a load balancer: {0}")]
    NoRequest(String),
    #[error("send the header Authorization: Bearer TOKEN")]
    NoToken,
    #[error("the header Authorization is sent more than once")]
    RepeatedAuthorization,
    #[error("{0}")]
    Refused(Refusal),
    #[error("this needs the scope {0}; ask for a token that has it")]
    MissingScope(String),
    /// `cause` is for the log.
    #[error("the identity provider's keys cannot be had at the moment; try again later")]
    KeysUnavailable { cause: String, retry_after: Duration },
    #[error("there is nothing at this path")]
    UnknownPath,
    #[error("this API does not list its items; restctl deploy --list on makes it")]
    ListIsOff,
    /// With the methods that the path knows.
    #[error("this path knows the methods {0}")]
    MethodNotAllowed(&'static str),
    #[error("this answers application/json, which the header Accept rules out")]
    NotAcceptable,
    #[error("{0}")]
    InvalidId(String),
    #[error("{0}")]
    InvalidQuery(String),
    #[error("the cursor is not one of this API's; begin without a cursor")]
    InvalidCursor,
    #[error("no item has this id")]
    ItemNotFound,
    #[error("send the body as application/json, without a Content-Encoding")]
    UnsupportedMediaType,
    #[error("a body may have {MAX_REQUEST_BYTES} bytes at most; send several calls")]
    BodyTooLarge,
    #[error("the body cannot be read: {0}")]
    MalformedBody(String),
    #[error("the body is not {{\"ids\": […]}}: {0}")]
    InvalidBody(String),
    #[error("a call may have {MAX_IDS_PER_CALL} ids at most, this one has {0}; send several calls")]
    TooManyIds(usize),
    #[error("{0}")]
    ItemTooLarge(String),
    /// `cause` is for the log.
    #[error("the table is busy; try again")]
    TableBusy { cause: String },
    /// With the cause, for the log.
    #[error("the function failed; its log says why")]
    Internal(String),
}

/// What failures of one kind have in common: what programs tell them apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    /// The last part of the problem's `type`.
    pub(crate) name: &'static str,
    pub(crate) status: StatusCode,
    pub(crate) title: &'static str,
}

impl Kind {
    /// The problem's `type`.
    pub(crate) fn uri(self) -> String {
        format!("{PROBLEM_TYPE}{}", self.name)
    }

    const fn new(name: &'static str, status: StatusCode, title: &'static str) -> Self {
        Self { name, status, title }
    }

    pub(crate) const REQUEST_MALFORMED: Self =
        Self::new("request-malformed", StatusCode::BAD_REQUEST, "The request is malformed");
    pub(crate) const TOKEN_MISSING: Self =
        Self::new("token-missing", StatusCode::UNAUTHORIZED, "A token is needed");
    pub(crate) const AUTHORIZATION_REPEATED: Self =
        Self::new("authorization-repeated", StatusCode::BAD_REQUEST, "More than one token is sent");
    pub(crate) const TOKEN_REFUSED: Self =
        Self::new("token-refused", StatusCode::UNAUTHORIZED, "The token is refused");
    pub(crate) const SCOPE_MISSING: Self =
        Self::new("scope-missing", StatusCode::FORBIDDEN, "The token lacks a scope");
    pub(crate) const KEYS_UNAVAILABLE: Self = Self::new(
        "keys-unavailable",
        StatusCode::SERVICE_UNAVAILABLE,
        "Tokens cannot be verified at the moment",
    );
    pub(crate) const PATH_UNKNOWN: Self = Self::new("path-unknown", StatusCode::NOT_FOUND, "Unknown path");
    pub(crate) const LIST_OFF: Self = Self::new("list-off", StatusCode::NOT_FOUND, "There is no list");
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
        Self::new("item-not-found", StatusCode::NOT_FOUND, "Item not found");
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
    pub(crate) const INTERNAL: Self =
        Self::new("internal", StatusCode::INTERNAL_SERVER_ERROR, "The function failed");
}

impl Failure {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::NoRequest(_) => Kind::REQUEST_MALFORMED,
            Self::NoToken => Kind::TOKEN_MISSING,
            Self::RepeatedAuthorization => Kind::AUTHORIZATION_REPEATED,
            Self::Refused(_) => Kind::TOKEN_REFUSED,
            Self::MissingScope(_) => Kind::SCOPE_MISSING,
            Self::KeysUnavailable { .. } => Kind::KEYS_UNAVAILABLE,
            Self::UnknownPath => Kind::PATH_UNKNOWN,
            Self::ListIsOff => Kind::LIST_OFF,
            Self::MethodNotAllowed(_) => Kind::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => Kind::NOT_ACCEPTABLE,
            Self::InvalidId(_) => Kind::ID_INVALID,
            Self::InvalidQuery(_) => Kind::QUERY_INVALID,
            Self::InvalidCursor => Kind::CURSOR_INVALID,
            Self::ItemNotFound => Kind::ITEM_NOT_FOUND,
            Self::UnsupportedMediaType => Kind::MEDIA_TYPE_UNSUPPORTED,
            Self::BodyTooLarge => Kind::BODY_TOO_LARGE,
            Self::MalformedBody(_) => Kind::BODY_MALFORMED,
            Self::InvalidBody(_) => Kind::BODY_INVALID,
            Self::TooManyIds(_) => Kind::IDS_TOO_MANY,
            Self::ItemTooLarge(_) => Kind::ITEM_TOO_LARGE,
            Self::TableBusy { .. } => Kind::TABLE_BUSY,
            Self::Internal(_) => Kind::INTERNAL,
        }
    }

    /// What the log says beyond the problem's text.
    pub(crate) fn cause(&self) -> Option<&str> {
        match self {
            Self::KeysUnavailable { cause, .. } | Self::TableBusy { cause } | Self::Internal(cause) => {
                Some(cause)
            }
            _ => None,
        }
    }

    pub(crate) fn header(&self) -> Option<(&'static str, String)> {
        let challenge = |rest: String| ("www-authenticate", format!("{REALM}{rest}"));
        Some(match self {
            // RFC 6750, section 3.1: without a token no error code.
            Self::NoToken => challenge(String::new()),
            Self::RepeatedAuthorization => challenge(r#", error="invalid_request""#.to_owned()),
            Self::Refused(refusal) => {
                challenge(format!(r#", error="invalid_token", error_description="{refusal}""#))
            }
            Self::MissingScope(scope) => {
                challenge(format!(r#", error="insufficient_scope", scope="{scope}""#))
            }
            Self::KeysUnavailable { retry_after, .. } => {
                ("retry-after", retry_after.as_secs_f64().ceil().to_string())
            }
            Self::TableBusy { .. } => ("retry-after", "1".to_owned()),
            Self::MethodNotAllowed(methods) => ("allow", (*methods).to_owned()),
            // RFC 9110, section 15.5.16: what would have been taken.
            Self::UnsupportedMediaType => ("accept-encoding", "identity".to_owned()),
            _ => return None,
        })
    }
}

/// An error and what led to it, for the log.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}
