//! One item, and several items in one request.

use std::time::Duration;

use restctl_testkit::alb::{AlbAnswer, AlbRequest};
use restctl_testkit::dynamodb::Dynamo;
use restctl_testkit::identity_provider::IdentityProvider;
use serde_json::{Value, json};

use crate::stage::{Stage, TABLE, assert_problem};

#[tokio::test]
async fn an_item_is_returned_unchanged() {
    let stage = Stage::start().await;
    stage.put_item(
        "42",
        json!({
            "price": {"N": "12345678901234567890.123456789"},
            "name": {"S": "café \"x\""},
            "tags": {"SS": ["a", "b"]},
            "stock": {"M": {"b": {"N": "1"}, "a": {"BOOL": true}}},
        }),
    );
    let answer = stage.get("/v1/items/42").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    // Compared as text, because the order of keys and the digits of numbers matter. The load's attribute is missing.
    assert_eq!(
        String::from_utf8(answer.body).unwrap(),
        r#"{"id":"42","name":"café \"x\"","price":12345678901234567890.123456789,"stock":{"a":true,"b":1},"tags":["a","b"]}"#
    );
}

#[tokio::test]
async fn unknown_ids_paths_and_methods_are_refused() {
    let stage = Stage::start().await;
    assert_problem(&stage.get("/v1/items/none").await, 404, "item-not-found");
    assert_problem(&stage.get("/v1/items/").await, 404, "path-unknown");
    assert_problem(&stage.get("/v2/items/42").await, 404, "path-unknown");
    let put = stage.send(&AlbRequest::new("PUT", "/v1/items/42").bearer(&stage.provider.token())).await;
    assert_problem(&put, 405, "method-not-allowed");
    assert_eq!(put.header("allow"), Some("GET, HEAD"));
}

#[tokio::test]
async fn ids_are_percent_encoded() {
    let stage = Stage::start().await;
    for (id, encoded) in [
        ("a/b", "a%2Fb"),
        ("a b", "a%20b"),
        ("é😀", "%C3%A9%F0%9F%98%80"),
        ("100%", "100%25"),
        ("a?b#c", "a%3Fb%23c"),
        ("..", ".."),
        ("batch-get", "batch-get"),
    ] {
        stage.put_item(id, json!({}));
        let answer = stage.get(&format!("/v1/items/{encoded}")).await;
        assert_eq!((answer.status, answer.json()), (200, json!({"id": id})), "{encoded}");
    }
    assert_problem(&stage.get("/v1/items/%FF").await, 400, "id-invalid");
    assert_problem(&stage.get(&format!("/v1/items/{}", "x".repeat(2049))).await, 400, "id-invalid");
}

#[tokio::test]
async fn number_keys_are_found_by_value() {
    let stage = Stage::start_with_number_keys().await;
    stage.dynamo.put_item(TABLE, json!({"id": {"N": "42"}}));
    stage.dynamo.put_item(TABLE, json!({"id": {"N": "-1.5"}}));
    for (path, id) in [("42", "42"), ("042", "42"), ("42.0", "42"), ("4.2e1", "42"), ("-1.50", "-1.5")] {
        let answer = stage.get(&format!("/v1/items/{path}")).await;
        assert_eq!((answer.status, answer.body), (200, format!("{{\"id\":{id}}}").into_bytes()), "{path}");
    }
    assert_problem(&stage.get("/v1/items/forty").await, 400, "id-invalid");

    let answer = stage.batch_get(json!(["42", 42, 42.0, 7, "-1.5"])).await;
    let text = String::from_utf8(answer.body).unwrap();
    assert_eq!(text, r#"{"items":[{"id":42},{"id":-1.5}],"missing":[7]}"#);
    let answer = stage.batch_get(json!([null, "+42", "x", 42, "1 "])).await;
    let text = String::from_utf8(answer.body).unwrap();
    assert_eq!(
        (answer.status, text.as_str()),
        (
            200,
            r#"{"items":[{"id":42}],"missing":[],"invalid":[{"id":null,"detail":"is null, but this table's keys are numbers"},{"id":"x","detail":"is not a number"},{"id":"1 ","detail":"is not a number"}]}"#
        )
    );
    let calls = stage.dynamo.count_calls("BatchGetItem");
    let none = stage.batch_get(json!(["x", {}])).await;
    assert_eq!((none.status, &none.json()["items"]), (200, &json!([])));
    assert_eq!(stage.dynamo.count_calls("BatchGetItem"), calls, "nothing is left to read");
}

#[tokio::test]
async fn several_items_keep_the_order_of_their_ids() {
    let stage = Stage::start().await;
    for id in ["a", "b", "c/d"] {
        stage.put_item(id, json!({"n": {"N": "1"}}));
    }
    let answer = stage.batch_get(json!(["c/d", "x", "a", "c/d", "y", "b", "a"])).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        String::from_utf8(answer.body).unwrap(),
        r#"{"items":[{"id":"c/d","n":1},{"id":"a","n":1},{"id":"b","n":1}],"missing":["x","y"]}"#
    );
    let none = stage.batch_get(json!([])).await;
    assert_eq!((none.status, none.json()), (200, json!({"items": [], "missing": []})));
    assert_eq!(stage.dynamo.count_calls("BatchGetItem"), 1);
}

