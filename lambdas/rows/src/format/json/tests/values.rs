use crate::dialect::format::Format::{Json, Ndjson};
use crate::tests::{lines, parse, rejects, rows};
use crate::unreadable::Unreadable;

#[test]
fn objects_are_rows_in_any_layout() {
    for (text, expected) in [
        ("{\"id\":1}\n\n  \n{\"id\":2}", [1, 4]),
        ("{\n  \"id\": 1\n}\n{\n  \"id\": 2\n}\n", [1, 4]),
        ("{\"id\":1}{\"id\":2}", [1, 1]),
        (" {\"id\":1} \t{\"id\"\n:2}\n", [1, 1]),
        ("\x1e{\"id\":1}\n\x1e{\"id\":2}\n", [1, 2]),
        ("{\"id\":1}\r\n{\"id\":2}\r\n", [1, 2]),
        ("{\"id\":1}\r\r{\"id\":2}", [1, 3]),
        ("{\r\"id\":1\r\n}\n\r{\"id\":2}", [1, 5]),
    ] {
        for format in [Ndjson, Json] {
            let found = parse(format, text).unwrap();
            assert_eq!(lines(&found), expected, "{text:?}");
            assert_eq!(rows(&found).iter().map(|row| row.key()).collect::<Vec<_>>(), ["1", "2"], "{text:?}");
        }
    }
}

#[test]
fn a_file_without_text_is_unreadable() {
    for text in ["", "\n \n", "\x1e", "\t\r\n\r"] {
        for format in [Ndjson, Json] {
            assert_eq!(parse(format, text), Err(Unreadable::Empty), "{text:?}");
        }
    }
}

#[test]
fn an_array_in_ndjson_holds_rows_only_at_the_start_of_the_file() {
    let found =
        parse(Ndjson, "\n [{\"id\":1},\n{\"id\":2}]\n[{\"id\":3}]\n{\"id\":4}\n[{\"id\":5}]\n").unwrap();
    assert_eq!(lines(&found), [2, 3, 4, 5, 6]);
    assert_eq!(rows(&found).len(), 4);
    assert_eq!(rejects(&found)[0].row, "[{\"id\":5}]");
    let found = parse(Json, "{\"id\":4}\n[{\"id\":5}]\n").unwrap();
    assert_eq!(rows(&found).len(), 2);
}
