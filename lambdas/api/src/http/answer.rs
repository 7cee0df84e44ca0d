//! Answers to requests.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::StatusCode;
use restctl_contract::api::Problem;
use restctl_contract::log_text::LogText;
use sha2::{Digest, Sha256};

use super::event::AlbResponse;
use super::negotiation::accepts_gzip;
use super::request::Request;
use crate::problem::Failure;

/// A smaller body fits into one packet even if it is not compressed.
const MIN_GZIP_BYTES: usize = 1400;

/// Browsers keep to HTTPS for a year (RFC 6797). `includeSubDomains` would bind names below the API's that are none of
/// its business.
const STRICT_TRANSPORT_SECURITY: &str = "max-age=31536000";

/// An answer, before it is encoded for the load balancer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Answer {
    /// Returns JSON that only the bearer of the token may cache, and must revalidate before each use.
    pub(crate) fn json(body: String) -> Self {
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("cache-control", "private, no-cache".to_owned()),
            ("vary", "accept, accept-encoding, authorization".to_owned()),
        ];
        Self { status: StatusCode::OK, headers, body }
    }

    /// Returns an answer that must not be cached.
    pub(crate) fn uncacheable(status: StatusCode, content_type: &'static str, body: String) -> Self {
        let headers =
            vec![("content-type", content_type.to_owned()), ("cache-control", "no-store".to_owned())];
        Self { status, headers, body }
    }

    pub(crate) fn healthy() -> Self {
        Self::uncacheable(StatusCode::OK, "application/json", r#"{"status":"ok"}"#.to_owned())
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Answers a conditional request (RFC 9110, section 13.1.2): without a body if the client has the same one.
    pub(crate) fn or_not_modified(mut self, request: &Request) -> Self {
        let tag = weak_entity_tag(&self.body);
        if request.header("if-none-match").is_some_and(|tags| matches_any_tag(&tag, &tags)) {
            self.status = StatusCode::NOT_MODIFIED;
            self.headers.retain(|(name, _)| *name != "content-type");
            self.body.clear();
        }
        self.with_header("etag", tag)
    }

    /// Encodes the answer for the load balancer, compressed if the client accepts gzip.
    pub(crate) fn into_response(mut self, request: &Request, request_id: &str) -> AlbResponse {
        if request.method == "HEAD" {
            self.body.clear();
        }
        let compressed = match self.body.len() {
            MIN_GZIP_BYTES.. if accepts_gzip(request.header("accept-encoding").as_deref()) => {
                gzip_base64(&self.body)
            }
            _ => None,
        };
        if compressed.is_some() {
            self.headers.push(("content-encoding", "gzip".to_owned()));
        }
        self.headers.push(("strict-transport-security", STRICT_TRANSPORT_SECURITY.to_owned()));
        self.headers.push(("x-content-type-options", "nosniff".to_owned()));
        self.headers.push(("x-request-id", request_id.to_owned()));
        let reason = self.status.canonical_reason().unwrap_or_default();
        AlbResponse {
            status_code: self.status.as_u16(),
            status_description: format!("{} {reason}", self.status.as_u16()),
            headers: self.headers.iter().cloned().collect(),
            multi_value_headers: self.headers.into_iter().map(|(name, value)| (name, [value])).collect(),
            is_base64_encoded: compressed.is_some(),
            body: compressed.unwrap_or(self.body),
        }
    }
}

impl From<&Failure> for Answer {
    fn from(failure: &Failure) -> Self {
        let kind = failure.kind();
        let problem = Problem {
            kind: kind.type_uri(),
            title: kind.title.to_owned(),
            status: kind.status.as_u16(),
            detail: Some(LogText(&failure.to_string()).to_string()),
        };
        let body = serde_json::json!(problem).to_string();
        let answer = Answer::uncacheable(kind.status, "application/problem+json", body);
        match failure.answer_header() {
            Some((name, value)) => answer.with_header(name, value),
            None => answer,
        }
    }
}

/// Returns half of the body's hash. The tag is weak, because the compressed body has the same one.
fn weak_entity_tag(body: &str) -> String {
    let digest = Sha256::digest(body);
    let tag = digest[..16].iter().fold(0, |tag: u128, byte| tag << 8 | u128::from(*byte));
    format!("W/\"{tag:032x}\"")
}

/// Compares tags weakly (RFC 9110, section 8.8.3.2).
fn matches_any_tag(tag: &str, tags: &str) -> bool {
    let opaque = tag.trim_start_matches("W/");
    tags.trim() == "*" || tags.split(',').any(|other| other.trim().trim_start_matches("W/") == opaque)
}

/// Compresses a body. The load balancer takes binary bodies as base64.
fn gzip_base64(body: &str) -> Option<String> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body.as_bytes()).ok()?;
    Some(STANDARD.encode(encoder.finish().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_weakly() {
        let tag = weak_entity_tag("body");
        let strong = tag.trim_start_matches("W/");
        for tags in [&tag, strong, "*", " * ", &format!("\"other\", {tag}"), &format!("{strong},W/\"x\"")] {
            assert!(matches_any_tag(&tag, tags), "{tags}");
        }
        for tags in ["", "W/", "\"\"", "**", &weak_entity_tag("other"), strong.trim_matches('"')] {
            assert!(!matches_any_tag(&tag, tags), "{tags}");
        }
    }
}
