use crate::dialect::format::Format::Csv;
use crate::dialect::{CsvDialect, Types};
use crate::limits::MAX_RECORD_BYTES;
use crate::reject::Reject;
use crate::row::Row;
use crate::tests::{
    lines, parse, parse_bytes, parse_csv, parse_with_number_key, parse_with_types, rejects, rows,
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
        has_multiline_cell: false,
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
    let found = parse_with_types("n2b", "id,n,b\n007,5,true\n1,,\n2,5x,true\n3,5,yes\n4,05.0,False").unwrap();
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
        ("id,,a", "column 2 of the header has no name: name it, or leave it out: --skip-columns 2"),
        ("id,a,a", "two columns of the header are named \"a\""),
        ("id,id", "two columns of the header are named \"id\""),
        ("id,restctl:load", "reserved"),
        ("\"id\"x,a", "the header, on line 1, has text after a closing quote: double each quote"),
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
    let dialect = CsvDialect { delimiter: ";".parse().unwrap(), ..CsvDialect::default() };
    let message = parse_csv(dialect.clone(), "id,a").unwrap_err().with_advice();
    assert!(message.ends_with("--delimiter ','"), "{message}");
    let found = parse_csv(dialect, "id;a\n1;\"x;y,\"\n").unwrap();
    assert_eq!(find_cell(rows(&found)[0], "a"), Some(&text("x;y,")));
}

