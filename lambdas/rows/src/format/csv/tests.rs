use crate::dialect::encoding::Format::Csv;
use crate::dialect::{Dialect, Types};
use crate::limits::MAX_RECORD_BYTES;
use crate::reject::Reject;
use crate::row::Row;
use crate::tests::{
    dialect, lines, parse, parse_as, parse_bytes, parse_with_number_key, parse_with_types, rejects, rows,
};
use crate::types::column_types::ColumnType;
use crate::types::value::Value;
use crate::unreadable::Unreadable;

fn find_cell<'a>(row: &'a Row, name: &str) -> Option<&'a Value> {
    row.values.iter().find(|(column, _)| **column == *name).map(|(_, value)| value)
}

fn text(value: &str) -> Value {
    Value::String(value.to_owned())
}

#[test]
fn quotes_commas_and_newlines_within_a_field() {
    let found =
        parse(Csv, "id,a,b\r\n1,\"x, \"\"y\"\"\",z\r\n2,\"two\r\nlines\",\r\n\r\n3,é,日本\r\n").unwrap();
    assert_eq!(lines(&found), [2, 3, 6]);
    let rows = rows(&found);
    assert_eq!(find_cell(rows[0], "a"), Some(&text("x, \"y\"")));
    assert_eq!(find_cell(rows[1], "a"), Some(&text("two\r\nlines")));
    assert_eq!(find_cell(rows[1], "b"), None);
    assert_eq!(find_cell(rows[2], "b"), Some(&text("日本")));
}

#[test]
fn ragged_rows_are_rejected_by_line() {
    let found = parse(Csv, "id,a\n1,x\n2\n3,\"y\n\",z\n4,w").unwrap();
    assert_eq!(rows(&found).iter().map(|row| row.line).collect::<Vec<_>>(), [2, 6]);
    let expected = |line, values: &str, row: &str| Reject {
        line,
        column: None,
        reason: format!("has {values} for the 2 columns of the header"),
        row: row.to_owned(),
    };
    let expected = [expected(3, "1 values", "2"), expected(4, "3 values", "3,\"y\n\",z")];
    assert_eq!(rejects(&found), expected.iter().collect::<Vec<_>>());
}

#[test]
fn invalid_keys_are_rejected() {
    let long = "k".repeat(2049);
    let found = parse(Csv, &format!("a,id\nx,\nx,{long}\nx,{}\n", &long[1..])).unwrap();
    assert_eq!(rows(&found).len(), 1);
    assert_eq!(rejects(&found)[0].reason, "the key is empty");
    assert_eq!(rejects(&found)[1].reason, "the key is longer than 2048 bytes");
    assert!(rejects(&found).iter().all(|reject| reject.column.as_deref() == Some("id")));

    let found = parse_with_number_key(Csv, "id\n007\n1.50\nx7\n").unwrap();
    assert_eq!(rows(&found)[0].values, [("id".into(), Value::Number("7".into()))]);
    assert_eq!(rows(&found)[1].key(), "1.5");
    assert_eq!(rejects(&found)[0].reason, "the key is not a number");
}

#[test]
fn cells_have_the_type_of_their_column() {
    let found =
        parse_with_types("n2b", "id,n,b\n007,5,true\n1,,\n2,5 ,true\n3,5,TRUE\n4,05.0,false").unwrap();
    let rows = rows(&found);
    assert_eq!(find_cell(rows[0], "id"), Some(&text("007")), "the key has the key's type");
    assert_eq!(find_cell(rows[0], "n"), Some(&Value::Number("5".into())));
    assert_eq!(find_cell(rows[0], "b"), Some(&Value::Bool(true)));
    assert_eq!(rows[1].values.len(), 1);
    let columns: Vec<_> = rejects(&found).iter().map(|reject| reject.column.clone().unwrap()).collect();
    assert_eq!(columns, ["n", "b"]);
    assert_eq!(lines(&found), [2, 3, 4, 5, 6]);
    assert_eq!(find_cell(rows[2], "n"), Some(&Value::Number("5".into())), "any notation");
}

