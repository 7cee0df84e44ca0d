//! Bodies of bulk requests, and their declared types and encodings.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use restctl_contract::api::{BATCH_GET_PATH, MAX_IDS_PER_CALL, MAX_REQUEST_BYTES};
use restctl_testkit::alb::AlbRequest;
use serde_json::{Value, json};

use super::case::{Case, assert_cases};
use crate::stage::Stage;

fn post_body(token: &str, body: impl Into<Vec<u8>>) -> AlbRequest {
    AlbRequest::new("POST", BATCH_GET_PATH)
        .bearer(token)
        .header("content-type", "application/json")
        .body(body)
}

/// Returns a request whose body the load balancer sends as base64, because it has a content encoding.
fn post_base64(token: &str, body: impl Into<Vec<u8>>) -> AlbRequest {
    post_body(token, body).header("content-encoding", "identity")
}

#[tokio::test]
async fn malformed_bodies_are_refused() {
    let stage = Stage::start().await;
    stage.put_item("42", json!({}));
    let token = stage.provider.token();
    let found = || json!({"items": [{"id": "42"}], "missing": []});
    let none = || json!({"items": [], "missing": []});
    let missing = |ids: Value| json!({"items": [], "missing": ids});
    let case = |body: &str| {
        let shown: String = body.chars().take(40).collect();
        Case::new(format!("body {shown}"), &post_body(&token, body))
    };
    let mut cases = vec![
        case(r#"{"ids":["42"]}"#).expect_json(found()).expect_no_header("etag"),
        case(" \t\r\n{ \"ids\" : [ \"42\" ] }\n").expect_json(found()),
        case(r#"{"ids":["\u0034\u0032","42"]}"#).expect_json(found()),
        case(r#"{"ids":[]}"#).expect_json(none()),
        case(r#"{"ids":["\u0000"]}"#).expect_json(missing(json!(["\0"]))),
        case(r#"{"ids":["é","😀","\ud83d\ude00"]}"#).expect_json(missing(json!(["é", "😀"]))),
    ];
    let deep = "[".repeat(100_000);
    let deep_object = r#"{"ids":"#.repeat(10_000);
    let deep_id = format!(r#"{{"ids":[{}{}]}}"#, "[".repeat(50_000), "]".repeat(50_000));
    for malformed in [
        "",
        " ",
        "{",
        "}",
        "{\"ids\":[\"42\"]",
        "{\"ids\":[\"42\"]}}",
        "{\"ids\":[\"42\"]} x",
        "{'ids':['42']}",
        "{ids:[\"42\"]}",
        "{\"ids\":[\"42\",]}",
        "{\"ids\":[\"42\"],}",
        "{\"ids\":[NaN]}",
        "{\"ids\":[Infinity]}",
        "{\"ids\":[01]}",
        "{\"ids\":[+1]}",
        "{\"ids\":[\"\\ud800\"]}",
        "{\"ids\":[\"\\x\"]}",
        "{\"ids\":[\"a\nb\"]}",
        "// {}\n{\"ids\":[]}",
        "ids=42",
        "\u{feff}{\"ids\":[\"42\"]}",
        "{\"ids\":[\"42\"]}\u{0}",
        &deep,
        &deep_object,
        &deep_id,
        "{\"ids\":[\"\\udc00\\ud800\"]}",
    ] {
        cases.push(case(malformed).expect_problem(400, "body-malformed"));
    }
    for invalid in [
        "null",
        "true",
        "7",
        "\"ids\"",
        "[]",
        "[[\"42\"]]",
        "{}",
        r#"{"ids":null}"#,
        r#"{"ids":"42"}"#,
        r#"{"ids":42}"#,
        r#"{"ids":{"0":"42"}}"#,
        r#"{"Ids":["42"]}"#,
        r#"{"ids":["42"],"limit":1}"#,
        r#"{"ids":["42"],"ids":["43"]}"#,
        r#"{"ids":["42"],"ids":["42"]}"#,
        r#"{"ids":["42"],"__proto__":{}}"#,
    ] {
        cases.push(case(invalid).expect_problem(422, "body-invalid"));
    }
    let many = |count: usize| json!({"ids": vec!["42"; count]}).to_string();
    cases.push(case(&many(MAX_IDS_PER_CALL)).expect_json(found()));
    cases.push(case(&many(MAX_IDS_PER_CALL + 1)).expect_problem(422, "ids-too-many"));
    cases.push(case(&many(100_000)).expect_problem(422, "ids-too-many"));
    // The parser stops at the first id too many: it does not see what follows, and keeps none of it.
    let endless =
        |element: &str| format!("{{\"ids\":[{}", format!("{element},").repeat(600_000 / (element.len() + 1)));
    for element in ["1", "\"\"", "[]", "{}", "null"] {
        cases.push(case(&endless(element)).expect_problem(422, "ids-too-many"));
    }
    // Each value within an id counts as well.
    cases.push(
        case(&format!("{{\"ids\":[[{}]]}}", vec!["1"; MAX_IDS_PER_CALL].join(",")))
            .expect_problem(422, "ids-too-many"),
    );
    // A long name is not returned whole, which would be more than a load balancer passes.
    let long_name = format!("{{{}:1}}", json!("\"".repeat(340_000)));
    cases.push(case(&long_name).expect_problem(422, "body-invalid"));
    assert_cases(&stage, &cases).await;
}

#[tokio::test]
async fn ids_of_the_wrong_type_do_not_spoil_a_request() {
    const TYPE: &str = "but this table's keys are strings";
    let stage = Stage::start().await;
    stage.put_item("42", json!({}));
    let token = stage.provider.token();
    let mut cases = Vec::new();
    for (id, detail) in [
        (json!(""), "is empty".to_owned()),
        (json!("x".repeat(2049)), "is longer than 2048 bytes".to_owned()),
        (json!(42), format!("is a number, {TYPE}: put it in quotes")),
        (json!(4.5), format!("is a number, {TYPE}: put it in quotes")),
        (json!(null), format!("is null, {TYPE}")),
        (json!(true), format!("is a boolean, {TYPE}")),
        (json!(["42"]), format!("is an array, {TYPE}")),
        (json!({"id": "42"}), format!("is an object, {TYPE}")),
        (json!({"$serde_json::private::Number": "42"}), format!("is an object, {TYPE}")),
        (json!({"$serde_json::private::RawValue": "\"42\""}), format!("is an object, {TYPE}")),
        (json!({"$serde_json::private::RawValue": "[[[["}), format!("is an object, {TYPE}")),
    ] {
        let case = |name: &str, ids: Value| {
            Case::new(format!("{name} {id}"), &post_body(&token, json!({ "ids": ids }).to_string()))
        };
        let invalid = json!([{"id": id, "detail": detail}]);
        let alone = json!({"items": [], "missing": [], "invalid": invalid});
        cases.push(case("alone", json!([id])).expect_json(alone));
        let answer = json!({"items": [{"id": "42"}], "missing": ["none"], "invalid": invalid});
        cases.push(case("among others", json!(["none", id, "42", id])).expect_json(answer));
    }
    assert_cases(&stage, &cases).await;
}

#[tokio::test]
async fn bodies_are_decoded_up_to_the_size_limit() {
    let stage = Stage::start().await;
    stage.put_item("42", json!({}));
    let token = stage.provider.token();
    let found = json!({"items": [{"id": "42"}], "missing": []});
    let good = r#"{"ids":["42"]}"#;
    let padded = |length: usize| format!("{good}{}", " ".repeat(length - good.len()));
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut cases = vec![
        Case::new("base64", &post_base64(&token, good)).expect_json(found.clone()),
        Case::new("base64 of UTF-16", &post_base64(&token, utf16)).expect_problem(400, "body-malformed"),
        Case::new("base64 of a text that is not UTF-8", &post_base64(&token, *b"{\"ids\":[\"\xff\"]}"))
            .expect_problem(400, "body-malformed"),
        Case::new("base64 of gzip's magic", &post_base64(&token, *b"\x1f\x8b\x08\x00"))
            .expect_problem(400, "body-malformed"),
        Case::new("at the size limit", &post_body(&token, padded(MAX_REQUEST_BYTES)))
            .expect_json(found.clone()),
        Case::new("a byte over the limit", &post_body(&token, padded(MAX_REQUEST_BYTES + 1)))
            .expect_problem(413, "body-too-large"),
        Case::new("base64, at the size limit", &post_base64(&token, padded(MAX_REQUEST_BYTES)))
            .expect_json(found.clone()),
        Case::new("base64, a byte over the limit", &post_base64(&token, padded(MAX_REQUEST_BYTES + 1)))
            .expect_problem(413, "body-too-large"),
        Case::new("too large and not JSON", &post_body(&token, "x".repeat(900_000)))
            .expect_problem(413, "body-too-large"),
        Case::new("too large without a token", &post_body("", "x".repeat(900_000)))
            .expect_problem(401, "token-missing"),
        // A body that nobody asked for is ignored.
        Case::new(
            "too large in a GET request",
            &AlbRequest::get("/v1/items/42").bearer(&token).body("x".repeat(900_000)),
        ),
    ];
    let event = post_base64(&token, good).multi_value_event();
    let encoded = STANDARD.encode(good);
    for (name, body) in [
        ("not base64", json!("no base64!")),
        ("base64 cut short", json!(encoded[..encoded.len() - 1])),
        ("base64 without padding", json!(encoded.trim_end_matches('='))),
        ("base64 with a newline", json!(format!("{encoded}\n"))),
        ("base64url", json!(URL_SAFE.encode(b"{\"ids\":[\"\xf0\x9f\xbf\xbf\"]}"))),
        ("plain text, declared as base64", json!(good)),
        ("empty, declared as base64", json!("")),
        ("null, declared as base64", Value::Null),
    ] {
        let mut event = event.clone();
        event["body"] = body;
        cases.push(Case::from_event(name, event).expect_problem(400, "body-malformed"));
    }
    assert_cases(&stage, &cases).await;
}

#[tokio::test]
async fn only_json_without_a_coding_is_read() {
    let stage = Stage::start().await;
    stage.put_item("42", json!({}));
    let token = stage.provider.token();
    let found = || json!({"items": [{"id": "42"}], "missing": []});
    let with_type = |content_type: &str| {
        let request = post_body(&token, r#"{"ids":["42"]}"#).without_header("content-type");
        Case::new(format!("type {content_type}"), &request.header("content-type", content_type))
    };
    let with_coding = |coding: &str| {
        let request = post_body(&token, r#"{"ids":["42"]}"#).header("content-encoding", coding);
        Case::new(format!("coding {coding}"), &request)
    };
    let mut cases = Vec::new();
    for good in [
        "application/json",
        "APPLICATION/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=\"UTF-8\"",
        "application/json;",
        " application/json ",
    ] {
        cases.push(with_type(good).expect_json(found()));
    }
    for bad in [
        "",
        "json",
        "text/json",
        "text/plain",
        "application/*",
        "*/*",
        "application/jsonx",
        "application/json5",
        "application/json-patch+json",
        "application/problem+json",
        "application/vnd.api+json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json, text/plain",
        "text/plain; a=application/json",
        "application/jsoné",
        "application\\/json",
    ] {
        cases.push(with_type(bad).expect_problem(415, "media-type-unsupported"));
    }
    let without_type = post_body(&token, r#"{"ids":["42"]}"#).without_header("content-type");
    cases.push(Case::new("no type", &without_type).expect_problem(415, "media-type-unsupported"));
    let twice = post_body(&token, r#"{"ids":["42"]}"#).header("content-type", "text/plain");
    cases.push(Case::new("two types", &twice).expect_problem(415, "media-type-unsupported"));
    for coding in ["identity", "Identity"] {
        cases.push(with_coding(coding).expect_json(found()));
    }
    for coding in [
        "gzip",
        "GZIP",
        "x-gzip",
        "deflate",
        "br",
        "zstd",
        "compress",
        "aws-chunked",
        "identity, gzip",
        "gzip, identity",
        "é",
    ] {
        cases.push(
            with_coding(coding)
                .expect_problem(415, "media-type-unsupported")
                .expect_header("accept-encoding", "identity"),
        );
    }
    let twice = post_body(&token, r#"{"ids":["42"]}"#)
        .header("content-encoding", "identity")
        .header("content-encoding", "gzip");
    cases.push(Case::new("two codings", &twice).expect_problem(415, "media-type-unsupported"));
    assert_cases(&stage, &cases).await;
}
