//! Answers to requests.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderName, STRICT_TRANSPORT_SECURITY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use lambda_http::{Body, Request};
use restctl_contract::api::Problem;
use restctl_contract::log_text::LogText;
use sha2::{Digest, Sha256};

use super::event::header_value;
use super::negotiation::accepts_gzip;
use super::request::header;
use crate::problem::Failure;

/// A smaller body fits into one packet even if it is not compressed.
const MIN_GZIP_BYTES: usize = 1400;

/// The headers of the answer that has the most: growing their map would cost more than it takes.
const MAX_HEADERS: usize = 8;

/// Browsers keep to HTTPS for a year (RFC 6797). `includeSubDomains` would bind names below the API's that are none of
/// its business.
const HTTPS_FOR_A_YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// An answer, before it is compressed.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    /// Returns JSON that only the bearer of the token may cache, and must revalidate before each use.
    pub(crate) fn json(body: String) -> Self {
        Self::new(StatusCode::OK, "application/json", "private, no-cache", body)
            .with_header(VARY, HeaderValue::from_static("accept, accept-encoding, authorization"))
    }

    /// Returns an answer that must not be cached.
    pub(crate) fn uncacheable(status: StatusCode, content_type: &'static str, body: String) -> Self {
        Self::new(status, content_type, "no-store", body)
    }

    fn new(
        status: StatusCode,
        content_type: &'static str,
        cache_control: &'static str,
        body: String,
    ) -> Self {
        Self { status, headers: HeaderMap::with_capacity(MAX_HEADERS), body }
            .with_header(CONTENT_TYPE, HeaderValue::from_static(content_type))
            .with_header(CACHE_CONTROL, HeaderValue::from_static(cache_control))
    }

    pub(crate) fn healthy() -> Self {
        Self::uncacheable(StatusCode::OK, "application/json", r#"{"status":"ok"}"#.to_owned())
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Answers a conditional request (RFC 9110, section 13.1.2): without a body if the client has the same one.
    pub(crate) fn or_not_modified(mut self, request: &Request) -> Self {
        let tag = weak_entity_tag(&self.body);
        if header(request, "if-none-match").is_some_and(|tags| matches_any_tag(&tag, &tags)) {
            self.status = StatusCode::NOT_MODIFIED;
            self.headers.remove(CONTENT_TYPE);
            self.body.clear();
        }
        self.with_header(ETAG, header_value(&tag))
    }

    /// Returns the response, compressed if the client accepts gzip.
    ///
    /// HEAD gets the body of GET: the load balancer computes `Content-Length` from it ("Respond to the load balancer", User Guide
    /// for Application Load Balancers), and a server sends no content in response to HEAD (RFC 9110, section 9.3.2). An empty
    /// body would say that GET has none, too.
    pub(crate) fn into_response(mut self, request: &Request, request_id: &str) -> Response<Body> {
        let compressed = match self.body.len() {
            MIN_GZIP_BYTES.. if accepts_gzip(header(request, "accept-encoding").as_deref()) => {
                gzip(&self.body)
            }
            _ => None,
        };
        if compressed.is_some() {
            self.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        self.headers.insert(STRICT_TRANSPORT_SECURITY, HTTPS_FOR_A_YEAR);
        self.headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        self.headers.insert("x-request-id", header_value(request_id));
        let mut response = Response::new(compressed.map_or(Body::Text(self.body), Body::Binary));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
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
            Some((name, value)) => answer.with_header(name, header_value(&value)),
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

fn gzip(body: &str) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body.as_bytes()).ok()?;
    encoder.finish().ok()
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