#[test]
fn a_header_names_each_column_once() {
    for (header, said) in [
        ("a,b", "no column is named \"id\", which is the key; the header has \"a\", \"b\": rename"),
        ("ID,a", "\"ID\""),
        ("id,a,", "column 3 of the header has no name"),
        ("id,a,a", "two columns of the header are named \"a\""),
        ("id,id", "two columns of the header are named \"id\""),
        ("id,restctl:load", "reserved"),
    ] {
        let message = parse(Csv, &format!("{header}\n1,2\n")).unwrap_err().with_advice();
        assert!(message.contains(said), "{header}: {message}");
    }
    let many: Vec<_> = (0..50).map(|n| format!("c{n}")).collect();
    let message = parse(Csv, &many.join(",")).unwrap_err().with_advice();
    assert!(message.contains("\"c19\", 30 more"), "{message}");
    assert_eq!(
        parse_with_types("ss", "id,a,b\n"),
        Err(Unreadable::ColumnTypesDiffer { types: 2, columns: 3 })
    );
    let long = "n".repeat(65_536);
    assert_eq!(parse(Csv, &format!("id,{long}\n")), Err(Unreadable::NameTooLong { position: 2 }));
    assert!(parse(Csv, &long).unwrap_err().with_advice().len() < 400);
}

#[test]
fn the_error_for_a_header_with_one_column_suggests_a_delimiter() {
    for (header, said) in [
        ("id;a;b", "the header has one column, \"id;a;b\": if another character separates"),
        ("id;a;b", "--delimiter ';'"),
        ("id\ta", "--delimiter tab"),
        ("id|a", "--delimiter '|'"),
    ] {
        let message = parse(Csv, header).unwrap_err().with_advice();
        assert!(message.contains(said), "{header}: {message}");
    }
    let dialect = Dialect { delimiter: ";".parse().unwrap(), ..dialect(Csv) };
    let message = parse_as(&dialect, b"id,a").unwrap_err().with_advice();
    assert!(message.ends_with("--delimiter ','"), "{message}");
    let found = parse_as(&dialect, b"id;a\n1;\"x;y,\"\n").unwrap();
    assert_eq!(find_cell(rows(&found)[0], "a"), Some(&text("x;y,")));
}

#[test]
fn types_by_name_need_existing_columns() {
    let named = |name: &str, kind| {
        let types = Types::Named([(name.to_owned(), kind)].into());
        parse_as(&Dialect { types, ..dialect(Csv) }, b"id,a\n7,1e3\n8,x\n")
    };
    let found = named("a", ColumnType::Number).unwrap();
    assert_eq!(find_cell(rows(&found)[0], "a"), Some(&Value::Number("1000".into())));
    assert_eq!(rejects(&found)[0].column.as_deref(), Some("a"));
    let message = named("b", ColumnType::Number).unwrap_err().with_advice();
    assert!(message.contains("\"b\", but the header has only \"id\", \"a\": "), "{message}");
    let message = named("id", ColumnType::Number).unwrap_err().with_advice();
    assert!(message.contains("the stack's key is a string"), "{message}");
    assert_eq!(rows(&named("id", ColumnType::String).unwrap()).len(), 2);
}

#[test]
fn text_that_is_not_utf8_is_unreadable_at_its_line() {
    let line = |bytes: &[u8]| match parse_bytes(Csv, bytes) {
        Err(Unreadable::NotUtf8 { line }) => line,
        other => panic!("{other:?}"),
    };
    assert_eq!(line(b"id,a\n1,x\n2,\"\n\n\xe9\"\n"), 5);
    assert_eq!(line(b"id,caf\xe9\n"), 1);
    assert_eq!(line(b"id,a\n\xc3,\xa9\n"), 2, "halves of a character in two fields");
    assert_eq!(line(b"\xff\xfei\0d\0\n\0"), 1, "UTF-16");
}

#[test]
fn an_unclosed_quote_does_not_swallow_rows() {
    let outcome = parse(Csv, "id,a\n1,x\n2,\"y\n3,z\n4,w\n");
    assert_eq!(outcome, Err(Unreadable::UnclosedQuote { line: 3 }));
    assert_eq!(rows(&parse(Csv, "id,a\n1,\"x\"").unwrap()).len(), 1);
}

#[test]
fn a_record_is_limited() {
    let long = "x".repeat(2 * MAX_RECORD_BYTES);
    let many = ",".repeat(2 * MAX_RECORD_BYTES);
    let found = parse(Csv, &format!("id,a\n1,{long}\n2,{many}\n3,y\n")).unwrap();
    assert_eq!(lines(&found), [2, 3, 4]);
    assert!(rejects(&found).iter().all(|reject| reject.reason.contains("is longer than")));
    assert!(rejects(&found).iter().all(|reject| reject.row.len() < 1100));
    assert_eq!(rows(&found)[0].key(), "3");
    assert_eq!(parse(Csv, &many), Err(Unreadable::HeaderTooLong));
}

#[test]
fn a_header_without_rows_is_readable() {
    assert_eq!(parse(Csv, "id,a"), Ok(vec![]));
    assert_eq!(parse(Csv, "id,a\r\n\r\n"), Ok(vec![]));
}
