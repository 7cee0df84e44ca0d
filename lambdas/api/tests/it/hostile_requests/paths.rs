//! Methods, paths and ids.

use restctl_testkit::alb::AlbRequest;
use restctl_testkit::identity_provider::IdentityProvider;
use serde_json::{Value, json};

use super::case::{Case, assert_cases};
use crate::stage::{Stage, TABLE};

const ITEM: &str = "/v1/items/42";

#[tokio::test]
async fn only_allowed_methods_are_answered() {
    let stage = start_with_items(&["42", "batch-get"]).await;
    let token = stage.provider.token();
    let case = |method: &str, path: &str| {
        let request = AlbRequest::new(method, path).bearer(&token);
        Case::new(format!("{method} {path}"), &request)
    };
    let mut cases = vec![case("GET", ITEM), case("HEAD", ITEM)];
    for method in
        ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "QUERY", "get", "GETT", ""]
    {
        cases.push(
            case(method, ITEM).expect_problem(405, "method-not-allowed").expect_header("allow", "GET, HEAD"),
        );
        let without = AlbRequest::new(method, ITEM);
        cases.push(
            Case::new(format!("{method} without a token"), &without).expect_problem(401, "token-missing"),
        );
    }
    for path in ["/health", "/v1/openapi.json", "/v1/items"] {
        for method in ["POST", "DELETE", "OPTIONS"] {
            cases.push(
                case(method, path)
                    .expect_problem(405, "method-not-allowed")
                    .expect_header("allow", "GET, HEAD"),
            );
        }
    }
    for method in ["PUT", "DELETE", "OPTIONS"] {
        let refused = case(method, "/v1/items/batch-get").expect_problem(405, "method-not-allowed");
        cases.push(refused.expect_header("allow", "GET, HEAD, POST"));
    }
    cases.extend([
        case("GET", "/v1/items/batch-get").expect_json(json!({"id": "batch-get"})),
        case("HEAD", "/v1/items/batch-get").expect_json(json!({"id": "batch-get"})),
        case("HEAD", "/v1/items/none").expect_problem(404, "item-not-found"),
        case("HEAD", "/nowhere").expect_problem(404, "path-unknown"),
        case("HEAD", "/health").expect_json(json!({"status": "ok"})),
        case("HEAD", "/v1/items").expect_problem(404, "list-off"),
        case("GET", "/v1/items").expect_problem(404, "list-off"),
    ]);
    let unknown = AlbRequest::new("HEAD", ITEM);
    let challenge = r#"Bearer realm="restctl""#;
    cases.push(
        Case::new("HEAD without a token", &unknown)
            .expect_problem(401, "token-missing")
            .expect_header("www-authenticate", challenge),
    );
    assert_cases(&stage, &cases).await;
}

#[tokio::test]
async fn unknown_paths_are_not_found() {
    let stage = start_with_items(&["42", "a/b"]).await;
    let token = stage.provider.token();
    let long = format!("/{}", "v".repeat(8000));
    let mut cases = Vec::new();
    for path in [
        "",
        "/",
        "*",
        "v1/items/42",
        "/v1",
        "/v1/",
        "/v1/items/",
        "/v1/item/42",
        "/v1/itemsx",
        "/v2/items/42",
        "/V1/items/42",
        "/v1/Items/42",
        "//v1/items/42",
        "/v1//items/42",
        "/v1/items%2F42",
        "/%761/items/42",
        "/v1/./items/42",
        "/health/",
        "/Health",
        "//health",
        "/health/../v1/items/42",
        "/health%2F..%2Fv1/items/42",
        "/health;x=1",
        "/health?x=1",
        "/healthx",
        "/%68ealth",
        "/v1/../health",
        "/v1/openapi.json/",
        "/v1/OpenAPI.json",
        "/v1/openapi",
        "/openapi.json",
        "/_alb/x/v1/items/42",
        "http://items.example.test/v1/items/42",
        "/v1\\items\\42",
        "/\u{0}",
        "/é",
        &long,
    ] {
        let request = AlbRequest::get(path);
        cases.push(
            Case::new(format!("{path} without a token"), &request).expect_problem(401, "token-missing"),
        );
        cases.push(Case::new(path, &request.bearer(&token)).expect_problem(404, "path-unknown"));
    }
    for health in [AlbRequest::get("/health"), AlbRequest::get("/health").query("x", "1")] {
        // The load balancer's own health checks have hardly any headers.
        let check = health.clone().header("user-agent", "ELB-HealthChecker/2.0").without_header("accept");
        cases.push(Case::new("health", &health).expect_json(json!({"status": "ok"})));
        cases.push(Case::new("health check", &check).expect_json(json!({"status": "ok"})));
        let as_html = health.without_header("accept").header("accept", "text/html");
        cases.push(Case::new("health as HTML", &as_html).expect_json(json!({"status": "ok"})));
    }
    assert_cases(&stage, &cases).await;
    assert_eq!(stage.dynamo.count_calls("GetItem"), 0);
}