#[test]
fn types_by_name_need_existing_columns() {
    let named = |name: &str, kind| {
        let types = Types::Named([(name.to_owned(), kind)].into());
        parse_csv(CsvDialect { types, ..CsvDialect::default() }, "id,a\n7,1e3\n8,x\n")
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
fn remembered_types_are_for_columns_that_are_there() {
    let read = |chosen: &[(&str, ColumnType)]| {
        let remembered =
            [("a", ColumnType::Number), ("gone", ColumnType::Number), ("id", ColumnType::Number)];
        let by_name = |types: &[(&str, ColumnType)]| {
            types.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect()
        };
        let types = Types::Remembered { remembered: by_name(&remembered), chosen: by_name(chosen) };
        parse_csv(CsvDialect { types, ..CsvDialect::default() }, "id,a,b\n1,2,3\n")
    };
    let found = read(&[]).unwrap();
    let number = Value::Number("2".into());
    assert_eq!(
        rows(&found)[0].values,
        [("id".into(), text("1")), ("a".into(), number), ("b".into(), text("3"))]
    );
    let found = read(&[("a", ColumnType::String)]).unwrap();
    assert_eq!(find_cell(rows(&found)[0], "a"), Some(&text("2")));
    assert!(matches!(read(&[("gone", ColumnType::String)]), Err(Unreadable::NoSuchColumn { .. })));
}

#[test]
fn a_row_that_is_not_utf8_is_rejected_at_its_line() {
    for (bytes, line) in [
        (b"id,a\n1,x\n2,\"\n\n\xe9\"\n3,y\n".as_slice(), 5),
        (b"id,a\r1,x\r2,\xe9\r3,y\r", 3),
        (b"id,a\n\xc3,\xa9\n3,y", 2),
    ] {
        let found = parse_bytes(Csv, bytes).unwrap();
        assert_eq!(rejects(&found)[0].line, line, "{bytes:?}");
        assert!(rejects(&found)[0].reason.contains("--encoding windows-1252"));
        assert_eq!(rows(&found).last().map(|row| row.key()), Some("3"), "{bytes:?}");
    }
    assert_eq!(parse_bytes(Csv, b"id,caf\xe9\n"), Err(Unreadable::NotUtf8 { line: 1 }));
}

#[test]
fn a_faulty_quote_costs_one_row() {
    for (text, line, keys) in [
        ("id,c\n1,\"x\n2,y\n3,\"z\"\n4,w\n", 2, &["2", "3", "4"][..]),
        ("id,a,b\n1,x,\"o\n2,x,y\n3,\"x\",y\n4,x,y\n", 2, &["2", "3", "4"]),
        ("id,a\n1,x\n2,\"y\n3,z\n4,w\n", 3, &["1", "3", "4"]),
        ("id,a\n1,x\n2,\"y\" z\n3,w", 3, &["1", "3"]),
        ("id,a\n1,x\n2,\"y\"z", 3, &["1"]),
        ("id,a\r\n1,\"x\r\n2,y\r\n", 2, &["2"]),
        ("id,a\r1,\"x\r2,y\r", 2, &["2"]),
        ("id,a,b\n1,\"two\nlines\",\"x\nlines\"\",y\n", 3, &[]),
        ("id,c\n1,\"a \\\"b\\\" c\"\n2,x\n", 2, &["2"]),
    ] {
        let found = parse(Csv, text).unwrap();
        assert_eq!(rejects(&found)[0].line, line, "{text}");
        assert_eq!(rows(&found).iter().map(|row| row.key()).collect::<Vec<_>>(), keys, "{text}");
    }
    let found = parse(Csv, "id,a\n1,\"x\n2,y").unwrap();
    assert_eq!(rejects(&found)[0].row, "1,\"x");
    assert!(rejects(&found)[0].reason.starts_with("opens a quote that is never closed"));
    assert_eq!(rows(&parse(Csv, "id,a\n1,\"x\"").unwrap()).len(), 1);
}

#[test]
fn one_stray_quote_in_a_large_file_costs_one_row() {
    let long = "x".repeat(500);
    for stray in [1, 5_000, 10_000] {
        let quote = |row| if row == stray { "\"" } else { "" };
        let body: String = (1..=10_000).map(|row| format!("{row},{}{long}\n", quote(row))).collect();
        assert!(body.len() > MAX_RECORD_BYTES);
        let found = parse(Csv, &format!("id,name\n{body}")).unwrap();
        assert_eq!((rows(&found).len(), rejects(&found).len()), (9_999, 1));
        assert_eq!(rejects(&found)[0].line, stray + 1);
    }
}

#[test]
fn a_file_of_quotes_that_never_close_takes_linear_time() {
    // Each line leaves a quote open, whether one is open before it or not.
    let line = format!("x\",{},\"\n", "y".repeat(500));
    let count = 2 * MAX_RECORD_BYTES / line.len();
    let found = parse(Csv, &format!("id,a,b\n{}", line.repeat(count))).unwrap();
    assert_eq!(rejects(&found).len(), count);
    let last = count as u64 + 1;
    assert!(rejects(&found).iter().skip(count / 2 + 2).all(|reject| reject.line == last));
}

#[test]
fn quotes_inside_an_unquoted_cell_are_text() {
    let found = parse(Csv, "id,a\n1,19\" screen\n2, \"x\"\n").unwrap();
    assert_eq!(find_cell(rows(&found)[0], "a"), Some(&text("19\" screen")));
    assert_eq!(find_cell(rows(&found)[1], "a"), Some(&text(" \"x\"")));
}

#[test]
fn a_cell_that_contains_rows_is_rejected_unless_it_is_meant() {
    let swallowed = "id,a\n1,\"x\n2,y\n3,z\"\n4,w\n";
    let found = parse(Csv, swallowed).unwrap();
    let reject = rejects(&found)[0];
    assert!(reject.has_multiline_cell && reject.line == 2, "{reject:?}");
    assert!(reject.reason.contains("2 lines that look like rows"), "{}", reject.reason);
    assert_eq!(rows(&found).iter().map(|row| row.line).collect::<Vec<_>>(), [5]);
    let meant = CsvDialect { multiline_cells: true, ..CsvDialect::default() };
    let found = parse_csv(meant, swallowed).unwrap();
    assert_eq!(find_cell(rows(&found)[0], "a"), Some(&text("x\n2,y\n3,z")));
}

#[test]
fn a_backslash_escapes_if_the_dialect_says_so() {
    let escaped = |delimiter: &str, text: &str| {
        let delimiter = delimiter.parse().unwrap();
        let escape = Some("\\".parse().unwrap());
        parse_csv(CsvDialect { delimiter, escape, ..CsvDialect::default() }, text).unwrap()
    };
    let found =
        escaped(",", "id,c,d\n1,\"a \\\"b\\\" c\",\\N\n2,x\\,y\\\nz,\"\\\\\"\n3,\"a\"\"b\",\"\\\n\"\n");
    let cells = |row: usize, name| find_cell(rows(&found)[row], name).cloned();
    assert_eq!((cells(0, "c"), cells(0, "d")), (Some(text("a \"b\" c")), None));
    assert_eq!((cells(1, "c"), cells(1, "d")), (Some(text("x,y\nz")), Some(text("\\"))));
    assert_eq!((cells(2, "c"), cells(2, "d")), (Some(text("a\"b")), Some(text("\n"))));
    assert_eq!(lines(&found), [2, 3, 5]);
    let found = escaped("tab", "id\tc\n1\ttab\\tnext\\nend\n");
    assert_eq!(find_cell(rows(&found)[0], "c"), Some(&text("tab\tnext\nend")));
}

#[test]
fn columns_without_a_name_are_no_attributes() {
    for text in [
        "id,n,\n1,2,\n",
        "id,n\n1,2,\n",
        "id,n,,\n1,2,,\n",
        "id, n \n1,2\n",
        "sep=,\nid,n\n1,2\n",
        "\"\",id,n\n\"1\",1,2\n",
        ",id,n\n0,1,2\n",
    ] {
        let found = parse(Csv, text).unwrap();
        let names: Vec<_> = rows(&found)[0].values.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["id", "n"], "{text}");
    }
    let found = parse(Csv, "id,n,\n1,2,3\n").unwrap();
    assert_eq!(rejects(&found)[0].reason, "has 3 values for the 2 columns of the header");
}

#[test]
fn chosen_columns_are_left_out() {
    let skip = |columns: &[&str], text: &str| {
        let skip_columns = columns.iter().map(|name| (*name).to_owned()).collect();
        parse_csv(CsvDialect { skip_columns, ..CsvDialect::default() }, text)
    };
    let found = skip(&["a", "3"], "id,a,,b,b\n1,2,3,4,5\n");
    assert!(found.unwrap_err().with_advice().ends_with("--skip-columns 5"));
    let found = skip(&["a", "3", "5"], "id,a,,b,b\n1,2,3,4,5\n").unwrap();
    assert_eq!(rows(&found)[0].values, [("id".into(), text("1")), ("b".into(), text("4"))]);
    assert!(skip(&["c"], "id,a\n").unwrap_err().to_string().contains("there is no column \"c\""));
    assert!(matches!(skip(&["id"], "id,a\n"), Err(Unreadable::NoKeyColumn { .. })));
    let row_numbers = CsvDialect { row_numbers: true, ..CsvDialect::default() };
    let found = parse_csv(row_numbers, "id,a\n\"1\",x,y\n").unwrap();
    assert_eq!(rows(&found)[0].values, [("id".into(), text("x")), ("a".into(), text("y"))]);
}

#[test]
fn lines_end_with_any_line_end() {
    for end in ["\n", "\r\n", "\r"] {
        let text = ["id,a", "1,\"two", "lines\"", "", "2,x,y", "3,z"].join(end);
        let found = parse(Csv, &text).unwrap();
        assert_eq!(lines(&found), [2, 5, 6], "{end:?}");
    }
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
    let blank = "\n".repeat(MAX_RECORD_BYTES);
    assert_eq!(lines(&parse(Csv, &format!("{blank}id\n1\n")).unwrap()), [MAX_RECORD_BYTES as u64 + 2]);
    assert_eq!(parse(Csv, &format!("{blank}\nid\n1\n")), Err(Unreadable::HeaderTooLong));
}

#[test]
fn a_header_without_rows_is_readable() {
    assert_eq!(parse(Csv, "id,a"), Ok(vec![]));
    assert_eq!(parse(Csv, "id,a\r\n\r\n"), Ok(vec![]));
}
