//! Types and encodings that a client accepts, and entities that it has already.

use restctl_testkit::alb::AlbRequest;
use serde_json::json;

use super::case::{Case, assert_cases};
use crate::stage::Stage;

#[tokio::test]
async fn only_an_accepted_type_is_sent() {
    let stage = Stage::start().await;
    stage.put_item("42", json!({}));
    let token = stage.provider.token();
    let accepting = |path: &str, accept: &str| {
        let request = AlbRequest::get(path).without_header("accept").header("accept", accept);
        Case::new(format!("{path} as {accept}"), &request.bearer(&token))
    };
    let item = "/v1/items/42";
    let mut cases = Vec::new();
    for good in [
        "*/*",
        "application/json",
        "APPLICATION/JSON",
        "application/*",
        "*/*;q=0.1",
        "*/* ; q=0.001",
        "application/json;q=0.5",
        "text/html, application/xhtml+xml, */*;q=0.8",
        "text/html;q=1,application/json;q=0.1",
        "application/json, */*;q=0",
        "application/*;q=0.1, */*;q=0",
        "text/*;q=0, */*",
        "application/xml;q=0, application/json",
        "application/json;Q=1.0",
        " application/json ",
        "text/html,,application/json,",
    ] {
        cases.push(accepting(item, good));
    }
    for bad in [
        "text/html",
        "text/*",
        "application/xml",
        "application/problem+json",
        "application/vnd.api+json",
        "application/jsonp",
        "json",
        "application/json;q=0",
        "application/json;q=0.0",
        "application/json;q=0, */*",
        "application/*;q=0, */*",
        "*/*;q=0",
        "*/*;q=0.000",
        "*/json",
        "application/json;q=0, application/*;q=0.5",
    ] {
        cases.push(accepting(item, bad).expect_problem(406, "not-acceptable"));
    }
    let two = AlbRequest::get(item)
        .without_header("accept")
        .header("accept", "text/html")
        .header("accept", "application/json");
    cases.push(Case::new("on two lines", &two.bearer(&token)));
    cases.push(Case::new("no Accept", &AlbRequest::get(item).without_header("accept").bearer(&token)));
    let as_html = |method: &str, path: &str| {
        AlbRequest::new(method, path).without_header("accept").header("accept", "text/html")
    };
    // The order of the checks: token, path, method, Accept, media type, body, table.
    cases.extend([
        Case::new("HTML without a token", &as_html("GET", item)).expect_problem(401, "token-missing"),
        accepting("/nowhere", "text/html").expect_problem(404, "path-unknown"),
        accepting("/v1/items/none", "text/html").expect_problem(406, "not-acceptable"),
        accepting("/v1/items/none", "application/json").expect_problem(404, "item-not-found"),
        Case::new("HTML by DELETE", &as_html("DELETE", item).bearer(&token))
            .expect_problem(405, "method-not-allowed"),
        Case::new("HTML of a form", &as_html("POST", "/v1/items/batch-get").bearer(&token).body("x"))
            .expect_problem(406, "not-acceptable"),
        Case::new("HEAD as HTML", &as_html("HEAD", item).bearer(&token))
            .expect_problem(406, "not-acceptable"),
    ]);
    assert_cases(&stage, &cases).await;
}