#[tokio::test]
async fn text_ids_are_decoded_and_checked() {
    let ids =
        ["42", "a/b", "a b", "a+b", "é😀", "50%", "%zz", "..", "../42", "a?b", "/", "\u{0}", "batch-get/"];
    let unusual = [".", " \ta\r\n", "\u{feff}1", "\u{7f}\u{202e}\u{85}"];
    let stage = start_with_items(&[&ids[..], &unusual].concat()).await;
    let token = stage.provider.token();
    let case = |encoded: &str| {
        let shown: String = encoded.chars().take(40).collect();
        Case::new(format!("id {shown}"), &AlbRequest::get(&format!("/v1/items/{encoded}")).bearer(&token))
    };
    let mut cases = Vec::new();
    for (encoded, id) in [
        ("42", "42"),
        ("%34%32", "42"),
        ("a%2Fb", "a/b"),
        ("a%2fb", "a/b"),
        ("a/b", "a/b"),
        ("a%20b", "a b"),
        ("a b", "a b"),
        ("a+b", "a+b"),
        ("a%2Bb", "a+b"),
        ("%C3%A9%F0%9F%98%80", "é😀"),
        ("é😀", "é😀"),
        ("50%25", "50%"),
        ("50%", "50%"),
        ("%zz", "%zz"),
        ("%25zz", "%zz"),
        ("..", ".."),
        ("%2E%2E", ".."),
        ("../42", "../42"),
        ("a%3Fb", "a?b"),
        ("%2F", "/"),
        ("/", "/"),
        ("%00", "\0"),
        ("%20%09a%0D%0A", " \ta\r\n"),
        ("%EF%BB%BF1", "\u{feff}1"),
        ("%7F%E2%80%AE%C2%85", "\u{7f}\u{202e}\u{85}"),
        (".", "."),
        ("batch-get/", "batch-get/"),
    ] {
        cases.push(case(encoded).expect_json(json!({"id": id})));
    }
    for encoded in ["%2534%2532", "042", "42%20", "4%E2%80%8B2", "%0A", "none", "a//b", "A/B", "%252F"] {
        cases.push(case(encoded).expect_problem(404, "item-not-found"));
    }
    for encoded in ["%FF", "%C3", "a%80b", "%C0%AF", "%ED%A0%80", "%F4%90%80%80", "%FE%FF"] {
        cases.push(case(encoded).expect_problem(400, "id-invalid"));
    }
    for encoded in ["x".repeat(2048), "%C3%A9".repeat(1024), "é".repeat(1024)] {
        cases.push(case(&encoded).expect_problem(404, "item-not-found"));
    }
    for encoded in ["x".repeat(2049), format!("{}x", "%C3%A9".repeat(1024)), "x".repeat(16_000)] {
        cases.push(case(&encoded).expect_problem(400, "id-invalid"));
    }
    assert_cases(&stage, &cases).await;
}

#[tokio::test]
async fn number_ids_are_found_by_value() {
    let stage = Stage::start_with_provider(IdentityProvider::start().await, "N").await;
    for number in ["42", "-1.5", "0", "1E+20"] {
        stage.dynamo.put_item(TABLE, json!({"id": {"N": number}}));
    }
    let token = stage.provider.token();
    let case = |encoded: &str| {
        Case::new(format!("id {encoded}"), &AlbRequest::get(&format!("/v1/items/{encoded}")).bearer(&token))
    };
    let mut cases = Vec::new();
    for encoded in
        ["42", "042", "42.0", "4.2e1", "420E-1", "0.42e2", "%34%32", "42.", "+42", "%2B42", ".42e2"]
    {
        cases.push(case(encoded).expect_json(json!({"id": 42})));
    }
    for encoded in ["0", "-0", "0.000", "0e9"] {
        cases.push(case(encoded).expect_json(json!({"id": 0})));
    }
    cases.push(case("-1.50").expect_json(json!({"id": -1.5})));
    for encoded in ["43", "-42", "99999999999999999999999999999999999999"] {
        cases.push(case(encoded).expect_problem(404, "item-not-found"));
    }
    let digits = "9".repeat(39);
    for encoded in [
        "x",
        "4 2",
        "42x",
        "%2042",
        "42%20",
        "0x2a",
        "4,2",
        "4_2",
        "NaN",
        "Infinity",
        "-",
        "--1",
        "1e",
        "e1",
        ".",
        "+",
        "+-1",
        ".e1",
        "1e126",
        "1e-131",
        "1e99999999999999999999",
        "４２",
        "%D9%A4%D9%A2",
        "42/",
        "42%00",
        &digits,
    ] {
        cases.push(case(encoded).expect_problem(400, "id-invalid"));
    }
    assert_cases(&stage, &cases).await;
}

/// Starts the function with items that have only their ids.
async fn start_with_items(ids: &[&str]) -> Stage {
    let stage = Stage::start().await;
    ids.iter().for_each(|id| stage.put_item(id, Value::Object(serde_json::Map::new())));
    stage
}
