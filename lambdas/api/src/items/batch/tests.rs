use restctl_contract::api::{BatchGetAnswer, MAX_ANSWER_BYTES};
use restctl_contract::key::KeyType;
use restctl_testkit::small_stack::run_on_small_stack;
use serde_json::{Value, json};

use super::*;

fn parse_ids(kind: KeyType, body: &str) -> Result<RequestedIds, Failure> {
    RequestedIds::parse(&Key { name: "id".to_owned(), kind }, body.as_bytes())
}

fn requested_ids(ids: Value) -> RequestedIds {
    parse_ids(KeyType::String, &json!({"ids": ids}).to_string()).unwrap()
}

fn found_items(items: &[(&str, String)], unread: &[&str]) -> FoundItems {
    let id = |id: &str| Id::String(id.to_owned());
    FoundItems {
        items: items.iter().map(|(key, item)| (id(key), item.clone())).collect(),
        unread: unread.iter().map(|key| id(key)).collect(),
    }
}

fn answer_text(requested: &RequestedIds, found: &FoundItems) -> Result<String, Failure> {
    let mut answer = BatchAnswer::new(requested)?;
    while !answer.is_full && answer.processed < requested.ids.len() {
        answer.add_batch(found)?;
    }
    Ok(answer.into_json())
}

fn parsed_answer(requested: &RequestedIds, found: &FoundItems) -> BatchGetAnswer {
    let text = answer_text(requested, found).unwrap();
    assert!(AnswerSize::of_json(&text).is_within_limits(), "{} bytes", text.len());
    serde_json::from_str(&text).unwrap()
}

