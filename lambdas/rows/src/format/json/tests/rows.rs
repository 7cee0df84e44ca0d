use crate::dialect::format::Format::Ndjson;
use crate::limits::{MAX_NAME_BYTES, MAX_RECORD_BYTES};
use crate::tests::{lines, parse, parse_bytes, parse_with_number_key, rejects, rows};
use crate::types::value::Value;

#[test]
fn json_values_keep_their_types() {
    let text = r#"{"id":"a","n":12345678901234567890.10,"t":true,"z":null,"l":[1,""],"m":{"e":1e3}}"#;
    let found = parse(Ndjson, text).unwrap();
    let values: Vec<_> = rows(&found)[0].values.iter().map(|(_, value)| value.clone()).collect();
    let number = |text: &str| Value::Number(text.to_owned());
    let expected = [
        Value::String("a".into()),
        number("12345678901234567890.1"),
        Value::Bool(true),
        Value::Null,
        Value::List(vec![number("1"), Value::String(String::new())]),
        Value::Map(vec![("e".into(), number("1000"))]),
    ];
    assert_eq!(values, expected);
    assert_eq!(rows(&parse(Ndjson, r#"{"id":1,"id":2}"#).unwrap())[0].key(), "2");
}

#[test]
fn a_key_may_be_a_string_or_a_number_and_a_string_keeps_its_digits() {
    let text = "{\"id\":42}\n{\"id\":\"042\"}\n{\"id\":42.0}\n{\"id\":42E0}";
    let keys = |found: &[_]| rows(found).iter().map(|row| row.key().to_owned()).collect::<Vec<_>>();
    assert_eq!(keys(&parse(Ndjson, text).unwrap()), ["42", "042", "42.0", "42E0"]);
    assert_eq!(keys(&parse_with_number_key(Ndjson, text).unwrap()), ["42"; 4]);
}

#[test]
fn any_name_is_the_name_of_a_member() {
    let text =
        r#"{"id":"1","$serde_json::private::Number":"5","x":{"$serde_json::private::RawValue":"[1]"}}"#;
    let found = parse(Ndjson, text).unwrap();
    let text = |text: &str| Value::String(text.into());
    let expected = [
        ("id".into(), text("1")),
        ("$serde_json::private::Number".into(), text("5")),
        ("x".into(), Value::Map(vec![("$serde_json::private::RawValue".into(), text("[1]"))])),
    ];
    assert_eq!(rows(&found)[0].values, expected);
    let found = parse(Ndjson, r#"{"id":{"$serde_json::private::Number":"9"}}"#).unwrap();
    assert_eq!(rejects(&found)[0].reason, "the key is an object");
}

#[test]
fn rows_that_cannot_become_items_are_rejected() {
    let nested = |depth: usize| format!("{{\"id\":1,\"l\":{}1{}}}", "[".repeat(depth), "]".repeat(depth));
    let long_name = format!("{{\"id\":1,\"m\":{{\"{}\":1}}}}", "k".repeat(MAX_NAME_BYTES + 1));
    for (line, column, said) in [
        (r#"{"code":"x","name":1}"#, Some("id"), "the key is missing; the row has \"code\", \"name\""),
        ("{}", Some("id"), "the key is missing; the row has no names"),
        (r#"{"id":""}"#, Some("id"), "the key is empty"),
        (r#"{"id":null}"#, Some("id"), "the key is null"),
        (r#"{"id":1,"":2}"#, None, "without a name"),
        (r#"{"id":1,"restctl:load":"x"}"#, Some("restctl:load"), "reserved"),
        (r#"{"id":1,"n":123456789012345678901234567890123456789}"#, Some("n"), "38 significant digits"),
        (r#"{"id":1,"n":[1e126]}"#, Some("n"), "range"),
        (&nested(32), Some("l"), "more than 31 deep"),
        (&nested(10_000), None, "more than 31 deep"),
        (&long_name, Some("m"), "name is longer"),
        (r#"{"id":1"#, None, "is not JSON: "),
        (r#"{"id":"\ud800"}"#, None, "is not JSON: "),
        ("[1]", None, "is an array, not an object"),
        ("1", None, "is a number, not an object"),
        ("oops", None, "is not JSON: "),
    ] {
        let found = parse(Ndjson, &format!("{{\"id\":0}}\n{line}\r\n{{\"id\":1}}\n")).unwrap();
        assert_eq!(lines(&found), [1, 2, 3], "{line}");
        let reject = rejects(&found)[0];
        assert_eq!(reject.column.as_deref(), column, "{line}");
        assert!(reject.reason.contains(said), "{line}: {}", reject.reason);
        assert!(reject.row.trim_end_matches('…').len() > 1023 || reject.row == line, "{}", reject.row);
    }
    assert_eq!(rows(&parse(Ndjson, &nested(31)).unwrap()).len(), 1);
}

#[test]
fn a_row_that_is_not_utf8_is_a_reject() {
    let found = parse_bytes(Ndjson, b"{\"id\":1}\n{\"id\":\"\xe9\"}\n{\"id\":3}\n").unwrap();
    assert_eq!(lines(&found), [1, 2, 3]);
    let reason = &rejects(&found)[0].reason;
    assert!(reason.starts_with("is not UTF-8: it has the byte 0xE9;"), "{reason}");
    assert!(reason.contains("--encoding windows-1252"), "{reason}");
}

#[test]
fn the_size_of_a_row_is_that_of_its_item_and_not_of_its_escapes() {
    let row = format!("{{\"id\":1,\"s\":\"{}\"}}", "\\u0001".repeat(409_000));
    assert!(row.len() > 2_400_000);
    assert_eq!(rows(&parse(Ndjson, &row).unwrap())[0].bytes, 2 + 1 + 1 + 409_000 + 12 + 66);
    let numbers: Vec<String> = (0..5_000).map(|index| format!(",\"n{index}\":1e125")).collect();
    let found = parse(Ndjson, &format!("{{\"id\":1{}}}", numbers.concat())).unwrap();
    assert_eq!(rows(&found).len(), 1, "a number's size is that of its digits");
    let long = format!("{{\"id\":1,\"s\":\"{}\"}}\n{{\"id\":2}}", "x".repeat(MAX_RECORD_BYTES));
    let found = parse(Ndjson, &long).unwrap();
    assert_eq!(rejects(&found)[0].reason, format!("is longer than {MAX_RECORD_BYTES} bytes"));
    assert_eq!(lines(&found), [1, 2]);
}
