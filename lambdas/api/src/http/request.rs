//! What the API reads from a request.

use std::borrow::Cow;

use http::Method;
use lambda_http::{Request, RequestExt};
use percent_encoding::percent_decode_str;
use restctl_contract::api::MAX_REQUEST_BYTES;

use crate::problem::Failure;

pub(crate) fn is_get_or_head(request: &Request) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
}

/// Returns each line of a header.
pub(crate) fn header_lines<'a>(request: &'a Request, name: &str) -> impl Iterator<Item = &'a str> {
    // A line is never left out, because that could hide a second token.
    let lines = request.headers().get_all(name).into_iter();
    lines.map(|line| str::from_utf8(line.as_bytes()).unwrap_or("\u{fffd}"))
}

/// Returns a header with its lines joined as a list (RFC 9110, section 5.3), or `None` if it was not sent.
pub(crate) fn header<'a>(request: &'a Request, name: &str) -> Option<Cow<'a, str>> {
    let lines: Vec<&str> = header_lines(request, name).collect();
    match lines[..] {
        [] => None,
        [only] => Some(Cow::Borrowed(only)),
        _ => Some(Cow::Owned(lines.join(","))),
    }
}

/// Returns a parameter of the query string, decoded.
pub(crate) fn query_parameter<'a>(request: &'a Request, name: &str) -> Result<Option<Cow<'a, str>>, Failure> {
    let query = request.query_string_parameters_ref();
    let value = match query.and_then(|query| query.all(name)).as_deref() {
        None | Some([]) => return Ok(None),
        Some([only]) => *only,
        Some(_) => return Err(Failure::InvalidQuery(format!("{name} is given more than once"))),
    };
    let decoded = percent_decode_str(value).decode_utf8();
    decoded.map(Some).map_err(|_| Failure::InvalidQuery(format!("{name} is not UTF-8")))
}

/// Returns whether the body is `application/json`, with any parameters, and not compressed.
pub(crate) fn has_plain_json_body(request: &Request) -> bool {
    let content_type = header(request, "content-type").unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default();
    let coding = header(request, "content-encoding").unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
        && (coding.trim().is_empty() || coding.trim().eq_ignore_ascii_case("identity"))
}

/// Returns the body, unless it is too large.
pub(crate) fn body_within_limit(request: &Request) -> Result<&[u8], Failure> {
    let body = request.body().as_ref();
    if body.len() > MAX_REQUEST_BYTES { Err(Failure::BodyTooLarge) } else { Ok(body) }
}
