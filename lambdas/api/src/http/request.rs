//! A request from the load balancer.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use restctl_contract::api::MAX_REQUEST_BYTES;

use super::event::AlbEvent;
use crate::problem::Failure;

/// A request, with headers and parameters read from whichever maps the event has.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Percent-encoded, without the query string.
    pub(crate) path: String,
    /// Each name with its lines.
    headers: Vec<(String, Vec<String>)>,
    /// Each name with its values, percent-encoded.
    query: Vec<(String, Vec<String>)>,
    body: String,
    is_base64: bool,
}

impl From<AlbEvent> for Request {
    fn from(event: AlbEvent) -> Self {
        Self {
            method: event.http_method.unwrap_or_default(),
            path: event.path.unwrap_or_default(),
            headers: named_values(event.multi_value_headers, event.headers),
            query: named_values(event.multi_value_query_string_parameters, event.query_string_parameters),
            body: event.body.unwrap_or_default(),
            is_base64: event.is_base64_encoded,
        }
    }
}

/// Returns each name with its values. A target group sends one of the two maps. If both are there, only `multi` shows
/// repeated names.
fn named_values(
    multi: Option<BTreeMap<String, Vec<String>>>,
    single: Option<BTreeMap<String, Option<String>>>,
) -> Vec<(String, Vec<String>)> {
    let multi = multi.into_iter().flatten().filter(|(_, values)| !values.is_empty());
    let mut named: Vec<_> = multi.collect();
    if named.is_empty() {
        let single = single.into_iter().flatten();
        named.extend(single.map(|(name, value)| (name, vec![value.unwrap_or_default()])));
    }
    named
}

impl Request {
    pub(crate) fn is_get_or_head(&self) -> bool {
        self.method == "GET" || self.method == "HEAD"
    }

    /// Returns each line of a header.
    pub(crate) fn header_lines(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.headers.iter().filter(move |(header, _)| header.eq_ignore_ascii_case(name));
        named.flat_map(|(_, lines)| lines).map(String::as_str)
    }

    /// Returns a header with its lines joined as a list (RFC 9110, section 5.3), or `None` if it was not sent.
    pub(crate) fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        let lines: Vec<&str> = self.header_lines(name).collect();
        match lines[..] {
            [] => None,
            [only] => Some(Cow::Borrowed(only)),
            _ => Some(Cow::Owned(lines.join(","))),
        }
    }

    /// Returns a parameter of the query string, decoded.
    pub(crate) fn query_parameter(&self, name: &str) -> Result<Option<Cow<'_, str>>, Failure> {
        let named = self.query.iter().filter(|(parameter, _)| parameter == name);
        let mut values = named.flat_map(|(_, values)| values);
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Failure::InvalidQuery(format!("{name} is given more than once")));
        }
        let decoded = percent_decode_str(value).decode_utf8();
        decoded.map(Some).map_err(|_| Failure::InvalidQuery(format!("{name} is not UTF-8")))
    }

    /// Returns whether the body is `application/json`, with any parameters, and not compressed.
    pub(crate) fn has_plain_json_body(&self) -> bool {
        let content_type = self.header("content-type").unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default();
        let coding = self.header("content-encoding").unwrap_or_default();
        essence.trim().eq_ignore_ascii_case("application/json")
            && (coding.trim().is_empty() || coding.trim().eq_ignore_ascii_case("identity"))
    }

    /// Decodes the body, unless it is too large.
    pub(crate) fn decode_body(&self) -> Result<Cow<'_, [u8]>, Failure> {
        let max_length = if self.is_base64 { MAX_REQUEST_BYTES.div_ceil(3) * 4 } else { MAX_REQUEST_BYTES };
        if self.body.len() > max_length {
            return Err(Failure::BodyTooLarge);
        }
        if !self.is_base64 {
            return Ok(Cow::Borrowed(self.body.as_bytes()));
        }
        let decoded =
            STANDARD.decode(&self.body).map_err(|error| Failure::MalformedBody(error.to_string()))?;
        if decoded.len() > MAX_REQUEST_BYTES { Err(Failure::BodyTooLarge) } else { Ok(Cow::Owned(decoded)) }
    }
}
