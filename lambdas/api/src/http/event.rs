//! What an Application Load Balancer sends to a Lambda target, and what it expects back (Elastic Load Balancing,
//! Application Load Balancers, "Use Lambda functions as targets of an Application Load Balancer").
//!
//! The types are those of `lambda_http`, but its conversion of an event into a request is not used: it panics at some
//! events and changes others. `lambdas/api/lambda_http.md` lists them.

use std::collections::{BTreeMap, HashMap};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response};
use lambda_http::aws_lambda_events::alb::AlbTargetGroupResponse;
use lambda_http::{Body, Request, RequestExt};
use serde::Deserialize;

use crate::problem::Failure;

/// The method of an event without one. No path allows it.
const NO_METHOD: &str = "-";

/// An event of the load balancer, as it was sent. Every member may be missing.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RawEvent {
    http_method: Option<String>,
    path: Option<String>,
    query_string_parameters: Option<BTreeMap<String, Option<String>>>,
    multi_value_query_string_parameters: Option<BTreeMap<String, Vec<String>>>,
    headers: Option<BTreeMap<String, Option<String>>>,
    multi_value_headers: Option<BTreeMap<String, Vec<String>>>,
    body: Option<String>,
    is_base64_encoded: bool,
}

impl RawEvent {
    /// Reads an event.
    ///
    /// # Errors
    /// Says what is wrong without quoting the event, which may contain a token.
    pub(crate) fn parse(json: &str) -> Result<Self, Failure> {
        // Serde would read an array as the members in their order.
        if !json.trim_ascii_start().starts_with('{') {
            return Err(Failure::MalformedEvent("it is not an object".to_owned()));
        }
        serde_json::from_str(json)
            .map_err(|error| Failure::MalformedEvent(format!("at {}:{}", error.line(), error.column())))
    }

    /// Returns the method as it was sent, even if no request can have it.
    pub(crate) fn method(&self) -> &str {
        self.http_method.as_deref().unwrap_or_default()
    }

    /// Returns the request. The path is in [`RequestExt::raw_http_path`] and the parameters are in
    /// [`RequestExt::query_string_parameters_ref`], both percent-encoded as they were sent. The URI is always `/`.
    ///
    /// # Errors
    /// Fails if no request can have the method, the number of headers or the body.
    pub(crate) fn into_request(self) -> Result<Request, Failure> {
        let method = if self.method().is_empty() { NO_METHOD } else { self.method() };
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_| Failure::MalformedEvent("the method is not a token".to_owned()))?;
        let headers = header_map(named_values(self.multi_value_headers, self.headers))?;
        let query = named_values(self.multi_value_query_string_parameters, self.query_string_parameters);
        let body = self.body.unwrap_or_default();
        let body = if self.is_base64_encoded {
            let decoded = STANDARD.decode(body);
            Body::Binary(decoded.map_err(|error| Failure::MalformedBody(error.to_string()))?)
        } else {
            Body::Text(body)
        };
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.headers_mut() = headers;
        Ok(request
            .with_raw_http_path(self.path.unwrap_or_default())
            .with_query_string_parameters(query.into_iter().collect::<HashMap<_, _>>()))
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

/// Returns the lines of all headers, except for those whose name is not a token: nothing asks for them.
fn header_map(named: Vec<(String, Vec<String>)>) -> Result<HeaderMap, Failure> {
    let too_many = |_| Failure::MalformedEvent("it has too many headers".to_owned());
    let mut headers = HeaderMap::try_with_capacity(named.len()).map_err(too_many)?;
    for (name, lines) in named {
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { continue };
        for line in lines {
            headers.try_append(&name, header_value(&line)).map_err(too_many)?;
        }
    }
    Ok(headers)
}

/// Returns a header's value. A control character, which it cannot have (RFC 9110, section 5.5), becomes U+FFFD: left
/// out, it could make a bad value good.
pub(crate) fn header_value(text: &str) -> HeaderValue {
    let value = HeaderValue::from_bytes(text.as_bytes()).or_else(|_| {
        let is_invalid = |character: char| character.is_ascii_control() && character != '\t';
        HeaderValue::from_bytes(text.replace(is_invalid, "\u{fffd}").as_bytes())
    });
    value.unwrap_or(HeaderValue::from_static("?"))
}

/// Encodes a response. A target group reads either map of headers, depending on its multi-value headers setting.
pub(crate) fn encode_response(response: Response<Body>) -> AlbTargetGroupResponse {
    let (parts, body) = response.into_parts();
    let mut encoded = AlbTargetGroupResponse::default();
    encoded.status_code = parts.status.as_u16().into();
    encoded.status_description = Some(parts.status.to_string());
    encoded.headers.clone_from(&parts.headers);
    encoded.multi_value_headers = parts.headers;
    encoded.is_base64_encoded = matches!(body, Body::Binary(_));
    encoded.body = Some(body);
    encoded
}

#[cfg(test)]
mod tests {
    use restctl_testkit::small_stack::run_on_small_stack;
    use serde_json::value::RawValue;

    use super::*;

    #[test]
    fn requests_keep_what_was_sent() {
        let event = r#"{
            "httpMethod": "get", "path": "/a/../%2E%2e/b c\\d?e#f",
            "multiValueQueryStringParameters": {"a": ["1%26b=2+%FF%", "3"]},
            "headers": {"accept": "hidden", "host": "a b"},
            "multiValueHeaders": {"Accept": ["text/html"], "accept": ["*/*"], "x y": ["1"], "x": ["é\n"]},
            "body": "AAE=", "isBase64Encoded": true
        }"#;
        let request = RawEvent::parse(event).unwrap().into_request().unwrap();
        assert_eq!(request.method(), "get");
        assert_eq!(request.raw_http_path(), r"/a/../%2E%2e/b c\d?e#f");
        assert_eq!(request.query_string_parameters().all("a"), Some(vec!["1%26b=2+%FF%", "3"]));
        let lines: Vec<_> = request.headers().get_all("accept").iter().collect();
        assert_eq!(lines, ["text/html", "*/*"]);
        assert_eq!(request.headers()["x"], "é\u{fffd}".as_bytes());
        assert_eq!(request.headers().len(), 3);
        assert_eq!(request.body().as_ref(), [0, 1]);
    }

    #[test]
    fn an_event_without_a_method_is_no_get() {
        for event in ["{}", r#"{"httpMethod":null}"#, r#"{"httpMethod":""}"#] {
            assert_eq!(
                RawEvent::parse(event).unwrap().into_request().unwrap().method(),
                NO_METHOD,
                "{event}"
            );
        }
    }

    #[test]
    fn deep_events_need_little_stack() {
        let members = ["httpMethod", "path", "headers", "multiValueHeaders", "body", "requestContext"];
        run_on_small_stack(move || {
            for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("{\"a\":[", "]}")] {
                let deep = open.repeat(200_000) + "1" + &close.repeat(200_000);
                for member in members {
                    let event = format!("{{\"{member}\":{deep}}}");
                    // The runtime finds the end of the event before the function reads it.
                    let event: Box<RawValue> = serde_json::from_str(&event).unwrap();
                    // The function takes no notice of the request's context.
                    assert_eq!(RawEvent::parse(event.get()).is_ok(), member == "requestContext", "{member}");
                }
            }
        });
    }
}
