//! Events at which `lambda_http` would panic if it made their requests, or of which it would make other requests.

use restctl_testkit::alb::AlbRequest;
use serde_json::{Map, Value, json};

use super::case::{Case, assert_cases};
use crate::stage::Stage;

#[tokio::test]
async fn no_header_becomes_a_part_of_the_uri() {
    let stage = Stage::start().await;
    stage.put_item("42", json!({}));
    let good = AlbRequest::get("/v1/items/42").bearer(&stage.provider.token());
    let mut cases = Vec::new();
    for (name, value) in [
        ("host", ""),
        ("host", "a b"),
        ("host", "["),
        ("host", "a:99999"),
        ("host", "%zz"),
        ("host", "xn--"),
        ("host", "1.2.3.4.5"),
        ("host", "a/v1/items/none?"),
        ("x-forwarded-proto", ""),
        ("x-forwarded-proto", "1"),
        ("x-forwarded-proto", "ht tp"),
    ] {
        let request = good.clone().without_header(name).header(name, value);
        for (map, event) in [("one", request.single_value_event()), ("many", request.multi_value_event())] {
            cases.push(Case::from_event(format!("{name}: {value:?}, {map} a name"), event));
        }
    }
    assert_cases(&stage, &cases).await;
}

#[tokio::test]
async fn paths_and_queries_are_not_made_a_uri() {
    let stage = Stage::start().await;
    stage.put_item("42", json!({}));
    let token = stage.provider.token();
    let mut cases = Vec::new();
    for path in
        [":x", " x", "@", "#", "?/health", "/hea\tlth", "/health#", "/health?", "/v1/../health", "\\health"]
    {
        let request = AlbRequest::get(path);
        cases.push(
            Case::new(format!("{path:?} without a token"), &request).expect_problem(401, "token-missing"),
        );
        cases.push(Case::new(path, &request.bearer(&token)).expect_problem(404, "path-unknown"));
    }
    let long = "x".repeat(70_000);
    let long_id = AlbRequest::get(&format!("/v1/items/{long}")).bearer(&token);
    let good = AlbRequest::get("/v1/items/42").bearer(&token);
    let mut without_value = good.single_value_event();
    without_value["queryStringParameters"] = json!({"x": null});
    cases.extend([
        Case::new("a long id", &long_id).expect_problem(400, "id-invalid"),
        Case::new("a long parameter", &good.query("x", &long)),
        Case::from_event("a parameter that is null", without_value),
    ]);
    assert_cases(&stage, &cases).await;
}

/// These are refused with or without a token: the function has no request whose token it could check.
#[tokio::test]
async fn what_no_request_can_have_is_refused() {
    let stage = Stage::start().await;
    stage.put_item("42", json!({}));
    let good = AlbRequest::get("/v1/items/42").bearer(&stage.provider.token());
    let mut cases = Vec::new();
    for request in [good.clone(), good.clone().without_header("authorization")] {
        let case = |name: String, member: &str, value: Value| {
            let mut event = request.multi_value_event();
            event[member] = value;
            Case::from_event(name, event)
        };
        for method in ["G ET", "GET\n", "\0", "é", "GET/", "(GET)", " "] {
            cases.push(
                case(format!("method {method:?}"), "httpMethod", json!(method))
                    .expect_problem(400, "request-malformed"),
            );
        }
        for count in [25_000, 40_000] {
            let names: Map<_, _> = (0..count).map(|number| (format!("x-{number}"), json!(["1"]))).collect();
            cases.push(
                case(format!("{count} headers"), "multiValueHeaders", json!(names))
                    .expect_problem(400, "request-malformed"),
            );
        }
        for body in ["no base64!", "AAE", "AAE=\n"] {
            let mut event = request.multi_value_event();
            event["body"] = json!(body);
            event["isBase64Encoded"] = json!(true);
            cases.push(
                Case::from_event(format!("body {body:?}"), event).expect_problem(400, "body-malformed"),
            );
        }
        cases.push(Case::new("a good request", &good));
    }
    assert_cases(&stage, &cases).await;
}
