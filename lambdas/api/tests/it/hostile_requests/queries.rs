//! Query parameters of the list, and of paths that take none.

use restctl_testkit::alb::AlbRequest;
use serde_json::{Value, json};

use super::case::{Case, assert_cases};
use crate::stage::Stage;

fn list_request(token: &str, parameters: &[(&str, &str)]) -> AlbRequest {
    let request = AlbRequest::get("/v1/items").bearer(token);
    parameters.iter().fold(request, |request, (name, value)| request.query(name, value))
}

#[tokio::test]
async fn a_list_checks_its_query() {
    let stage = Stage::start_with_list().await;
    ["a", "b", "c"].iter().for_each(|id| stage.put_item(id, json!({})));
    let token = stage.provider.token();
    let case = |parameters: &[(&str, &str)]| {
        let shown: String = format!("{parameters:?}").chars().take(80).collect();
        Case::new(shown, &list_request(&token, parameters))
    };
    let all = || json!({"items": [{"id": "a"}, {"id": "b"}, {"id": "c"}]});
    let first = stage.send(&list_request(&token, &[("limit", "1")])).await.json();
    assert_eq!(first["items"], json!([{"id": "a"}]));
    let cursor = first["cursor"].as_str().expect("there is more").to_owned();
    let rest = || json!({"items": [{"id": "b"}, {"id": "c"}]});

    let mut cases = vec![
        case(&[]).expect_json(all()),
        case(&[("limit", "4")]).expect_json(all()),
        case(&[("limit", "1000")]).expect_json(all()),
        case(&[("limit", "%31000")]).expect_json(all()),
        case(&[("Limit", "0"), ("offset", "x"), ("", "")]).expect_json(all()),
        case(&[("cursor", &cursor)]).expect_json(rest()),
        case(&[("cursor", &cursor), ("limit", "3")]).expect_json(rest()),
        case(&[("cursor", &cursor.replace('-', "%2D").replace('_', "%5f"))]).expect_json(rest()),
    ];
    for limit in [
        "",
        "0",
        "00",
        "-1",
        "1001",
        "99999999999999999999999",
        "+5",
        "5.0",
        "1e2",
        "ten",
        " 5",
        "5 ",
        "5%20",
        "%2B5",
        "5%00",
        "0x5",
        "%EF%BC%95",
        "５",
        "NaN",
        "null",
        "[5]",
        "5,5",
        "%FF",
        "%",
    ] {
        cases.push(case(&[("limit", limit)]).expect_problem(400, "query-invalid"));
    }
    cases.extend([
        case(&[("limit", "5"), ("limit", "5")]).expect_problem(400, "query-invalid"),
        case(&[("limit", "5"), ("limit", "0")]).expect_problem(400, "query-invalid"),
        case(&[("cursor", &cursor), ("cursor", &cursor)]).expect_problem(400, "query-invalid"),
        case(&[("cursor", &cursor), ("limit", "0")]).expect_problem(400, "query-invalid"),
    ]);
    let flipped = |index: usize| {
        let mut text = cursor.clone().into_bytes();
        text[index] = if text[index] == b'A' { b'B' } else { b'A' };
        String::from_utf8(text).expect("base64url is ASCII")
    };
    for bad in [
        String::new(),
        "x".to_owned(),
        "a".to_owned(),
        "%00".to_owned(),
        "null".to_owned(),
        cursor[1..].to_owned(),
        cursor[..cursor.len() - 1].to_owned(),
        format!("{cursor}A"),
        format!("{cursor}="),
        format!("{cursor}%20"),
        format!("{cursor}{cursor}"),
        flipped(0),
        flipped(cursor.len() / 2),
        flipped(cursor.len() - 2),
        cursor.to_uppercase(),
        "A".repeat(43),
        "A".repeat(100_000),
    ] {
        cases.push(case(&[("cursor", &bad)]).expect_problem(400, "cursor-invalid"));
    }
    let head = AlbRequest::new("HEAD", "/v1/items").bearer(&token);
    let known = list_request(&token, &[]).header("if-none-match", "*");
    cases.extend([
        Case::new("HEAD", &head).expect_json(all()),
        Case::new("known", &known).expect_empty(304),
        Case::from_event("single-value", list_request(&token, &[("limit", "4")]).single_value_event())
            .expect_json(all()),
        Case::from_event("single-value limit", list_request(&token, &[("limit", "0")]).single_value_event())
            .expect_problem(400, "query-invalid"),
        Case::new("no token", &AlbRequest::get("/v1/items").query("limit", "0"))
            .expect_problem(401, "token-missing"),
        Case::new("POST", &AlbRequest::post_json("/v1/items", &json!({})).bearer(&token))
            .expect_problem(405, "method-not-allowed")
            .expect_header("allow", "GET, HEAD"),
    ]);
    let scans = stage.dynamo.count_calls("Scan");
    assert_cases(&stage, &cases).await;
    assert_eq!(stage.dynamo.count_calls("Scan") - scans, 11, "a refused request must not read the table");
}

#[tokio::test]
async fn other_paths_ignore_their_query() {
    let stage = Stage::start().await;
    stage.put_item("42", json!({}));
    let token = stage.provider.token();
    let mut cases = Vec::new();
    for (name, value) in
        [("limit", "0"), ("cursor", "x"), ("", ""), ("%", "%"), ("x", "%FF"), ("é", "é"), ("__proto__", "{}")]
    {
        let with = |path: &str| AlbRequest::get(path).query(name, value).query(name, value).bearer(&token);
        let shown = format!("{name}={value}");
        cases.push(Case::new(format!("item with {shown}"), &with("/v1/items/42")));
        cases.push(
            Case::new(format!("disabled list with {shown}"), &with("/v1/items"))
                .expect_problem(404, "list-off"),
        );
        cases.push(
            Case::new(format!("unknown path with {shown}"), &with("/nowhere"))
                .expect_problem(404, "path-unknown"),
        );
        let health = AlbRequest::get("/health").query(name, value);
        cases.push(Case::new(format!("health with {shown}"), &health).expect_json(json!({"status": "ok"})));
    }
    let mut odd = AlbRequest::get("/v1/items/42").bearer(&token).multi_value_event();
    odd["multiValueQueryStringParameters"] = json!({"x": []});
    odd["queryStringParameters"] = Value::Null;
    cases.push(Case::from_event("a parameter without values", odd));
    assert_cases(&stage, &cases).await;
    assert_eq!(stage.dynamo.count_calls("Scan"), 0);
}
