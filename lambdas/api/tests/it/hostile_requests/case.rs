//! A row of a table: an event, and what is to become of it.

use std::io::Read;

use flate2::read::GzDecoder;
use restctl_testkit::alb::{AlbAnswer, AlbRequest};
use serde_json::{Value, json};

use crate::stage::Stage;

pub(super) struct Case {
    name: String,
    event: Value,
    status: u16,
    body: Body,
    headers: Vec<(&'static str, Option<String>)>,
}

enum Body {
    Problem(&'static str),
    Json(Value),
    Empty,
}

impl Case {
    pub(super) fn new(name: impl Into<String>, request: &AlbRequest) -> Self {
        Self::event(name, request.event())
    }

    /// Answered with an item 42 that has nothing but its id, unless something else is said.
    pub(super) fn event(name: impl Into<String>, event: Value) -> Self {
        let body = Body::Json(json!({"id": "42"}));
        Self { name: name.into(), event, status: 200, body, headers: Vec::new() }
    }

    pub(super) fn ok(self, body: Value) -> Self {
        Self { status: 200, body: Body::Json(body), ..self }
    }

    pub(super) fn problem(self, status: u16, kind: &'static str) -> Self {
        Self { status, body: Body::Problem(kind), ..self }
    }

    pub(super) fn empty(self, status: u16) -> Self {
        Self { status, body: Body::Empty, ..self }
    }

    pub(super) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, Some(value.to_owned())));
        self
    }

    pub(super) fn no_header(mut self, name: &'static str) -> Self {
        self.headers.push((name, None));
        self
    }
}

/// Sends each event and says of all rows together what was not as expected.
pub(super) async fn judge(stage: &Stage, cases: &[Case]) {
    let mut complaints = Vec::new();
    for case in cases {
        match stage.runtime.invoke(&case.event).await {
            Ok(raw) => complaints.extend(
                complaints_of(case, &raw).into_iter().map(|complaint| format!("{}: {complaint}", case.name)),
            ),
            Err(error) => complaints.push(format!("{}: {}", case.name, error.reason)),
        }
    }
    assert!(complaints.is_empty(), "{} of {}:\n{}", complaints.len(), cases.len(), complaints.join("\n"));
}

fn complaints_of(case: &Case, raw: &Value) -> Vec<String> {
    let answer = AlbAnswer::read(raw);
    let text = decoded(&answer);
    let shown: String = text.chars().take(200).collect();
    if answer.status != case.status {
        return vec![format!("status {} instead of {}: {shown}", answer.status, case.status)];
    }
    let mut complaints = envelope(raw, &answer);
    complaints.extend(caching(case, &answer));
    let kind = format!("urn:restctl:problem:{}", if let Body::Problem(kind) = case.body { kind } else { "" });
    let parsed = serde_json::from_str::<Value>(&text).unwrap_or_default();
    let content_type = answer.header("content-type");
    let is_as_expected = match &case.body {
        Body::Empty => text.is_empty(),
        Body::Json(expected) => content_type == Some("application/json") && parsed == *expected,
        Body::Problem(_) => {
            content_type == Some("application/problem+json")
                && parsed["type"] == kind
                && parsed["status"] == case.status
                && parsed["title"].is_string()
                && parsed["detail"].is_string()
        }
    };
    if !is_as_expected {
        complaints.push(format!("the body, {content_type:?}, is {shown}"));
    }
    for (name, expected) in &case.headers {
        let value = answer.header(name);
        if value != expected.as_deref() {
            complaints.push(format!("{name} is {value:?} instead of {expected:?}"));
        }
    }
    complaints
}

/// What every answer has, for target groups with multi-value headers and without.
fn envelope(raw: &Value, answer: &AlbAnswer) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut check = |what: &str, holds: bool| {
        if !holds {
            complaints.push(format!("{what} in {:?}", answer.headers));
        }
    };
    let id = answer.header("x-request-id").unwrap_or_default();
    check("x-request-id is not the invocation's", id.starts_with("00000000-0000-4000-8000-"));
    check("not nosniff", answer.header("x-content-type-options") == Some("nosniff"));
    let single = raw["headers"].as_object().map(|headers| headers.len());
    check("not each header in both maps", single == Some(answer.headers.len()));
    let is_same = |name: &String| raw["headers"][name].as_str() == answer.header(name);
    check("headers differ from multiValueHeaders", answer.headers.keys().all(is_same));
    let description = raw["statusDescription"].as_str().unwrap_or_default();
    check("no status description", description.starts_with(&format!("{} ", answer.status)));
    check("isBase64Encoded is no boolean", raw["isBase64Encoded"].is_boolean());
    complaints
}

fn caching(case: &Case, answer: &AlbAnswer) -> Vec<String> {
    let is_open = case.event["path"] == "/health";
    let (cache_control, vary) = match answer.status {
        200 | 304 if !is_open => ("private, no-cache", Some("accept, accept-encoding, authorization")),
        _ => ("no-store", None),
    };
    let is_tagged = !is_open
        && matches!(answer.status, 200 | 304)
        && matches!(case.event["httpMethod"].as_str(), Some("GET" | "HEAD"));
    let mut complaints = Vec::new();
    if answer.header("cache-control") != Some(cache_control) {
        complaints.push(format!("cache-control is {:?}", answer.header("cache-control")));
    }
    if vary.is_some() && answer.header("vary") != vary {
        complaints.push(format!("vary is {:?}", answer.header("vary")));
    }
    let tag = answer.header("etag");
    if tag.is_some_and(|tag| tag.starts_with("W/\"")) != is_tagged {
        complaints.push(format!("etag is {tag:?}"));
    }
    complaints
}

fn decoded(answer: &AlbAnswer) -> String {
    let mut text = String::new();
    let read = match answer.header("content-encoding") {
        Some("gzip") => GzDecoder::new(answer.body.as_slice()).read_to_string(&mut text),
        _ => answer.body.as_slice().read_to_string(&mut text),
    };
    read.map(|_| text).unwrap_or_else(|error| format!("cannot be read: {error}"))
}
