//! What the tests of the formats share, and what holds for all of them.

use restctl_contract::key::{Key, KeyType};

use crate::{ColumnTypes, Format, Parser, Reject, Row, Survey, Unreadable, Value};

type Outcome = Vec<Result<Row, Reject>>;

pub(crate) fn string_key() -> Key {
    Key { name: "id".into(), kind: KeyType::String }
}

pub(crate) fn number_key() -> Key {
    Key { name: "id".into(), kind: KeyType::Number }
}

pub(crate) fn parse(format: Format, text: &str) -> Result<Outcome, Unreadable> {
    parse_bytes(format, text.as_bytes())
}

pub(crate) fn parse_bytes(format: Format, bytes: &[u8]) -> Result<Outcome, Unreadable> {
    run(Parser::new(format, &string_key(), None), bytes, bytes.len().max(1)).1
}

pub(crate) fn parse_with_number_key(format: Format, text: &str) -> Result<Outcome, Unreadable> {
    run(Parser::new(format, &number_key(), None), text.as_bytes(), text.len()).1
}

pub(crate) fn parse_with_types(types: &str, text: &str) -> Result<Outcome, Unreadable> {
    let types: ColumnTypes = types.parse().unwrap();
    run(Parser::new(Format::Csv, &string_key(), Some(types)), text.as_bytes(), text.len()).1
}

/// What came out before a failure, too.
fn run(mut parser: Parser, bytes: &[u8], chunk: usize) -> (Outcome, Result<Outcome, Unreadable>) {
    let mut out = Vec::new();
    let fed = bytes.chunks(chunk).try_for_each(|chunk| parser.feed(chunk, &mut out));
    let result = fed.and_then(|()| parser.finish(&mut out));
    (out.clone(), result.map(|()| out))
}

pub(crate) fn rows(found: &[Result<Row, Reject>]) -> Vec<&Row> {
    found.iter().flatten().collect()
}

pub(crate) fn rejects(found: &[Result<Row, Reject>]) -> Vec<&Reject> {
    found.iter().filter_map(|row| row.as_ref().err()).collect()
}

pub(crate) fn lines(found: &[Result<Row, Reject>]) -> Vec<u64> {
    found.iter().map(|row| row.as_ref().map_or_else(|reject| reject.line, |row| row.line)).collect()
}

#[test]
fn chunks_do_not_matter() {
    let long = "x".repeat(crate::MAX_RECORD_BYTES);
    let files: Vec<(Format, Vec<u8>)> = vec![
        (Format::Csv, "\u{feff}id,a\r\n\r\n1,\"x\r\ny\"\"z\"\r\n2\r\n3,é\n,4\n".into()),
        (Format::Csv, format!("id,a\n1,\"{long}\n\"\n2,b").into()),
        (Format::Csv, "id,a\n1,b\n2,\"never\nclosed\n3,c\n".into()),
        (Format::Csv, b"id,a\n1,b\n2,\"c\n\xff\"\n".into()),
        (Format::Csv, b"\xef\xbb".into()),
        (Format::Csv, b"\xef\xbbid\n1\n".into()),
        (Format::Ndjson, "\u{feff}{\"id\":\"é\"}\r\n\n{\"id\":}\n{\"id\":3}".into()),
        (Format::Ndjson, format!("{{\"id\":\"{long}\"}}\n{{\"id\":2}}\n").into()),
        (Format::JsonArray, "\u{feff}[{\"id\":\"\\\"é]\"} , 12,\n{\"id\":3}\n]\n".into()),
        (Format::JsonArray, "[{\"id\":1},\n{\"id\":2}".into()),
    ];
    for (format, bytes) in files {
        let whole = run(Parser::new(format, &string_key(), None), &bytes, bytes.len());
        for chunk in [1, 2, 3, 7] {
            let cut = run(Parser::new(format, &string_key(), None), &bytes, chunk);
            assert!(cut == whole, "{format:?} in chunks of {chunk}: {cut:?} is not {whole:?}");
        }
    }
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_name() {
    for (format, text) in [
        (Format::Csv, "\u{feff}id\n1\n"),
        (Format::Ndjson, "\u{feff}{\"id\":\"1\"}"),
        (Format::JsonArray, "\u{feff}[{\"id\":\"1\"}]"),
    ] {
        let found = parse(format, text).unwrap();
        assert_eq!(rows(&found)[0].values, [("id".into(), Value::String("1".into()))]);
    }
}

#[test]
fn an_empty_file_is_unreadable() {
    for format in [Format::Csv, Format::Ndjson, Format::JsonArray] {
        for text in ["", "\u{feff}", "\n\r\n"] {
            assert_eq!(parse(format, text), Err(Unreadable::Empty), "{format:?} {text:?}");
        }
    }
}

#[test]
fn an_item_has_at_most_400_kb() {
    let with = |bytes: usize| format!("id,s\n1,{}\n", "x".repeat(bytes));
    let stamp = "2026-01-02T03:04:05.678Z/2026-01-02T03:04:06.789Z/0123456789abcdef";
    let most = 409_600 - "id1s".len() - "restctl:load".len() - stamp.len();
    let found = parse(Format::Csv, &with(most)).unwrap();
    assert_eq!(rows(&found)[0].bytes, 409_600);
    let found = parse(Format::Csv, &with(most + 1)).unwrap();
    assert!(rejects(&found)[0].reason.contains("409601 bytes"), "{}", rejects(&found)[0].reason);
}

/// The traps that `fixtures/README.md` lists.
#[test]
fn fixtures_are_what_they_say() {
    let survey = |name: &str, bytes: &[u8]| {
        let mut survey = Survey::new(Format::of(name).unwrap(), &string_key());
        survey.feed(bytes)?;
        let found = survey.finish()?;
        let types = found.column_types().map(|types| types.to_string());
        Ok::<_, Unreadable>((found.rows, found.rejected, types))
    };
    macro_rules! fixture {
        ($name:literal) => {
            survey($name, include_bytes!(concat!("../../../fixtures/", $name)))
        };
    }
    let typed = |letters: &str| Some(letters.to_owned());
    assert_eq!(fixture!("items.csv"), Ok((3000, 0, typed("sssnnbsss"))));
    assert_eq!(fixture!("items-bom.csv"), Ok((24, 0, typed("sssnnbsss"))));
    assert_eq!(fixture!("bad.csv"), Ok((8, 5, typed("ssnb"))));
    assert_eq!(fixture!("items.ndjson"), Ok((6, 0, None)));
    assert_eq!(fixture!("items.json"), Ok((6, 0, None)));
    assert_eq!(fixture!("empty.csv"), Err(Unreadable::Empty));
    assert_eq!(fixture!("not-utf8.csv"), Err(Unreadable::NotUtf8 { line: 3 }));
    assert!(matches!(fixture!("no-key.csv"), Err(Unreadable::NoKeyColumn { .. })));
}
