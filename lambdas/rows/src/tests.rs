//! What the tests of the formats share, and tests of what holds for all formats.

pub(crate) mod cuts;
mod stack;

use restctl_contract::key::{Key, KeyType};
use restctl_contract::load::Position;

use crate::dialect::compression::Compression;
use crate::dialect::format::Format;
use crate::dialect::{CsvDialect, Dialect, Types};
use crate::parser::Parser;
use crate::reject::Reject;
use crate::row::Row;
use crate::survey::Survey;
use crate::types::value::Value;
use crate::unreadable::Unreadable;

type Parsed = Vec<Result<Row, Reject>>;

pub(crate) fn string_key() -> Key {
    Key { name: "id".into(), kind: KeyType::String }
}

pub(crate) fn number_key() -> Key {
    Key { name: "id".into(), kind: KeyType::Number }
}

pub(crate) fn dialect(format: Format) -> Dialect {
    Dialect::new(format, Compression::None)
}

pub(crate) fn parse(format: Format, text: &str) -> Result<Parsed, Unreadable> {
    parse_bytes(format, text.as_bytes())
}

pub(crate) fn parse_bytes(format: Format, bytes: &[u8]) -> Result<Parsed, Unreadable> {
    parse_as(&dialect(format), bytes)
}

pub(crate) fn parse_with_number_key(format: Format, text: &str) -> Result<Parsed, Unreadable> {
    parse_in_chunks(Parser::new(&dialect(format), &number_key()), text.as_bytes(), text.len()).1
}

pub(crate) fn parse_with_types(types: &str, text: &str) -> Result<Parsed, Unreadable> {
    let types = Types::Columns(types.parse().unwrap());
    parse_csv(CsvDialect { types, ..CsvDialect::default() }, text)
}

pub(crate) fn parse_csv(csv: CsvDialect, text: &str) -> Result<Parsed, Unreadable> {
    parse_as(&Dialect { csv, ..dialect(Format::Csv) }, text.as_bytes())
}

pub(crate) fn parse_as(dialect: &Dialect, bytes: &[u8]) -> Result<Parsed, Unreadable> {
    parse_in_chunks(Parser::new(dialect, &string_key()), bytes, bytes.len()).1
}

/// Returns what was parsed, even before a failure, and the result.
fn parse_in_chunks(mut parser: Parser, file: &[u8], chunk: usize) -> (Parsed, Result<Parsed, Unreadable>) {
    let mut out = Vec::new();
    let result = read_in_chunks(&mut parser, file, chunk, &mut out, |_, _| ())
        .and_then(|()| finish(&mut parser, &mut out));
    (out.clone(), result.map(|()| out))
}

fn finish(parser: &mut Parser, out: &mut Parsed) -> Result<(), Unreadable> {
    while parser.finish(out)? {}
    Ok(())
}

/// Reads a file as a caller does: in chunks from the wanted offset. `each` gets the number of rows and rejects so far,
/// and the parser's position.
fn read_in_chunks(
    parser: &mut Parser,
    file: &[u8],
    chunk: usize,
    out: &mut Parsed,
    mut each: impl FnMut(usize, Position),
) -> Result<(), Unreadable> {
    while let Some(rest) = file.get(parser.wanted_offset() as usize..).filter(|rest| !rest.is_empty()) {
        let mut chunk = &rest[..rest.len().min(chunk)];
        loop {
            let more = parser.read(&mut chunk, out)?;
            each(out.len(), parser.position());
            if !more {
                break;
            }
        }
    }
    Ok(())
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
fn a_byte_order_mark_is_not_part_of_a_name() {
    for (format, text) in [
        (Format::Csv, "\u{feff}id\n1\n"),
        (Format::Ndjson, "\u{feff}{\"id\":\"1\"}"),
        (Format::Json, "\u{feff}[{\"id\":\"1\"}]"),
    ] {
        let found = parse(format, text).unwrap();
        assert_eq!(rows(&found)[0].values, [("id".into(), Value::String("1".into()))]);
    }
}

#[test]
fn an_empty_file_is_unreadable() {
    for format in [Format::Csv, Format::Ndjson, Format::Json] {
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

/// `fixtures/README.md` lists the traps.
#[test]
fn fixtures_have_the_contents_that_their_page_lists() {
    let survey = |name: &str, bytes: &[u8]| {
        let dialect = Dialect::detect(name, bytes, &string_key(), None, CsvDialect::default())?;
        let mut survey = Survey::new(&dialect, &string_key());
        survey.feed(bytes, |_| ())?;
        let found = survey.finish(|_| ())?;
        let types = found.column_types().map(|types| types.to_string());
        Ok::<_, Unreadable>((found.rows, found.rejected, types))
    };
    macro_rules! fixture {
        ($name:literal) => {
            survey($name, include_bytes!(concat!("../../../fixtures/", $name)))
        };
    }
    let typed = |letters: &str| Some(letters.to_owned());
    assert_eq!(fixture!("items.csv"), Ok((3000, 0, typed("s3n2bs3"))));
    assert_eq!(fixture!("items-bom.csv"), Ok((24, 0, typed("s3n2bs3"))));
    assert_eq!(fixture!("bad.csv"), Ok((8, 5, typed("s2nb"))));
    assert_eq!(fixture!("items.ndjson"), Ok((6, 0, None)));
    assert_eq!(fixture!("items.json"), Ok((6, 0, None)));
    assert_eq!(fixture!("empty.csv"), Err(Unreadable::Empty));
    assert_eq!(fixture!("not-utf8.csv"), Ok((2, 1, typed("s2"))));
    assert!(matches!(fixture!("no-key.csv"), Err(Unreadable::NoKeyColumn { .. })));
}
