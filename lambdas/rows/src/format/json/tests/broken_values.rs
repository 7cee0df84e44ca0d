use crate::dialect::format::Format::{Json, Ndjson};
use crate::limits::MAX_RECORD_BYTES;
use crate::tests::{lines, parse, rejects, rows};

/// Returns the lines of the rejects, and the keys of the rows.
fn read(text: &str) -> (Vec<u64>, Vec<String>) {
    let found = parse(Ndjson, text).unwrap();
    let array = parse(Json, text).unwrap();
    assert_eq!(found, array, "{text:?}");
    let rejected = rejects(&found).iter().map(|reject| reject.line).collect();
    (rejected, rows(&found).iter().map(|row| row.key().to_owned()).collect())
}

fn expect(text: &str, rejected: &[u64], keys: &[&str]) {
    let found = read(text);
    assert_eq!((found.0.as_slice(), found.1.as_slice()), (rejected, keys_of(keys).as_slice()), "{text:?}");
}

fn keys_of(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

#[test]
fn a_broken_value_is_one_reject_and_swallows_no_row() {
    for broken in [
        "{\"id\":0",
        "{\"id\":\"0",
        "{\"id\":\"0}",
        "{\"id\":\"0\\",
        "{\"id\":",
        "{\"id\":0,",
        "{\"id\":0,}",
        "{\"id\" 0}",
        "{\"id\":0]",
        "{\"id\":0},",
        "{\"id\":0}}",
        "{\"id\":0}x",
        "{\"id\":[1,2}",
        "{",
        "}",
        ",",
        "]",
        "oops",
        "\u{feff}{}",
        "é",
    ] {
        for line_end in ["\n", "\r\n", "\r"] {
            let text = ["{\"id\":1}", broken, "{\"id\":2}", "{\"id\":3}"].join(line_end);
            expect(&text, &[2], &["1", "2", "3"]);
        }
        expect(&format!("{broken}\n{{\"id\":1}}"), &[1], &["1"]);
        expect(&format!("{{\"id\":1}}\n{broken}"), &[2], &["1"]);
    }
}

#[test]
fn the_end_of_the_file_or_the_limit_shows_that_a_value_is_not_closed() {
    expect("{\"id\":1,\"l\":[\n{\"id\":2},\n{\"id\":3}\n", &[1, 2], &["3"]);
    let text = "x".repeat(500);
    let rows: String = (0..9_000).map(|index| format!("{{\"id\":{index},\"s\":\"{text}\"}},\n")).collect();
    assert!(rows.len() > MAX_RECORD_BYTES);
    let found = parse(Ndjson, &format!("{{\"l\":[\n{rows}{{\"id\":\"last\"}}\n")).unwrap();
    assert_eq!(found.len(), 9_002);
    assert_eq!(rejects(&found)[0].reason, format!("is longer than {MAX_RECORD_BYTES} bytes"));
    assert_eq!(found.last().unwrap().as_ref().unwrap().key(), "last");
}

#[test]
fn a_broken_value_of_several_lines_is_one_reject() {
    let text = "{\n  \"id\": 1,\n  \"items\": [\n    {\n      \"id\": 7\n    }\n  ]\n  \"n\": 2\n}\n{\n  \"id\": 2\n}\n";
    let found = parse(Ndjson, text).unwrap();
    assert_eq!(lines(&found), [1, 10]);
    let reject = rejects(&found)[0];
    assert_eq!(reject.reason, "is not JSON: `\"` is not expected here, on line 8");
    assert!(reject.row.starts_with("{\n  \"id\": 1,") && reject.row.ends_with("2\n}"), "{}", reject.row);
    expect("{\n \"id\": oops\n}\n{\"id\":2}", &[1], &["2"]);
    expect("  {\"id\":\n  {\"id\":2}\n  {\"id\":3}\n", &[1], &["2", "3"]);
}

#[test]
fn what_is_left_of_an_array_is_one_reject() {
    let found = parse(Ndjson, "{\"id\":1}\n]\n ,\n]\n{\"id\":2} , {\"id\":3}\n{\"id\":4}").unwrap();
    assert_eq!(lines(&found), [1, 2, 5, 5, 6]);
    assert_eq!(rejects(&found).iter().map(|reject| &*reject.row).collect::<Vec<_>>(), ["]", ", {\"id\":3}"]);
}

#[test]
fn the_rows_on_the_line_before_a_broken_one_are_read() {
    expect("{\"id\":1} {\"id\":2} {\"id\":\n{\"id\":3}", &[1], &["1", "2", "3"]);
    expect("{\"id\":oops} {\"id\":2}\n{\"id\":3}", &[1], &["2", "3"]);
}

#[test]
fn many_broken_lines_cost_no_more_than_their_length() {
    let text = "{\"a\":[\n".repeat(20_000);
    assert_eq!(rejects(&parse(Ndjson, &text).unwrap()).len(), 20_000);
}
