//! Every way in which a request fails, and the problem document that says so (RFC 9457).

use std::error::Error;
use std::time::Duration;

use http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use restctl_contract::api::{MAX_IDS_PER_CALL, Problem};
use restctl_verifier::Refusal;

use crate::answer::Answer;

const REALM: &str = r#"Bearer realm="restctl""#;

/// Its text is the problem's `detail`, for whoever called and for the log: it says nothing of what tokens
/// and items hold.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
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
    /// With the methods that the path knows.
    #[error("this path knows the methods {0}")]
    MethodNotAllowed(&'static str),
    #[error("{0}")]
    InvalidId(String),
    #[error("no item has this id")]
    ItemNotFound,
    #[error("send the body as application/json")]
    UnsupportedMediaType,
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

impl Failure {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoToken | Self::Refused(_) => StatusCode::UNAUTHORIZED,
            Self::MissingScope(_) => StatusCode::FORBIDDEN,
            Self::KeysUnavailable { .. } | Self::TableBusy { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::UnknownPath | Self::ItemNotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::RepeatedAuthorization | Self::InvalidId(_) | Self::MalformedBody(_) => {
                StatusCode::BAD_REQUEST
            }
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::InvalidBody(_) | Self::TooManyIds(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::ItemTooLarge(_) | Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The last part of the problem's `type`, for programs to tell failures apart, and its `title`.
    fn kind(&self) -> (&'static str, &'static str) {
        match self {
            Self::NoToken => ("token-missing", "A token is needed"),
            Self::RepeatedAuthorization => ("authorization-repeated", "More than one token is sent"),
            Self::Refused(_) => ("token-refused", "The token is refused"),
            Self::MissingScope(_) => ("scope-missing", "The token lacks a scope"),
            Self::KeysUnavailable { .. } => ("keys-unavailable", "Tokens cannot be verified at the moment"),
            Self::UnknownPath => ("path-unknown", "Unknown path"),
            Self::MethodNotAllowed(_) => ("method-not-allowed", "Method not allowed"),
            Self::InvalidId(_) => ("id-invalid", "An id is invalid"),
            Self::ItemNotFound => ("item-not-found", "Item not found"),
            Self::UnsupportedMediaType => ("media-type-unsupported", "Unsupported media type"),
            Self::MalformedBody(_) => ("body-malformed", "The body is malformed"),
            Self::InvalidBody(_) => ("body-invalid", "The body is invalid"),
            Self::TooManyIds(_) => ("ids-too-many", "Too many ids"),
            Self::ItemTooLarge(_) => ("item-too-large", "An item is too large"),
            Self::TableBusy { .. } => ("table-busy", "The table is busy"),
            Self::Internal(_) => ("internal", "The function failed"),
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

    fn header(&self) -> Option<(HeaderName, String)> {
        let challenge = |rest: String| (WWW_AUTHENTICATE, format!("{REALM}{rest}"));
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
                (RETRY_AFTER, retry_after.as_secs_f64().ceil().to_string())
            }
            Self::TableBusy { .. } => (RETRY_AFTER, "1".to_owned()),
            Self::MethodNotAllowed(methods) => (ALLOW, (*methods).to_owned()),
            _ => return None,
        })
    }
}

impl From<&Failure> for Answer {
    fn from(failure: &Failure) -> Self {
        let (kind, title) = failure.kind();
        let status = failure.status();
        let problem = Problem {
            kind: format!("urn:restctl:problem:{kind}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: Some(failure.to_string()),
        };
        let body = serde_json::json!(problem).to_string();
        let answer = Answer::json(status, "application/problem+json", body);
        // A scope that no header can bear is left out rather than the answer.
        let header =
            failure.header().and_then(|(name, value)| Some((name, HeaderValue::try_from(value).ok()?)));
        match header {
            Some((name, value)) => answer.with_header(name, value),
            None => answer,
        }
    }
}

/// An error and what led to it, for the log. An SDK error's own debug text would hold the answer's body, and so
/// maybe an item.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}