#[tokio::test]
async fn unprocessed_keys_are_read_again() {
    let stage = Stage::start().await;
    let ids: Vec<String> = (0..100).map(|number| format!("id-{number}")).collect();
    ids.iter().for_each(|id| stage.put_item(id, json!({})));
    stage.dynamo.leave_unprocessed(30, 3);
    let answer = stage.batch_get(json!(ids)).await.json();
    let items: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
    assert_eq!(answer, json!({"items": items, "missing": []}));
    assert_eq!(stage.dynamo.count_calls("BatchGetItem"), 4);
}

#[tokio::test]
async fn a_thousand_ids_take_ten_batches() {
    let stage = Stage::start().await;
    let ids: Vec<String> = (0..1000).map(|number| format!("id-{number}")).collect();
    ids.iter().step_by(2).for_each(|id| stage.put_item(id, json!({})));
    stage.dynamo.leave_unprocessed(7, 5);
    let answer = stage.batch_get(json!(ids)).await.json();
    let items: Vec<Value> = ids.iter().step_by(2).map(|id| json!({"id": id})).collect();
    let missing: Vec<&String> = ids.iter().skip(1).step_by(2).collect();
    assert_eq!(answer, json!({"items": items, "missing": missing}));
    let calls = stage.dynamo.count_calls("BatchGetItem");
    assert!((11..=15).contains(&calls), "{calls}");
}

#[tokio::test]
async fn items_beyond_a_full_answer_are_not_read() {
    let stage = Stage::start().await;
    let ids: Vec<String> = (0..1000).map(|number| format!("id-{number}")).collect();
    ids.iter().for_each(|id| stage.put_item(id, json!({"text": {"S": "x".repeat(20_000)}})));
    let answer = stage.batch_get(json!(ids)).await.json();
    let read = answer["items"].as_array().unwrap().len();
    assert!((30..40).contains(&read), "{read}");
    let rest: Vec<Value> = ids[read..].iter().map(|id| json!(id)).collect();
    assert_eq!(answer["remaining"], json!(rest));
    assert!(stage.dynamo.count_calls("BatchGetItem") <= 5);
}

#[tokio::test]
async fn keys_that_stay_unprocessed_remain() {
    let stage = Stage::start().await;
    stage.put_item("a", json!({}));
    stage.put_item("c", json!({}));
    stage.dynamo.leave_unprocessed(1, usize::MAX);
    let request = AlbRequest::post_json("/v1/items/batch-get", &json!({"ids": ["a", "b", "c"]}));
    let event = request.bearer(&stage.provider.token()).multi_value_event();
    let mut answers = Vec::new();
    // A slow machine may read nothing within a short function timeout.
    for seconds in [2, 10, 60] {
        let answer = stage.runtime.invoke_within(&event, Duration::from_secs(seconds)).await.unwrap();
        answers.push(AlbAnswer::from_function_answer(&answer).json());
        if answers.last().is_some_and(|answer| answer.get("items").is_some()) {
            break;
        }
    }
    let expected = json!({"items": [{"id": "a"}], "missing": ["b"], "remaining": ["c"]});
    assert_eq!(answers.last(), Some(&expected), "{answers:?}");
}

