//! Events with missing or duplicate members, and events of other services.

use restctl_testkit::alb::AlbRequest;
use restctl_testkit::bench::process::read_usage;
use serde_json::{Value, json};

use super::case::{Case, assert_cases};
use crate::stage::Stage;

#[tokio::test]
async fn an_event_may_lack_members() {
    let stage = Stage::start().await;
    stage.put_item("42", json!({}));
    let request = AlbRequest::get("/v1/items/42").query("x", "1").bearer(&stage.provider.token());
    let without = |event: &Value, member: &str| {
        let mut event = event.clone();
        event.as_object_mut().expect("an event is an object").shift_remove(member);
        event
    };
    let null = |event: &Value, member: &str| {
        let mut event = event.clone();
        event[member] = Value::Null;
        event
    };
    let mut cases = vec![
        Case::from_event("with multi-value headers", request.multi_value_event()),
        Case::from_event("with single-value headers", request.single_value_event()),
    ];
    for event in [request.multi_value_event(), request.single_value_event()] {
        for member in [
            "requestContext",
            "body",
            "isBase64Encoded",
            "queryStringParameters",
            "multiValueQueryStringParameters",
        ] {
            cases.push(Case::from_event(format!("without {member}"), without(&event, member)));
        }
        for member in ["requestContext", "body", "queryStringParameters", "multiValueQueryStringParameters"] {
            cases.push(Case::from_event(format!("{member} null"), null(&event, member)));
        }
        for change in [without, null] {
            cases.extend([
                Case::from_event("no headers", change(&change(&event, "headers"), "multiValueHeaders"))
                    .expect_problem(401, "token-missing"),
                Case::from_event("no method", change(&event, "httpMethod"))
                    .expect_problem(405, "method-not-allowed"),
                Case::from_event("no path", change(&event, "path")).expect_problem(404, "path-unknown"),
            ]);
        }
    }
    let (mut extra, mut both) = (request.multi_value_event(), request.multi_value_event());
    extra["newMember"] = json!({"of": ["a", "later", "version"]});
    both["headers"] = request.single_value_event()["headers"].clone();
    cases.push(Case::from_event("an extra member", extra));
    cases.push(Case::from_event("headers in both maps", both.clone()));
    both["multiValueHeaders"]["authorization"] = json!(["Bearer a.b.c", "Bearer a.b.c"]);
    cases.push(
        Case::from_event("two tokens, one of them hidden", both)
            .expect_problem(400, "authorization-repeated"),
    );
    assert_cases(&stage, &cases).await;
}

#[tokio::test]
async fn odd_headers_do_no_harm() {
    let stage = Stage::start().await;
    stage.put_item("42", json!({}));
    let token = stage.provider.token();
    let good = AlbRequest::get("/v1/items/42").bearer(&token);
    let mut cases = Vec::new();
    for (name, value) in [
        ("x-name", "é"),
        ("x-name", "日本語"),
        ("x-name", ""),
        ("x-name", "a\tb"),
        ("x-name", "\u{1}\u{7f}\n"),
        ("x_name", "1"),
        ("x(name", "1"),
        ("x name", "1"),
        ("é", "1"),
        ("", "1"),
        ("content-length", "-1"),
        ("content-length", "99999999999999999999"),
        ("transfer-encoding", "chunked"),
        ("host", ""),
        ("x-forwarded-for", "' OR 1=1 --"),
        ("x-http-method-override", "DELETE"),
        ("x-original-url", "/health"),
        ("x-rewrite-url", "/health"),
        ("range", "bytes=0-1"),
        ("if-match", "\"x\""),
        ("if-modified-since", "Fri, 01 Jan 2100 00:00:00 GMT"),
        ("expect", "100-continue"),
        ("upgrade", "websocket"),
        ("origin", "https://attacker.invalid"),
    ] {
        cases.push(
            Case::new(format!("{name}: {value}"), &good.clone().header(name, value))
                .expect_no_header("access-control-allow-origin"),
        );
    }
    let many = (0..500).fold(good.clone(), |request, number| request.header(&format!("x-{number}"), "1"));
    cases.push(Case::new("500 headers", &many));
    cases.push(Case::new("a header of 60 KB", &good.header("x-long", &"x".repeat(60_000))));

    let sent = |authorization: &str| {
        let request = AlbRequest::get("/v1/items/42").header("authorization", authorization);
        Case::new(format!("authorization of {} bytes", authorization.len()), &request)
    };
    cases.extend([
        sent(&format!("BEARER {token}")),
        sent(&format!("bearer   {token}  ")),
        sent(&format!("Bearer é{token}")).expect_problem(401, "token-refused"),
        sent(&format!("Bearer {token}é")).expect_problem(401, "token-refused"),
        sent(&format!("Bearer\u{a0}{token}")).expect_problem(401, "token-missing"),
        sent(&format!("Bearer\0{token}")).expect_problem(401, "token-missing"),
        sent(&format!("Bearer {token}\0")).expect_problem(401, "token-refused"),
        sent(&format!("Bearer {token}\n")).expect_problem(401, "token-refused"),
        sent(&format!("Bearer {}", "x".repeat(60_000))).expect_problem(401, "token-refused"),
        sent(&" ".repeat(1000)).expect_problem(401, "token-missing"),
    ]);
    assert_cases(&stage, &cases).await;
}

