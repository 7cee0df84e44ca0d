//! The answer of the token endpoint if it grants no token.

use axum::extract::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An error with the wording of Auth0's token endpoint.
pub(super) struct TokenRefusal {
    status: StatusCode,
    error: &'static str,
    description: String,
}

impl TokenRefusal {
    pub(super) fn new(status: StatusCode, error: &'static str, description: impl Into<String>) -> Self {
        Self { status, error, description: description.into() }
    }

    pub(super) fn forbidden(error: &'static str, description: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, error, description)
    }

    pub(super) fn invalid_request(why: impl ToString) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", why.to_string())
    }

    pub(super) fn signing_failed() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "The token cannot be signed")
    }
}

impl IntoResponse for TokenRefusal {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.error, "error_description": self.description })))
            .into_response()
    }
}