#[tokio::test]
async fn a_busy_table_is_reported_as_such() {
    let stage = Stage::start().await;
    stage.dynamo.throttle("GetItem", usize::MAX);
    stage.dynamo.throttle("BatchGetItem", usize::MAX);
    for answer in [stage.get("/v1/items/42").await, stage.batch_get(json!(["42"])).await] {
        assert_problem(&answer, 503, "table-busy");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    let output = stage.wait_for_output(|output| output.matches(r#""status":503"#).count() == 2).await;
    assert!(output.contains("ProvisionedThroughputExceededException"), "{output}");
}

#[tokio::test]
async fn a_fault_is_logged_in_full_and_reported_briefly() {
    let without_table = Dynamo::start().await;
    let stage = Stage::start_with_table(IdentityProvider::start().await, without_table, "S").await;
    let answer = stage.get("/v1/items/42").await;
    assert_eq!(assert_problem(&answer, 500, "internal")["detail"], "the function failed; its log says why");
    let output = stage.wait_for_output(|output| output.contains(r#""status":500"#)).await;
    assert!(output.lines().count() == 1 && output.contains("ResourceNotFoundException"), "{output}");
}

#[tokio::test]
async fn a_large_answer_is_cut_between_items() {
    let stage = Stage::start().await;
    let ids: Vec<String> = (0..7).map(|number| format!("id-{number}")).collect();
    for (number, id) in ids.iter().enumerate() {
        // A JSON string within JSON doubles quotes.
        let text = if number % 2 == 0 { "x".repeat(300_000) } else { "\"".repeat(120_000) };
        stage.put_item(id, json!({"text": {"S": text}}));
    }
    let (mut rest, mut seen, mut calls) = (json!(ids), Vec::new(), 0);
    while rest.as_array().is_some_and(|rest| !rest.is_empty()) {
        let answer = stage.batch_get(rest).await;
        assert_eq!(answer.status, 200);
        let answer = answer.json();
        let items = answer["items"].as_array().unwrap();
        assert!(!items.is_empty(), "no progress");
        seen.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        rest = answer["remaining"].clone();
        calls += 1;
    }
    assert_eq!(seen, ids);
    assert!(calls > 1);

    // An item that does not fit even alone: 400 KB of control characters, each of which takes six bytes in JSON.
    stage.put_item("wide", json!({"text": {"S": "\u{1}".repeat(390_000)}}));
    assert_problem(&stage.get("/v1/items/wide").await, 500, "item-too-large");
    assert_problem(&stage.batch_get(json!(["wide", "id-0"])).await, 500, "item-too-large");
}

#[tokio::test]
async fn bad_bodies_are_refused() {
    let stage = Stage::start().await;
    let post = |content_type: &str, body: &str| {
        AlbRequest::new("POST", "/v1/items/batch-get")
            .bearer(&stage.provider.token())
            .header("content-type", content_type)
            .body(body)
    };
    for (content_type, body, status, kind) in [
        ("text/plain", r#"{"ids":["a"]}"#, 415, "media-type-unsupported"),
        ("application/x-www-form-urlencoded", "ids=a", 415, "media-type-unsupported"),
        ("application/json-patch+json", "[]", 415, "media-type-unsupported"),
        ("application/json", "", 400, "body-malformed"),
        ("application/json", "{", 400, "body-malformed"),
        ("application/json", "[]", 422, "body-invalid"),
        ("application/json", r#"{"ids":["a"],"x":1}"#, 422, "body-invalid"),
        ("application/json", r#"{"ids":42}"#, 422, "body-invalid"),
    ] {
        assert_problem(&stage.send(&post(content_type, body)).await, status, kind);
    }
    let without_type = AlbRequest::new("POST", "/v1/items/batch-get").bearer(&stage.provider.token());
    assert_problem(&stage.send(&without_type.body("{}")).await, 415, "media-type-unsupported");
    assert_problem(&stage.batch_get(json!(vec!["a"; 1001])).await, 422, "ids-too-many");
    assert_eq!(stage.dynamo.count_calls("BatchGetItem"), 0);
}

#[tokio::test]
async fn a_body_may_be_base64() {
    let stage = Stage::start().await;
    stage.put_item("é", json!({}));
    let request = AlbRequest::post_json("/v1/items/batch-get", &json!({"ids": ["é"]}))
        .bearer(&stage.provider.token())
        .header("content-encoding", "identity");
    let event = request.multi_value_event();
    assert_eq!(event["isBase64Encoded"], true);
    let answer = stage.send_event(&event).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"items": [{"id": "é"}], "missing": []})));

    let mut broken = event;
    broken["body"] = json!("no base64!");
    assert_problem(&stage.send_event(&broken).await, 400, "body-malformed");

    let typed = AlbRequest::new("POST", "/v1/items/batch-get")
        .bearer(&stage.provider.token())
        .header("content-type", "Application/JSON; charset=utf-8")
        .body(r#"{"ids":[]}"#);
    assert_eq!(stage.send(&typed).await.status, 200);
}
