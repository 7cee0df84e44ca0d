//! Methods, paths and ids.

use restctl_testkit::alb::AlbRequest;
use restctl_testkit::identity_provider::IdentityProvider;
use serde_json::{Value, json};

use super::case::{Case, judge};
use crate::stage::{Stage, TABLE};

const ITEM: &str = "/v1/items/42";

#[tokio::test]
async fn methods() {
    let stage = with_items(&["42", "batch-get"]).await;
    let token = stage.provider.token();
    let case = |method: &str, path: &str| {
        let request = AlbRequest::new(method, path).bearer(&token);
        Case::new(format!("{method} {path}"), &request)
    };
    let mut cases = vec![case("GET", ITEM), case("HEAD", ITEM).empty(200)];
    for method in
        ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "QUERY", "get", "GETT", ""]
    {
        cases.push(case(method, ITEM).problem(405, "method-not-allowed").header("allow", "GET, HEAD"));
        let without = AlbRequest::new(method, ITEM);
        cases.push(Case::new(format!("{method} without a token"), &without).problem(401, "token-missing"));
    }
    for path in ["/health", "/v1/openapi.json", "/v1/items"] {
        for method in ["POST", "DELETE", "OPTIONS"] {
            cases.push(case(method, path).problem(405, "method-not-allowed").header("allow", "GET, HEAD"));
        }
    }
    for method in ["PUT", "DELETE", "OPTIONS"] {
        let refused = case(method, "/v1/items/batch-get").problem(405, "method-not-allowed");
        cases.push(refused.header("allow", "GET, HEAD, POST"));
    }
    cases.extend([
        case("GET", "/v1/items/batch-get").ok(json!({"id": "batch-get"})),
        case("HEAD", "/v1/items/batch-get").empty(200),
        case("HEAD", "/v1/items/none").empty(404).header("content-type", "application/problem+json"),
        case("HEAD", "/nowhere").empty(404),
        case("HEAD", "/health").empty(200),
        case("HEAD", "/v1/items").empty(404),
        case("HEAD", "/v1/openapi.json").empty(200),
        case("GET", "/v1/items").problem(404, "list-off"),
    ]);
    let unknown = AlbRequest::new("HEAD", ITEM);
    let challenge = r#"Bearer realm="restctl""#;
    cases.push(Case::new("HEAD without a token", &unknown).empty(401).header("www-authenticate", challenge));
    judge(&stage, &cases).await;
}

#[tokio::test]
async fn paths() {
    let stage = with_items(&["42", "a/b"]).await;
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
        cases.push(Case::new(format!("{path} without a token"), &request).problem(401, "token-missing"));
        cases.push(Case::new(path, &request.bearer(&token)).problem(404, "path-unknown"));
    }
    for health in [AlbRequest::get("/health"), AlbRequest::get("/health").query("x", "1")] {
        // As the load balancer's own checks come: with hardly a header.
        let check = health.clone().header("user-agent", "ELB-HealthChecker/2.0").without_header("accept");
        cases.push(Case::new("health", &health).ok(json!({"status": "ok"})));
        cases.push(Case::new("health check", &check).ok(json!({"status": "ok"})));
        let picky = health.without_header("accept").header("accept", "text/html");
        cases.push(Case::new("health for whoever wants HTML", &picky).ok(json!({"status": "ok"})));
    }
    judge(&stage, &cases).await;
    assert_eq!(stage.dynamo.calls("GetItem"), 0);
}

#[tokio::test]
async fn text_ids() {
    let ids =
        ["42", "a/b", "a b", "a+b", "é😀", "50%", "%zz", "..", "../42", "a?b", "/", "\u{0}", "batch-get/"];
    let stage = with_items(&ids).await;
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
        ("batch-get/", "batch-get/"),
    ] {
        cases.push(case(encoded).ok(json!({"id": id})));
    }
    for encoded in ["%2534%2532", "042", "42%20", "4%E2%80%8B2", "%0A", "none", "a//b", "A/B", "%252F"] {
        cases.push(case(encoded).problem(404, "item-not-found"));
    }
    for encoded in ["%FF", "%C3", "a%80b", "%C0%AF", "%ED%A0%80", "%F4%90%80%80", "%FE%FF"] {
        cases.push(case(encoded).problem(400, "id-invalid"));
    }
    for encoded in ["x".repeat(2048), "%C3%A9".repeat(1024), "é".repeat(1024)] {
        cases.push(case(&encoded).problem(404, "item-not-found"));
    }
    for encoded in ["x".repeat(2049), format!("{}x", "%C3%A9".repeat(1024)), "x".repeat(16_000)] {
        cases.push(case(&encoded).problem(400, "id-invalid"));
    }
    judge(&stage, &cases).await;
}

#[tokio::test]
async fn number_ids() {
    let stage = Stage::with(IdentityProvider::start().await, "N").await;
    for number in ["42", "-1.5", "0", "1E+20"] {
        stage.dynamo.put(TABLE, json!({"id": {"N": number}}));
    }
    let token = stage.provider.token();
    let case = |encoded: &str| {
        Case::new(format!("id {encoded}"), &AlbRequest::get(&format!("/v1/items/{encoded}")).bearer(&token))
    };
    let mut cases = Vec::new();
    for encoded in ["42", "042", "42.0", "4.2e1", "420E-1", "0.42e2", "%34%32"] {
        cases.push(case(encoded).ok(json!({"id": 42})));
    }
    for encoded in ["0", "-0", "0.000", "0e9"] {
        cases.push(case(encoded).ok(json!({"id": 0})));
    }
    cases.push(case("-1.50").ok(json!({"id": -1.5})));
    for encoded in ["43", "-42", "99999999999999999999999999999999999999"] {
        cases.push(case(encoded).problem(404, "item-not-found"));
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
        ".5",
        "5.",
        "1e126",
        "1e-131",
        "1e99999999999999999999",
        "４２",
        "%D9%A4%D9%A2",
        "42/",
        "42%00",
        &digits,
    ] {
        cases.push(case(encoded).problem(400, "id-invalid"));
    }
    judge(&stage, &cases).await;
}

/// Items that have nothing but their ids.
async fn with_items(ids: &[&str]) -> Stage {
    let stage = Stage::set().await;
    ids.iter().for_each(|id| stage.put(id, Value::Object(serde_json::Map::new())));
    stage
}
