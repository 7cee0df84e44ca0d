//! An answer on its way to the load balancer.

use aws_lambda_events::alb::AlbTargetGroupResponse;
use aws_lambda_events::encodings::Body;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use restctl_contract::api::MAX_ANSWER_BYTES;

/// Of the 1 MB that the load balancer takes, what a body may cost as a JSON string; the rest is for headers.
const MAX_ESCAPED_BYTES: usize = 950_000;

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    pub(crate) fn json(status: StatusCode, content_type: &'static str, body: String) -> Self {
        let headers = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static(content_type)),
            // What a token opens is for its bearer alone, and may be replaced by the next load.
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ]);
        Self { status, headers, body }
    }

    pub(crate) fn ok(body: String) -> Self {
        Self::json(StatusCode::OK, "application/json", body)
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// As `HEAD` has it.
    pub(crate) fn without_body(mut self) -> Self {
        self.body.clear();
        self
    }
}

impl From<Answer> for AlbTargetGroupResponse {
    fn from(answer: Answer) -> Self {
        let mut response = Self::default();
        response.status_code = answer.status.as_u16().into();
        let reason = answer.status.canonical_reason().unwrap_or_default();
        response.status_description = Some(format!("{} {reason}", answer.status.as_u16()));
        // A target group reads the one or the other, by its setting of multi-value headers.
        response.headers = answer.headers.clone();
        response.multi_value_headers = answer.headers;
        response.body = Some(Body::Text(answer.body));
        response
    }
}

/// What a piece of a body takes of the load balancer's limits. Pieces add up.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    bytes: usize,
    escaped: usize,
}

impl Cost {
    /// Of a piece of JSON text, which has no control characters to escape.
    pub(crate) fn of(json: &str) -> Self {
        let escapes = json.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count();
        Self { bytes: json.len(), escaped: json.len() + escapes }
    }

    pub(crate) fn fits(self) -> bool {
        self.bytes <= MAX_ANSWER_BYTES && self.escaped <= MAX_ESCAPED_BYTES
    }
}

impl std::ops::Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { bytes: self.bytes + other.bytes, escaped: self.escaped + other.escaped }
    }
}

impl std::ops::Sub for Cost {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { bytes: self.bytes - other.bytes, escaped: self.escaped - other.escaped }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_what_the_body_takes_as_a_json_string() {
        for json in [r#"{"a":"b"}"#, r#"{"a":"\"\\"}"#, "[]", r#""é\u0001""#] {
            let string = serde_json::to_string(json).unwrap();
            assert_eq!(Cost::of(json).escaped, string.len() - 2, "{json}");
        }
    }

    #[test]
    fn quotes_count_twice() {
        assert!(Cost::of(&"x".repeat(MAX_ANSWER_BYTES)).fits());
        assert!(!Cost::of(&"x".repeat(MAX_ANSWER_BYTES + 1)).fits());
        assert!(!Cost::of(&"\"".repeat(MAX_ANSWER_BYTES)).fits());
    }
}
