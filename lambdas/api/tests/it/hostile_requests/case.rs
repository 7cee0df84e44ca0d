//! A row of a table: an event and the expected answer.

use std::io::Read;

use flate2::read::GzDecoder;
use restctl_contract::json::{self, Limits};
use restctl_testkit::alb::{AlbAnswer, AlbRequest};
use serde_json::{Value, json};

use crate::stage::Stage;

pub(super) struct Case {
    name: String,
    event: Value,
    status: u16,
    body: ExpectedBody,
    headers: Vec<(&'static str, Option<String>)>,
}

enum ExpectedBody {
    Problem(&'static str),
    Json(Value),
    Empty,
}

impl Case {
    pub(super) fn new(name: impl Into<String>, request: &AlbRequest) -> Self {
        Self::from_event(name, request.multi_value_event())
    }

    /// Expects an item 42 that has only its id, unless another expectation follows.
    pub(super) fn from_event(name: impl Into<String>, event: Value) -> Self {
        let body = ExpectedBody::Json(json!({"id": "42"}));
        Self { name: name.into(), event, status: 200, body, headers: Vec::new() }
    }

    pub(super) fn expect_json(self, body: Value) -> Self {
        Self { status: 200, body: ExpectedBody::Json(body), ..self }
    }

    pub(super) fn expect_problem(self, status: u16, kind: &'static str) -> Self {
        Self { status, body: ExpectedBody::Problem(kind), ..self }
    }

    pub(super) fn expect_empty(self, status: u16) -> Self {
        Self { status, body: ExpectedBody::Empty, ..self }
    }

    pub(super) fn expect_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, Some(value.to_owned())));
        self
    }

    pub(super) fn expect_no_header(mut self, name: &'static str) -> Self {
        self.headers.push((name, None));
        self
    }
}

/// Sends each event, and reports all unexpected answers together.
pub(super) async fn assert_cases(stage: &Stage, cases: &[Case]) {
    let mut mismatches = Vec::new();
    for case in cases {
        match stage.runtime.invoke(&case.event).await {
            Ok(raw) => mismatches.extend(
                unexpected_parts(case, &raw).into_iter().map(|mismatch| format!("{}: {mismatch}", case.name)),
            ),
            Err(error) => mismatches.push(format!("{}: {}", case.name, error.reason)),
        }
    }
    assert!(mismatches.is_empty(), "{} of {}:\n{}", mismatches.len(), cases.len(), mismatches.join("\n"));
}

fn unexpected_parts(case: &Case, raw: &Value) -> Vec<String> {
    let answer = AlbAnswer::from_function_answer(raw);
    let text = decode_body(&answer);
    let shown: String = text.chars().take(200).collect();
    if answer.status != case.status {
        return vec![format!("status {} instead of {}: {shown}", answer.status, case.status)];
    }
    let mut mismatches = check_envelope(raw, &answer);
    mismatches.extend(check_caching(case, &answer));
    let kind = format!(
        "urn:restctl:problem:{}",
        if let ExpectedBody::Problem(kind) = case.body { kind } else { "" }
    );
    let parsed = parse_body(&text).unwrap_or_default();
    let content_type = answer.header("content-type");
    let is_as_expected = match &case.body {
        ExpectedBody::Empty => text.is_empty(),
        ExpectedBody::Json(expected) => content_type == Some("application/json") && parsed == *expected,
        ExpectedBody::Problem(_) => {
            content_type == Some("application/problem+json")
                && parsed["type"] == kind
                && parsed["status"] == case.status
                && parsed["title"].is_string()
                && parsed["detail"].is_string()
        }
    };
    if !is_as_expected {
        mismatches.push(format!("the body, {content_type:?}, is {shown}"));
    }
    for (name, expected) in &case.headers {
        let value = answer.header(name);
        if value != expected.as_deref() {
            mismatches.push(format!("{name} is {value:?} instead of {expected:?}"));
        }
    }
    mismatches
}

/// Takes the markers of serde_json for ordinary names, as the function does.
fn parse_body(text: &str) -> Option<Value> {
    let parsed = json::parse(text.as_bytes(), Limits { depth: 64, values: 100_000 });
    serde_json::to_value(parsed.ok()?).ok()
}

/// Checks what every answer has, for target groups with and without multi-value headers.
fn check_envelope(raw: &Value, answer: &AlbAnswer) -> Vec<String> {
    let mut mismatches = Vec::new();
    let mut check = |what: &str, holds: bool| {
        if !holds {
            mismatches.push(format!("{what} in {:?}", answer.headers));
        }
    };
    let id = answer.header("x-request-id").unwrap_or_default();
    check("x-request-id is not the invocation's", id.starts_with("00000000-0000-4000-8000-"));
    let transport = answer.header("strict-transport-security");
    check("strict-transport-security is missing", transport == Some("max-age=31536000"));
    check("nosniff is missing", answer.header("x-content-type-options") == Some("nosniff"));
    let single = raw["headers"].as_object().map(|headers| headers.len());
    check("the two maps differ in length", single == Some(answer.headers.len()));
    let is_same = |name: &String| raw["headers"][name].as_str() == answer.header(name);
    check("headers differ from multiValueHeaders", answer.headers.keys().all(is_same));
    let description = raw["statusDescription"].as_str().unwrap_or_default();
    check("the status description is missing", description.starts_with(&format!("{} ", answer.status)));
    check("isBase64Encoded is not a boolean", raw["isBase64Encoded"].is_boolean());
    mismatches
}

fn check_caching(case: &Case, answer: &AlbAnswer) -> Vec<String> {
    let is_open = case.event["path"] == "/health";
    let (cache_control, vary) = match answer.status {
        200 | 304 if !is_open => ("private, no-cache", Some("accept, accept-encoding, authorization")),
        _ => ("no-store", None),
    };
    let is_tagged = !is_open
        && matches!(answer.status, 200 | 304)
        && matches!(case.event["httpMethod"].as_str(), Some("GET" | "HEAD"));
    let mut mismatches = Vec::new();
    if answer.header("cache-control") != Some(cache_control) {
        mismatches.push(format!("cache-control is {:?}", answer.header("cache-control")));
    }
    if vary.is_some() && answer.header("vary") != vary {
        mismatches.push(format!("vary is {:?}", answer.header("vary")));
    }
    let tag = answer.header("etag");
    if tag.is_some_and(|tag| tag.starts_with("W/\"")) != is_tagged {
        mismatches.push(format!("etag is {tag:?}"));
    }
    mismatches
}

fn decode_body(answer: &AlbAnswer) -> String {
    let mut text = String::new();
    let read = match answer.header("content-encoding") {
        Some("gzip") => GzDecoder::new(answer.body.as_slice()).read_to_string(&mut text),
        _ => answer.body.as_slice().read_to_string(&mut text),
    };
    read.map(|_| text).unwrap_or_else(|error| format!("cannot be read: {error}"))
}
