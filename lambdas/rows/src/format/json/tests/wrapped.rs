use crate::dialect::Dialect;
use crate::dialect::format::Format::Json;
use crate::tests::{dialect, lines, parse, parse_as, rows};
use crate::unreadable::Unreadable;
use crate::{Reject, Row};

fn parse_records(path: &str, text: &str) -> Result<Vec<Result<Row, Reject>>, Unreadable> {
    parse_as(&Dialect { records: Some(path.parse().unwrap()), ..dialect(Json) }, text.as_bytes())
}

fn keys(path: &str, text: &str) -> Vec<String> {
    rows(&parse_records(path, text).unwrap()).iter().map(|row| row.key().to_owned()).collect()
}

#[test]
fn the_elements_of_the_array_at_the_path_are_rows() {
    let text = "{\"meta\":{\"rows\":[{\"id\":9}],\"n\":[[1]]},\n\"data\":{\"x\":{\"rows\":[{\"id\":8}]},\"r\\u006fws\":[{\"id\":1},\n{\"id\":2}],\"z\":1}}\n";
    assert_eq!(keys("data.rows", text), ["1", "2"]);
    assert_eq!(keys("/data/rows", text), ["1", "2"]);
    assert_eq!(keys("data.x.rows", text), ["8"]);
    assert_eq!(lines(&parse_records("data.rows", text).unwrap()), [2, 3]);
    assert_eq!(
        keys("items", "{\"items\":[{\"id\":1},]}\n{\"items\":[]} {\"items\":[{\"id\":2}]}"),
        ["1", "2"]
    );
    assert_eq!(keys("/a~1b", "{\"a/b\":[{\"id\":1}]}"), ["1"]);
}

#[test]
fn without_a_path_an_object_is_a_row() {
    let found = parse(Json, "{\"items\":[{\"id\":1}]}").unwrap();
    let reject = found[0].as_ref().unwrap_err();
    assert_eq!(reject.reason, "the key is missing; the row has \"items\"");
}

#[test]
fn a_path_that_leads_to_no_array_is_an_error() {
    for (text, said) in [
        (
            "{\"a\":1,\"b\":[]}",
            "nothing at the path /items; its first object has \"a\", \"b\": pass --records",
        ),
        ("[{\"items\":[]}]", "nothing at the path /items"),
        ("{\"x\":[{\"items\":[]}]}", "nothing at the path /items"),
        ("{\n\"items\":{}}", "line 2 has something else than an array at the path /items: pass --records"),
        ("{\"items\":1}", "line 1 has something else"),
        ("{\"items\":[{\"id\":1}]", "line 1 is not JSON: the JSON ends too early: "),
        ("{\"items\":[{\"id\":1}],\n]", "line 2 is not JSON: `]` is not expected here: "),
        ("{\"items\":[{\"id\":1}", "the file ends before the array does"),
        (" \n", "the file is empty"),
    ] {
        let message = parse_records("items", text).unwrap_err().with_advice();
        assert!(message.contains(said), "{text}: {message}");
    }
}
