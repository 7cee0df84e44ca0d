//! A request as it came through the load balancer.

use aws_lambda_events::alb::AlbTargetGroupRequest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method};

use crate::failure::Failure;

pub(crate) struct Request {
    pub(crate) method: Method,
    /// Percent-encoded, without the query string.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    body: String,
    is_base64: bool,
}

impl From<AlbTargetGroupRequest> for Request {
    fn from(event: AlbTargetGroupRequest) -> Self {
        // A target group sends one or the other; where both are there, only this one shows repeated headers.
        let multi_value = !event.multi_value_headers.is_empty();
        Self {
            method: event.http_method,
            path: event.path.unwrap_or_default(),
            headers: if multi_value { event.multi_value_headers } else { event.headers },
            body: event.body.unwrap_or_default(),
            is_base64: event.is_base64_encoded,
        }
    }
}

impl Request {
    pub(crate) fn into_body(self) -> Result<Vec<u8>, Failure> {
        if !self.is_base64 {
            return Ok(self.body.into_bytes());
        }
        STANDARD.decode(self.body).map_err(|error| Failure::MalformedBody(error.to_string()))
    }
}
