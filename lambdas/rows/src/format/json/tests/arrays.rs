use crate::dialect::format::Format::Json;
use crate::limits::MAX_RECORD_BYTES;
use crate::tests::{lines, parse, parse_bytes, rejects, rows};

#[test]
fn elements_are_split_whatever_surrounds_them() {
    let text = "\n[ {\"id\":\"a]}\\\"\"},\n{\"id\":1}\r, 7,\"x\" ,[1],{\"id\":2,\n\"n\":{\"m\":[[]]}}]\n";
    let found = parse(Json, text).unwrap();
    assert_eq!(lines(&found), [2, 3, 4, 4, 4, 4]);
    assert_eq!(rows(&found).iter().map(|row| row.key()).collect::<Vec<_>>(), ["a]}\"", "1", "2"]);
    let reasons: Vec<_> = rejects(&found).iter().map(|reject| reject.reason.as_str()).collect();
    assert_eq!(
        reasons,
        ["is a number, not an object", "is a string, not an object", "is an array, not an object"]
    );
    assert_eq!(parse(Json, "[]").unwrap(), []);
    assert_eq!(rows(&parse(Json, "[{\"id\":1}][{\"id\":2},] [\n]\n[{\"id\":3}]").unwrap()).len(), 3);
}

#[test]
fn a_broken_element_is_a_reject() {
    let found = parse_bytes(Json, b"[{\"id\":1,},{\"id\" 2},{\"id\":\"\xe9\"},{\"id\":3}]").unwrap();
    assert_eq!(rows(&found).len(), 1);
    assert_eq!(rejects(&found)[0].row, r#"{"id":1,}"#);
    assert!(rejects(&found)[0].reason.starts_with("is not JSON: "), "{:?}", rejects(&found)[0]);
    assert!(rejects(&found)[2].reason.starts_with("is not UTF-8: "), "{:?}", rejects(&found)[2]);
}

#[test]
fn a_broken_array_is_unreadable_and_the_advice_is_an_action() {
    for (text, said) in [
        ("[{\"id\":1}\n", "line 2: the file ends before the array does: write the file again"),
        ("[{\"id\":1},\n{\"id\":2", "line 2: the file ends before"),
        (
            "[{\"id\":1},\n{\"id\":\"2}]\n",
            "line 2: a string in the element that starts here is never closed: close",
        ),
        ("[{\"id\":1} {\"id\":2}]", "a comma is missing between two elements: put a comma"),
        ("[{\"id\":1}}]", "a comma is missing"),
        ("[,]", "an element is missing: remove the comma"),
        ("[{\"id\":1},,]", "an element is missing: remove the comma"),
        ("[{\"id\":\"\u{e9}", "a string"),
    ] {
        let message = parse(Json, text).unwrap_err().with_advice();
        assert!(message.contains(said), "{text}: {message}");
    }
}

#[test]
fn what_follows_an_array_is_read_as_values() {
    let found = parse(Json, "[{\"id\":1}]\n]\nx\n{\"id\":2}").unwrap();
    assert_eq!(lines(&found), [1, 2, 3, 4]);
    assert_eq!(rejects(&found).len(), 2);
}

#[test]
fn an_endless_element_does_not_grow_memory() {
    let text = format!("[{{\"id\":1,\"s\":\"{}\"}},{{\"id\":2}}]", "]".repeat(3 * MAX_RECORD_BYTES));
    let found = parse(Json, &text).unwrap();
    assert!(rejects(&found)[0].reason.contains("is longer than"));
    assert!(rejects(&found)[0].row.starts_with("{\"id\":1,"));
    assert_eq!(rows(&found)[0].key(), "2");
}
