//! All items, page by page.

use restctl_testkit::alb::AlbRequest;
use restctl_testkit::identity_provider::IdentityProvider;
use serde_json::{Value, json};

use crate::stage::{Stage, assert_problem};

/// Returns a list request with a good token.
fn list_request(stage: &Stage, parameters: &[(&str, &str)]) -> AlbRequest {
    let request = AlbRequest::get("/v1/items").bearer(&stage.provider.token());
    parameters.iter().fold(request, |request, (name, value)| request.query(name, value))
}

#[tokio::test]
async fn a_list_can_be_read_to_its_end() {
    let stage = Stage::start_with_list().await;
    let mut expected: Vec<String> = (0..25).map(|number| format!("id/{number} é")).collect();
    expected.iter().for_each(|id| stage.put_item(id, json!({"n": {"N": "1"}})));
    let (mut seen, mut sizes, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let mut parameters = vec![("limit", "10")];
        if !cursor.is_empty() {
            parameters.push(("cursor", &cursor));
        }
        let answer = stage.send(&list_request(&stage, &parameters)).await;
        assert_eq!(answer.status, 200);
        let answer = answer.json();
        let items = answer["items"].as_array().unwrap();
        assert!(items.iter().all(|item| item["n"] == 1 && item.get("restctl:load").is_none()));
        sizes.push(items.len());
        seen.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        match &answer["cursor"] {
            Value::Null => break,
            next => cursor = next.as_str().unwrap().to_owned(),
        }
    }
    assert_eq!(sizes, [10, 10, 5]);
    seen.sort_unstable();
    expected.sort_unstable();
    assert_eq!(seen, expected);
    // Once for all pages.
    assert_eq!(stage.dynamo.count_calls("GetSecretValue"), 1);
}

#[tokio::test]
async fn a_large_page_is_cut_between_items() {
    let stage = Stage::start_with_list().await;
    let mut expected: Vec<String> = (0..7).map(|number| format!("id-{number}")).collect();
    expected.iter().for_each(|id| stage.put_item(id, json!({"text": {"S": "x".repeat(300_000)}})));
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let parameters: Vec<_> = cursor.iter().map(|cursor| ("cursor", cursor.as_str())).collect();
        let answer = stage.send(&list_request(&stage, &parameters)).await.json();
        let items = answer["items"].as_array().unwrap();
        assert_eq!(items.len(), if seen.len() == 6 { 1 } else { 2 });
        seen.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        match &answer["cursor"] {
            Value::Null => break,
            next => cursor = Some(next.as_str().unwrap().to_owned()),
        }
    }
    expected.sort_unstable();
    assert_eq!(seen, expected);
    stage.put_item("a", json!({"text": {"S": "\u{1}".repeat(390_000)}}));
    assert_problem(&stage.send(&list_request(&stage, &[])).await, 500, "item-too-large");
}

#[tokio::test]
async fn without_the_secret_there_are_no_cursors() {
    let stage = Stage::start_with_list().await;
    ["a", "b"].iter().for_each(|id| stage.put_item(id, json!({})));
    stage.dynamo.throttle("GetSecretValue", 1);
    let answer = stage.send(&list_request(&stage, &[("limit", "1")])).await;
    let problem = assert_problem(&answer, 503, "cursors-unavailable");
    assert_eq!(problem["detail"], "the secret that signs cursors is unavailable; try again");
    assert_eq!(answer.header("retry-after"), Some("1"));
    let output = stage.wait_for_output(|output| output.contains("cursors-unavailable")).await;
    assert!(output.contains("GetSecretValue was throttled"), "{output}");
    assert_eq!(stage.send(&list_request(&stage, &[("limit", "1")])).await.status, 200);
}

#[tokio::test]
async fn each_instance_accepts_the_cursors_of_the_others() {
    let (one, other) = (Stage::start_with_list().await, Stage::start_with_list().await);
    for stage in [&one, &other] {
        ["a", "b", "c"].iter().for_each(|id| stage.put_item(id, json!({})));
    }
    let first = one.send(&list_request(&one, &[("limit", "1")])).await.json();
    let cursor = first["cursor"].as_str().unwrap();
    let second = other.send(&list_request(&other, &[("limit", "1"), ("cursor", cursor)])).await.json();
    assert_eq!((&first["items"], &second["items"]), (&json!([{"id": "a"}]), &json!([{"id": "b"}])));
}

#[tokio::test]
async fn a_bad_cursor_or_limit_reads_nothing() {
    let stage = Stage::start_with_list().await;
    stage.put_item("a", json!({}));
    for cursor in ["", "x", "eyJTIjoiYSJ9", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB7IlMiOiJhIn0", "%FF"]
    {
        let answer = stage.send(&list_request(&stage, &[("cursor", cursor)])).await;
        assert_eq!(answer.status, 400, "{cursor}");
    }
    for (name, value) in
        [("limit", "0"), ("limit", "1001"), ("limit", "-1"), ("limit", "+1"), ("limit", "ten")]
    {
        assert_problem(&stage.send(&list_request(&stage, &[(name, value)])).await, 400, "query-invalid");
    }
    let twice = list_request(&stage, &[("limit", "1"), ("limit", "1")]);
    assert_problem(&stage.send(&twice).await, 400, "query-invalid");
    assert_eq!(stage.dynamo.count_calls("Scan"), 0);
}

#[tokio::test]
async fn the_list_is_disabled_unless_it_is_deployed() {
    let stage = Stage::start_with_provider(IdentityProvider::start().await, "S").await;
    assert_problem(&stage.send(&list_request(&stage, &[])).await, 404, "list-off");
    assert_eq!(stage.dynamo.count_calls("Scan"), 0);
    assert_eq!(stage.send(&AlbRequest::get("/v1/items")).await.status, 401);
}