/// A name that is copied for each of its values would take half a gigabyte.
#[tokio::test]
async fn repeated_names_take_no_more_memory_than_the_event() {
    let stage = Stage::start().await;
    stage.put_item("42", json!({}));
    let good = AlbRequest::get("/v1/items/42").bearer(&stage.provider.token());
    let mut cases = Vec::new();
    for map in ["multiValueHeaders", "multiValueQueryStringParameters"] {
        let mut event = good.multi_value_event();
        event[map]["x".repeat(50_000)] = json!(vec![""; 10_000]);
        cases.push(Case::from_event(format!("a long name in {map}"), event));
    }
    for name in ["accept", "accept-encoding", "if-none-match", "content-type"] {
        let mut event = good.multi_value_event();
        event["multiValueHeaders"][name] = json!(vec!["x/y, */*"; 20_000]);
        cases.push(Case::from_event(format!("many lines of {name}"), event));
    }
    assert_cases(&stage, &cases).await;
    let peak = read_usage(stage.runtime.process_id()).unwrap().peak_bytes;
    assert!(peak < 128 << 20, "{} MiB", peak >> 20);
}

/// Whatever the function answers, it must continue with the next event.
#[tokio::test]
async fn events_of_other_services_do_no_harm() {
    let stage = Stage::start().await;
    stage.put_item("42", json!({}));
    let token = stage.provider.token();
    let good = AlbRequest::get("/v1/items/42").bearer(&token);
    let changed = |member: &str, value: Value| {
        let mut event = good.multi_value_event();
        event[member] = value;
        event
    };
    let bearer = format!("Bearer {token}");
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    for (name, event) in [
        ("{}", json!({})),
        ("null", Value::Null),
        ("an array", json!([])),
        ("an array of values", json!(["GET", "/health", null, null, null, null, null, false])),
        ("a string", json!("GET /v1/items/42")),
        ("a number", json!(42)),
        (
            "an HTTP API event",
            json!({
                "version": "2.0", "routeKey": "$default", "rawPath": "/v1/items/42", "rawQueryString": "",
                "headers": {"authorization": bearer},
                "requestContext": {"http": {"method": "GET", "path": "/v1/items/42"}}, "isBase64Encoded": false,
            }),
        ),
        (
            "a REST API event",
            json!({
                "resource": "/{proxy+}", "path": "/v1/items/42", "httpMethod": "GET", "headers": null,
                "multiValueHeaders": null, "queryStringParameters": null, "pathParameters": {"proxy": "x"},
                "requestContext": {"authorizer": {"claims": {"scope": "read:items"}}}, "body": null, "isBase64Encoded": false,
            }),
        ),
        ("an SQS event", json!({"Records": [{"eventSource": "aws:sqs", "messageId": "1", "body": "{}"}]})),
        (
            "a scheduled event",
            json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}),
        ),
        ("headers as an array", changed("multiValueHeaders", json!([["authorization", bearer]]))),
        ("headers as a string", changed("multiValueHeaders", json!(bearer))),
        ("a header that is not an array", changed("multiValueHeaders", json!({"authorization": bearer}))),
        ("a header that is a number", changed("multiValueHeaders", json!({"authorization": [42]}))),
        ("a path that is an array", changed("path", json!(["/v1/items/42"]))),
        ("a method that is a number", changed("httpMethod", json!(1))),
        ("a body that is an object", changed("body", json!({"ids": ["42"]}))),
        ("isBase64Encoded as a string", changed("isBase64Encoded", json!("true"))),
        ("a deep query", changed("multiValueQueryStringParameters", json!({"x": [deep]}))),
    ] {
        if let Ok(answer) = stage.runtime.invoke(&event).await {
            let status = answer["statusCode"].as_u64().unwrap_or_default();
            assert!((400..500).contains(&status), "{name}: {answer}");
            assert!(!answer.to_string().contains(&token), "{name}: {answer}");
        }
        assert_eq!(stage.send(&good).await.status, 200, "after {name}");
    }
    assert!(!stage.runtime.output().contains(&token));
}