#[tokio::test]
async fn an_entity_that_the_client_has_is_not_sent_again() {
    let stage = Stage::start().await;
    stage.put_item("42", json!({}));
    stage.put_item("43", json!({}));
    let token = stage.provider.token();
    let (item, other) = (stage.get("/v1/items/42").await, stage.get("/v1/items/43").await);
    let tag = item.header("etag").expect("an item has a tag").to_owned();
    let other = other.header("etag").expect("an item has a tag").to_owned();
    assert_ne!(tag, other);
    let strong = tag.trim_start_matches("W/").to_owned();
    let knowing = |method: &str, path: &str, known: &str| {
        let request = AlbRequest::new(method, path).bearer(&token).header("if-none-match", known);
        Case::new(format!("{method} {path} knowing {known}"), &request)
    };
    let item = "/v1/items/42";
    let mut cases = Vec::new();
    for known in [
        tag.clone(),
        strong.clone(),
        "*".to_owned(),
        format!("{other}, {tag}"),
        format!("{tag},{other}"),
        format!("\"a,b\" , {tag}"),
        format!("W/\"\",{strong}"),
    ] {
        cases.push(
            knowing("GET", item, &known)
                .expect_empty(304)
                .expect_header("etag", &tag)
                .expect_no_header("content-type"),
        );
        cases.push(knowing("HEAD", item, &known).expect_empty(304).expect_header("etag", &tag));
    }
    let unquoted = strong.trim_matches('"').to_owned();
    let cut = strong[..strong.len() - 2].to_owned() + "\"";
    for known in [
        other.clone(),
        unquoted,
        cut,
        strong.to_uppercase(),
        "\"\"".to_owned(),
        "W/".to_owned(),
        "\"".to_owned(),
        "\"*\"".to_owned(),
        "\"é\"".to_owned(),
        "x".repeat(10_000),
    ] {
        cases.push(knowing("GET", item, &known).expect_header("etag", &tag));
    }
    cases.push(knowing("HEAD", item, &other).expect_header("etag", &tag));
    let two =
        AlbRequest::get(item).bearer(&token).header("if-none-match", &other).header("if-none-match", &tag);
    cases.push(Case::new("on two lines", &two).expect_empty(304));
    cases.extend([
        knowing("GET", "/v1/items/none", "*").expect_problem(404, "item-not-found"),
        knowing("GET", "/nowhere", "*").expect_problem(404, "path-unknown"),
        knowing("GET", "/v1/openapi.json", "*").expect_empty(304),
        knowing("GET", "/health", "*").expect_json(json!({"status": "ok"})),
        knowing("DELETE", item, "*").expect_problem(405, "method-not-allowed"),
    ]);
    let without = AlbRequest::get(item).header("if-none-match", &tag);
    cases.push(Case::new("without a token", &without).expect_problem(401, "token-missing"));
    let bulk =
        AlbRequest::post_json("/v1/items/batch-get", &json!({"ids": ["42"]})).header("if-none-match", "*");
    cases.push(
        Case::new("a bulk call", &bulk.bearer(&token))
            .expect_json(json!({"items": [{"id": "42"}], "missing": []})),
    );
    assert_cases(&stage, &cases).await;
}

#[tokio::test]
async fn only_an_accepted_coding_is_used() {
    let stage = Stage::start().await;
    stage.put_item("42", json!({}));
    let (text, small) = ("x".repeat(5000), "x".repeat(1380));
    stage.put_item("large", json!({"text": {"S": text}}));
    stage.put_item("small", json!({"text": {"S": small}}));
    let token = stage.provider.token();
    let accepting = |method: &str, id: &str, codings: &str| {
        let request = AlbRequest::new(method, &format!("/v1/items/{id}")).bearer(&token);
        Case::new(format!("{id} as {codings}"), &request.header("accept-encoding", codings))
    };
    let large = || json!({"id": "large", "text": text});
    let mut cases = Vec::new();
    for gzip in [
        "gzip",
        "GZIP",
        "x-gzip",
        "gzip, deflate, br, zstd",
        "br;q=1.0, gzip;q=0.5",
        "identity;q=0, gzip",
        "gzip;q=0.001",
        "deflate,  gzip ;q=1",
        "*",
    ] {
        cases.push(
            accepting("GET", "large", gzip).expect_json(large()).expect_header("content-encoding", "gzip"),
        );
    }
    for plain in [
        "",
        "identity",
        "br",
        "deflate",
        "gzip;q=0",
        "gzip;q=0.0",
        "gzip;q=0, *",
        "*;q=0",
        "gzipped",
        "identity;q=0",
        "x",
    ] {
        cases
            .push(accepting("GET", "large", plain).expect_json(large()).expect_no_header("content-encoding"));
    }
    let plain = AlbRequest::get("/v1/items/large").bearer(&token);
    cases.push(
        Case::new("no Accept-Encoding", &plain).expect_json(large()).expect_no_header("content-encoding"),
    );
    let two = plain.header("accept-encoding", "br").header("accept-encoding", "gzip");
    cases
        .push(Case::new("on two lines", &two).expect_json(large()).expect_header("content-encoding", "gzip"));
    cases.extend([
        accepting("GET", "42", "gzip").expect_no_header("content-encoding"),
        // {"id":"small","text":"…"} has 1,404 bytes.
        accepting("GET", "small", "gzip")
            .expect_json(json!({"id": "small", "text": small}))
            .expect_header("content-encoding", "gzip"),
        accepting("GET", "none", "gzip")
            .expect_problem(404, "item-not-found")
            .expect_no_header("content-encoding"),
        accepting("HEAD", "large", "gzip").expect_json(large()).expect_header("content-encoding", "gzip"),
    ]);
    assert_cases(&stage, &cases).await;
}
