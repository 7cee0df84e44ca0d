//! The ways in which a request fails, each of which an answer reports as a problem document (RFC 9457).

pub(crate) mod kind;

use std::time::Duration;

use http::header::{ACCEPT_ENCODING, ALLOW, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use restctl_contract::api::{MAX_IDS_PER_CALL, MAX_REQUEST_BYTES};
use restctl_verifier::Refusal;

use self::kind::ProblemKind;

const REALM: &str = r#"Bearer realm="restctl""#;

/// The reason why a request fails.
///
/// The text is the problem's `detail`, for the client and the log. It reveals nothing that tokens and items contain.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the event is not a load balancer request: {0}")]
    MalformedEvent(String),
    #[error("send the header Authorization: Bearer TOKEN")]
    MissingToken,
    #[error("the Authorization header was sent more than once")]
    RepeatedAuthorization,
    #[error("{0}")]
    RefusedToken(Refusal),
    #[error("the token lacks the scope {0}; request a token that has it")]
    MissingScope(String),
    /// `cause` is for the log.
    #[error("the identity provider's keys are unavailable; try again later")]
    KeysUnavailable { cause: String, retry_after: Duration },
    #[error("this path does not exist")]
    UnknownPath,
    #[error("this API does not list its items; enable the list with restctl deploy --list on")]
    ListDisabled,
    /// With the methods that the path allows.
    #[error("this path allows only {0}")]
    MethodNotAllowed(&'static str),
    #[error("answers are application/json, which the Accept header rules out")]
    NotAcceptable,
    #[error("{0}")]
    InvalidId(String),
    #[error("{0}")]
    InvalidQuery(String),
    #[error("the cursor is invalid; start again without a cursor")]
    InvalidCursor,
    #[error("no item has this id")]
    ItemNotFound,
    #[error("send the body as application/json, without a Content-Encoding")]
    UnsupportedMediaType,
    #[error("a body may have at most {MAX_REQUEST_BYTES} bytes; split the request")]
    BodyTooLarge,
    #[error("the ids alone are too large for an answer; split the request")]
    IdsTooLarge,
    #[error("the body is malformed: {0}")]
    MalformedBody(String),
    #[error("the body is not {{\"ids\": […]}}: {0}")]
    InvalidBody(String),
    #[error("a request may have at most {MAX_IDS_PER_CALL} ids; split the request")]
    TooManyIds,
    #[error("{0}")]
    ItemTooLarge(String),
    /// `cause` is for the log.
    #[error("the table is busy; try again")]
    TableBusy { cause: String },
    /// `cause` is for the log.
    #[error("the secret that signs cursors is unavailable; try again")]
    CursorsUnavailable { cause: String },
    /// With the cause, for the log.
    #[error("the function failed; its log says why")]
    Internal(String),
}

impl Failure {
    pub(crate) fn kind(&self) -> ProblemKind {
        match self {
            Self::MalformedEvent(_) => ProblemKind::REQUEST_MALFORMED,
            Self::MissingToken => ProblemKind::TOKEN_MISSING,
            Self::RepeatedAuthorization => ProblemKind::AUTHORIZATION_REPEATED,
            Self::RefusedToken(_) => ProblemKind::TOKEN_REFUSED,
            Self::MissingScope(_) => ProblemKind::SCOPE_MISSING,
            Self::KeysUnavailable { .. } => ProblemKind::KEYS_UNAVAILABLE,
            Self::UnknownPath => ProblemKind::PATH_UNKNOWN,
            Self::ListDisabled => ProblemKind::LIST_OFF,
            Self::MethodNotAllowed(_) => ProblemKind::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => ProblemKind::NOT_ACCEPTABLE,
            Self::InvalidId(_) => ProblemKind::ID_INVALID,
            Self::InvalidQuery(_) => ProblemKind::QUERY_INVALID,
            Self::InvalidCursor => ProblemKind::CURSOR_INVALID,
            Self::ItemNotFound => ProblemKind::ITEM_NOT_FOUND,
            Self::UnsupportedMediaType => ProblemKind::MEDIA_TYPE_UNSUPPORTED,
            Self::BodyTooLarge | Self::IdsTooLarge => ProblemKind::BODY_TOO_LARGE,
            Self::MalformedBody(_) => ProblemKind::BODY_MALFORMED,
            Self::InvalidBody(_) => ProblemKind::BODY_INVALID,
            Self::TooManyIds => ProblemKind::IDS_TOO_MANY,
            Self::ItemTooLarge(_) => ProblemKind::ITEM_TOO_LARGE,
            Self::TableBusy { .. } => ProblemKind::TABLE_BUSY,
            Self::CursorsUnavailable { .. } => ProblemKind::CURSORS_UNAVAILABLE,
            Self::Internal(_) => ProblemKind::INTERNAL,
        }
    }

    /// Returns what the log says in addition to the problem's text.
    pub(crate) fn cause(&self) -> Option<&str> {
        match self {
            Self::KeysUnavailable { cause, .. }
            | Self::TableBusy { cause }
            | Self::CursorsUnavailable { cause }
            | Self::Internal(cause) => Some(cause),
            _ => None,
        }
    }

    /// Returns the header that the answer has in addition to the problem document.
    pub(crate) fn answer_header(&self) -> Option<(HeaderName, String)> {
        let challenge = |rest: String| (WWW_AUTHENTICATE, format!("{REALM}{rest}"));
        Some(match self {
            // RFC 6750, section 3.1: no error code if no token was sent.
            Self::MissingToken => challenge(String::new()),
            Self::RepeatedAuthorization => challenge(r#", error="invalid_request""#.to_owned()),
            Self::RefusedToken(refusal) => {
                challenge(format!(r#", error="invalid_token", error_description="{refusal}""#))
            }
            Self::MissingScope(scope) => {
                challenge(format!(r#", error="insufficient_scope", scope="{scope}""#))
            }
            Self::KeysUnavailable { retry_after, .. } => {
                (RETRY_AFTER, retry_after.as_secs_f64().ceil().to_string())
            }
            Self::TableBusy { .. } | Self::CursorsUnavailable { .. } => (RETRY_AFTER, "1".to_owned()),
            Self::MethodNotAllowed(methods) => (ALLOW, (*methods).to_owned()),
            // RFC 9110, section 15.5.16: the encoding that would have been accepted.
            Self::UnsupportedMediaType => (ACCEPT_ENCODING, "identity".to_owned()),
            _ => return None,
        })
    }
}
