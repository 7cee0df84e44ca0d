//! An answer on its way to the load balancer.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::StatusCode;
use restctl_contract::api::Problem;
use sha2::{Digest, Sha256};

use super::event::Response;
use super::negotiation::accepts_gzip;
use super::request::Request;
use crate::problem::{Failure, Kind};

/// What is smaller goes in one packet, compressed or not.
const MIN_GZIP_BYTES: usize = 1400;

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Answer {
    /// What a token opens: its bearer may keep it, and asks each time whether it is still true.
    pub(crate) fn ok(body: String) -> Self {
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("cache-control", "private, no-cache".to_owned()),
            ("vary", "accept, accept-encoding, authorization".to_owned()),
        ];
        Self { status: StatusCode::OK, headers, body }
    }

    /// What is true of this moment alone.
    pub(crate) fn not_stored(status: StatusCode, content_type: &'static str, body: String) -> Self {
        let headers =
            vec![("content-type", content_type.to_owned()), ("cache-control", "no-store".to_owned())];
        Self { status, headers, body }
    }

    pub(crate) fn healthy() -> Self {
        Self::not_stored(StatusCode::OK, "application/json", r#"{"status":"ok"}"#.to_owned())
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The answer to a conditional request (RFC 9110, section 13.1.2): its body only where the client has another.
    pub(crate) fn unless_matched(mut self, request: &Request) -> Self {
        let tag = entity_tag(&self.body);
        if request.header("if-none-match").is_some_and(|tags| is_among(&tag, &tags)) {
            self.status = StatusCode::NOT_MODIFIED;
            self.headers.retain(|(name, _)| *name != "content-type");
            self.body.clear();
        }
        self.with_header("etag", tag)
    }

    pub(crate) fn into_response(mut self, request: &Request, request_id: &str) -> Response {
        if request.method == "HEAD" {
            self.body.clear();
        }
        let compressed = match self.body.len() {
            MIN_GZIP_BYTES.. if accepts_gzip(request.header("accept-encoding").as_deref()) => {
                gzip(&self.body)
            }
            _ => None,
        };
        if compressed.is_some() {
            self.headers.push(("content-encoding", "gzip".to_owned()));
        }
        self.headers.push(("x-content-type-options", "nosniff".to_owned()));
        self.headers.push(("x-request-id", request_id.to_owned()));
        let reason = self.status.canonical_reason().unwrap_or_default();
        Response {
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
        let Kind { status, title, .. } = kind;
        let problem = Problem {
            kind: kind.uri(),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: Some(failure.to_string()),
        };
        let body = serde_json::json!(problem).to_string();
        let answer = Answer::not_stored(status, "application/problem+json", body);
        match failure.header() {
            Some((name, value)) => answer.with_header(name, value),
            None => answer,
        }
    }
}

/// Half of the body's hash; weak, because the compressed body has the same one.
fn entity_tag(body: &str) -> String {
    let digest = Sha256::digest(body);
    let tag = digest[..16].iter().fold(0, |tag: u128, byte| tag << 8 | u128::from(*byte));
    format!("W/\"{tag:032x}\"")
}

/// By weak comparison (RFC 9110, section 8.8.3.2).
fn is_among(tag: &str, tags: &str) -> bool {
    let opaque = tag.trim_start_matches("W/");
    tags.trim() == "*" || tags.split(',').any(|other| other.trim().trim_start_matches("W/") == opaque)
}

/// In base64, as the load balancer takes what is no text. None where it cannot be compressed: it goes as it is.
fn gzip(body: &str) -> Option<String> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body.as_bytes()).ok()?;
    Some(STANDARD.encode(encoder.finish().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_weakly() {
        let tag = entity_tag("body");
        let strong = tag.trim_start_matches("W/");
        for tags in [&tag, strong, "*", " * ", &format!("\"other\", {tag}"), &format!("{strong},W/\"x\"")] {
            assert!(is_among(&tag, tags), "{tags}");
        }
        for tags in ["", "W/", "\"\"", "**", &entity_tag("other"), strong.trim_matches('"')] {
            assert!(!is_among(&tag, tags), "{tags}");
        }
    }
}