#[test]
fn the_order_is_kept_and_duplicates_are_dropped() {
    let requested = requested_ids(json!(["b", "x", "a", "b", "y", "c"]));
    let found = found_items(&[("a", r#"{"id":"a"}"#.into()), ("b", r#"{"id":"b"}"#.into())], &["c"]);
    let answered = answer_text(&requested, &found).unwrap();
    assert_eq!(answered, r#"{"items":[{"id":"b"},{"id":"a"}],"missing":["x","y"],"remaining":["c"]}"#);
    let none = requested_ids(json!([]));
    assert_eq!(answer_text(&none, &found).unwrap(), r#"{"items":[],"missing":[]}"#);
}

#[test]
fn an_answer_is_cut_before_the_item_that_does_not_fit() {
    let item = |text: &str, length: usize| format!(r#"{{"v":"{}"}}"#, text.repeat(length / text.len()));
    let requested = requested_ids(json!(["a", "b", "none", "c", "d"]));
    for (text, size) in [("x", MAX_ANSWER_BYTES / 3), (r#"\""#, 200_000)] {
        // The last item would fit, but items keep the order of the request, even over several calls.
        let mut items = ["a", "b", "c", "d"].map(|id| (id, item(text, size)));
        items[3].1 = "{}".to_owned();
        let answer = parsed_answer(&requested, &found_items(&items, &[]));
        assert_eq!(answer.items.len(), 2, "{text}");
        assert_eq!((answer.missing, answer.remaining), (vec!["none".into()], vec!["c".into(), "d".into()]));
    }
}

#[test]
fn ids_of_unread_batches_remain() {
    let ids: Vec<String> = (0..250).map(|id| id.to_string()).collect();
    let requested = requested_ids(json!(ids));
    let item = |id: &str| format!(r#"{{"v":"{id}{}"}}"#, "x".repeat(4000));
    let items: Vec<(&str, String)> = ids.iter().map(|id| (id.as_str(), item(id))).collect();
    let answer = parsed_answer(&requested, &found_items(&items, &[]));
    let cut = answer.items.len();
    assert!((100..200).contains(&cut), "{cut}");
    let rest: Vec<Json> = ids[cut..].iter().map(|id| id.as_str().into()).collect();
    assert_eq!(answer.remaining, rest);
}

#[test]
fn an_item_that_never_fits_is_an_error() {
    let requested = requested_ids(json!(["a", "b"]));
    let large = format!(r#"{{"v":"{}"}}"#, "x".repeat(MAX_ANSWER_BYTES));
    let items = [("a", large.clone()), ("b", "{}".to_owned())];
    assert!(matches!(answer_text(&requested, &found_items(&items, &[])), Err(Failure::ItemTooLarge(_))));
    let items = [("a", "{}".to_owned()), ("b", large)];
    assert_eq!(parsed_answer(&requested, &found_items(&items, &[])).remaining, [Json::from("b")]);
}

#[test]
fn bad_bodies_are_refused() {
    let parse = |body: &str| parse_ids(KeyType::String, body).unwrap_err();
    let deep = format!(r#"{{"ids":[{}{}]}}"#, "[".repeat(100_000), "]".repeat(100_000));
    for body in ["", "{", "ids=1", r#"{"ids":["a"]} x"#, &"[".repeat(100_000), &deep] {
        assert!(matches!(parse(body), Failure::MalformedBody(_)), "{body}");
    }
    for body in [
        "null",
        "[]",
        "{}",
        r#"{"ids":"a"}"#,
        r#"{"ids":null}"#,
        r#"{"ids":["a"],"limit":1}"#,
        r#"[["a"]]"#,
        r#"{"ids":["a"],"ids":["b"]}"#,
    ] {
        assert!(matches!(parse(body), Failure::InvalidBody(_)), "{body}");
    }
    let many = json!({"ids": vec!["a"; MAX_IDS_PER_CALL + 1]}).to_string();
    assert!(matches!(parse(&many), Failure::TooManyIds));
}

#[test]
fn deep_bodies_need_little_stack() {
    run_on_small_stack(|| {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("{\"ids\":", "}")] {
            let body =
                |levels: usize| format!("{{\"ids\":[{}1{}]}}", open.repeat(levels), close.repeat(levels));
            let deepest = parse_ids(KeyType::String, &body(LIMITS.depth - 2)).unwrap();
            assert!(answer_text(&deepest, &FoundItems::default()).is_ok());
            for levels in [LIMITS.depth - 1, 40_000] {
                assert!(matches!(parse_ids(KeyType::String, &body(levels)), Err(Failure::MalformedBody(_))));
            }
        }
    });
}

#[test]
fn ids_are_counted_while_they_are_read() {
    // What follows the first id too many is not JSON.
    let body = |ids: &str| format!("{{\"ids\":[{ids} and so on");
    let most = vec!["\"a\""; MAX_IDS_PER_CALL].join(",");
    assert!(matches!(parse_ids(KeyType::String, &body(&most)), Err(Failure::MalformedBody(_))));
    for too_many in [format!("{most},1"), format!("[{most}]"), format!("[],{{\"a\":[{most}]}}")] {
        let refused = parse_ids(KeyType::String, &body(&too_many)).unwrap_err();
        assert!(matches!(refused, Failure::TooManyIds), "{refused}");
    }
}

#[test]
fn invalid_ids_are_named_and_the_others_are_read() {
    let found = found_items(&[("a", r#"{"id":"a"}"#.into())], &[]);
    let long = "x".repeat(2049);
    let requested =
        requested_ids(json!([null, "a", 42, "", "b", 42, {"$serde_json::private::Number": "1"}, long]));
    let answer = parsed_answer(&requested, &found);
    assert_eq!((answer.items.len(), answer.missing), (1, vec!["b".into()]));
    let invalid: Vec<String> = answer.invalid.iter().map(|invalid| invalid.id.to_string()).collect();
    let marked = r#"{"$serde_json::private::Number":"1"}"#;
    assert_eq!(invalid, ["null", "42", "\"\"", marked, &json!(long).to_string()]);
    let details = answer.invalid.iter().map(|invalid| invalid.detail.as_str());
    assert_eq!(
        details.collect::<Vec<_>>(),
        [
            "is null, but this table's keys are strings",
            "is a number, but this table's keys are strings: put it in quotes",
            "is empty",
            "is an object, but this table's keys are strings",
            "is longer than 2048 bytes",
        ]
    );
}

#[test]
fn ids_keep_their_digits() {
    let digits = "1".repeat(39);
    let body = format!(r#"{{"ids":[1.0,{digits},1e5,12345678901234567890.10]}}"#);
    let requested = parse_ids(KeyType::Number, &body).unwrap();
    let none = FoundItems::default();
    assert_eq!(
        answer_text(&requested, &none).unwrap(),
        format!(
            r#"{{"items":[],"missing":[1.0,1e5,12345678901234567890.10],"invalid":[{{"id":{digits},"detail":"#
        ) + r#""has more than 38 significant digits, the most that DynamoDB keeps"}]}"#
    );
}

#[test]
fn ids_that_leave_no_room_for_an_answer_are_refused() {
    let ids: Vec<String> = (0..300).map(|id| format!("{id}{}", "\"".repeat(1_000))).collect();
    assert!(answer_text(&requested_ids(json!(ids[..200])), &FoundItems::default()).is_ok());
    let refused = answer_text(&requested_ids(json!(ids)), &FoundItems::default());
    assert!(matches!(refused, Err(Failure::IdsTooLarge)));
    let invalid = requested_ids(json!([["\"".repeat(300_000)]]));
    assert!(matches!(answer_text(&invalid, &FoundItems::default()), Err(Failure::IdsTooLarge)));
}
