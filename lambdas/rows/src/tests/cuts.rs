//! Tests that neither the cuts between chunks nor the place where a parser resumes make a difference.

use std::io::Write;

use restctl_contract::load::Position;

use super::{finish, parse_in_chunks, read_in_chunks, string_key};
use crate::dialect::Dialect;
use crate::dialect::compression::Compression;
use crate::dialect::format::Format;
use crate::limits::MAX_RECORD_BYTES;
use crate::parser::Parser;
use crate::unreadable::Unreadable;

const COMPRESSIONS: [Compression; 3] = [Compression::None, Compression::Gzip, Compression::Zstd];

pub(crate) fn dialect_with(format: Format, compression: Compression) -> Dialect {
    Dialect::new(format, compression)
}

/// Compresses the text in two members or frames.
pub(crate) fn compress(compression: Compression, text: &[u8]) -> Vec<u8> {
    let (one, two) = text.split_at(text.len() / 2);
    match compression {
        Compression::None => text.to_vec(),
        Compression::Gzip => [gzip(one), gzip(two)].concat(),
        Compression::Zstd => [zstd(one), zstd(two)].concat(),
    }
}

pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut member = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    member.write_all(text).unwrap();
    member.finish().unwrap()
}

pub(crate) fn zstd(text: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(zstd_safe::compress_bound(text.len()));
    zstd_safe::compress(&mut frame, text, 1).unwrap();
    frame
}

/// Cuts the file at every `step`, and resumes at every position on the way.
fn assert_cuts_do_not_matter(dialect: &Dialect, file: &[u8], steps: &[usize]) {
    let key = string_key();
    let (whole, result) = parse_in_chunks(Parser::new(dialect, &key), file, file.len().max(1));
    for &step in steps {
        let mut out = Vec::new();
        let mut stops = vec![(0, Position::START)];
        let mut parser = Parser::new(dialect, &key);
        let cut = read_in_chunks(&mut parser, file, step, &mut out, |rows, at| {
            if stops.last() != Some(&(rows, at)) {
                stops.push((rows, at));
            }
        });
        let cut = cut.and_then(|()| finish(&mut parser, &mut out));
        assert!(
            out == whole && cut == result.clone().map(|_| ()),
            "{dialect:?} in steps of {step}: {out:?} is not {whole:?}"
        );
        if cut.is_ok() {
            stops.push((out.len(), parser.position()));
        }
        for (rows, at) in stops {
            let (rest, end) = parse_in_chunks(Parser::resume(dialect, &key, at), file, step);
            assert!(rest == whole[rows..], "{dialect:?} from {at:?}: {rest:?} is not {:?}", &whole[rows..]);
            assert_eq!(end.err(), result.clone().err(), "{dialect:?} from {at:?}");
        }
    }
}

#[test]
fn cuts_and_stops_do_not_matter() {
    let files: &[(Format, &[u8])] = &[
        (Format::Csv, "\u{feff}id,a\r\n\r\n1,\"x\r\ny\"\"z\"\r\n2\r\n3,é\n,4\n\n\n5,\"\"\"\"".as_bytes()),
        (Format::Csv, b"id,a\n1,b\n2,\"never\nclosed\n3,c\n"),
        (Format::Csv, b"id,a\n1,b\n2,\"c\n\xff\"\n"),
        (Format::Csv, "id\n\u{feff}1\n\u{feff}2\n".as_bytes()),
        (Format::Csv, "\u{feff}\u{feff},id\n1,2\n".as_bytes()),
        (Format::Csv, b"id,a\r1,b\r2,c\r"),
        (Format::Csv, b"id,a"),
        (Format::Csv, b"\xef\xbb"),
        (Format::Csv, b"\xef\xbbid\n1\n"),
        (Format::Csv, b"\n\r\n"),
    ];
    for &(format, text) in files {
        for compression in COMPRESSIONS {
            assert_cuts_do_not_matter(
                &dialect_with(format, compression),
                &compress(compression, text),
                &[1, 2, 3, 7, 1000],
            );
        }
    }
}

#[test]
fn cuts_and_stops_do_not_matter_in_json() {
    let files: &[&[u8]] = &[
        "\u{feff}{\"id\":\"é\"}\r\n\n{\"id\":}\n \n{\"id\":3}\n\n{\"id\":4}".as_bytes(),
        "{\"id\":1}\n\u{feff}{\"id\":2}\n".as_bytes(),
        b"{\"id\":1}\n{\"id\":\"\xe9\"}\n\xe9\n{\"id\":2}",
        b"\n \n",
        "\u{feff}[{\"id\":\"\\\"é]\n\"} , 12\n,\n{\"id\":3}\n,\"a\",\"\\\\\"]\n".as_bytes(),
        b"[{\"id\":1},\n{\"id\":2}",
        b"[{\"id\":1},\n1 2]",
        b"[]",
        b"[1]x",
        b"\n[{\"id\":1},\r\n{\"id\":2},\r]\r[{\"id\":3}]\r\n{\"id\":4} [{\"id\":5}]\n",
        b"{\n \"id\":\n 1\n}\r\n\r\n{\r\"id\":2\r}\r{\"id\":3}{\"id\":4} {\"id\":\n5}\n12 13",
        b"\x1e{\"id\":1}\n\x1e{\"id\":2\n \x1e{\"id\":3}",
        b"{\"id\":1\n{\"id\":2}\n  {\"id\":\"3\n  {\"l\":[\n{\n\"id\":oops\n  }\n{\"id\":4},\n\n{\"id\":5}\n",
        b" {\n  \"id\": 1\n  \"l\": [\n   {\"id\":2}\n  ]\n }\n {\"id\":3}\n",
        b"\x0c\n{\n\x1e {\"id\":1\n\x1e{\"id\":2}\x0c\n\x1e{\n",
        b",\n]\n{\"id\":1}\n]\r\n ,x\n]\n{\"id\":2} , {\"id\":3}\n]",
        b"[{\"id\":1}\n]\n]\n,\n{\"id\":2}\n[{\"id\":3}]]\n{\"id\":4},",
        b"{\"items\":[{\"id\":1}\r,{\"id\":2},],\"z\":[{\"id\":9}]}\n{\"items\":[],\"x\":1} {\"items\":[{\"id\":3}]}\n",
        b"{\"a\":{\"items\":[]},\"items\":[{\"id\":1},\n2]\n,oops}",
        b"{\"items\":[{\"id\":1},\n{\"id\":2}]} {\"items\":{}}",
    ];
    let records = [None, Some("items".parse().unwrap())];
    for (text, records) in files.iter().flat_map(|text| records.iter().map(move |records| (text, records))) {
        for (format, compression) in [
            (Format::Ndjson, Compression::None),
            (Format::Json, Compression::None),
            (Format::Json, Compression::Gzip),
        ] {
            let dialect = Dialect { records: records.clone(), ..dialect_with(format, compression) };
            assert_cuts_do_not_matter(&dialect, &compress(compression, text), &[1, 2, 3, 7, 1000]);
        }
    }
}

#[test]
fn cuts_and_stops_do_not_matter_in_long_records() {
    let long = "x".repeat(MAX_RECORD_BYTES);
    for (format, text) in [
        (Format::Csv, format!("id,a\n1,{long}\n\"\n2,b")),
        (Format::Csv, format!("id,a\n1,\"{long}\n\"\n2,b\n")),
        (Format::Ndjson, format!("{{\"id\":\"{long}\"}}\n{{\"id\":2}}\n")),
        (Format::Ndjson, format!("{{\"id\":\n\"{long}\"}}\n{{\"id\":2}}\n")),
        (Format::Ndjson, format!("{{\"id\":1}} {{\"id\":\"{long}\"}} {{\"id\":3}}\n{{\"id\":2}}\n")),
        (Format::Json, format!("[{{\"id\":\"{long}\"}}\n,{{\"id\":2}}]")),
    ] {
        for compression in COMPRESSIONS {
            assert_cuts_do_not_matter(
                &dialect_with(format, compression),
                &compress(compression, text.as_bytes()),
                &[64_001],
            );
        }
    }
}

#[test]
fn cuts_and_stops_do_not_matter_in_many_blank_lines() {
    let blank = "\n".repeat(MAX_RECORD_BYTES);
    let crlf = "\r\n  ".repeat(MAX_RECORD_BYTES / 4);
    for (format, text) in [
        (Format::Ndjson, format!("[{{\"id\":1}}]{blank}\n\n[{{\"id\":2}}]")),
        (Format::Json, format!("[{{\"id\":1}}{blank}\n\n,{{\"id\":2}}]\n")),
        (Format::Ndjson, format!("{{\"id\":1}}{crlf}\r\n   {{\"id\":\n3\n  4}}\n,\n{{\"id\":5}}")),
    ] {
        let dialect = dialect_with(format, Compression::None);
        assert_cuts_do_not_matter(&dialect, text.as_bytes(), &[MAX_RECORD_BYTES / 2 + 7]);
    }
}

#[test]
fn a_load_may_stop_within_many_blank_lines() {
    let blank = "\n".repeat(2 * MAX_RECORD_BYTES);
    for (format, start) in [(Format::Csv, "id\n1\n"), (Format::Ndjson, "{\"id\":1}")] {
        let mut parser = Parser::new(&dialect_with(format, Compression::None), &string_key());
        let file = format!("{start}{blank}");
        let (mut chunk, mut out) = (file.as_bytes(), Vec::new());
        while parser.read(&mut chunk, &mut out).unwrap() {}
        let Position { offset, line } = parser.position();
        assert!(offset > MAX_RECORD_BYTES as u64, "{format:?}: {offset}");
        assert_eq!(line, 1 + file[..offset as usize].matches('\n').count() as u64);
        assert_eq!(out.len(), 1);
    }
}

#[test]
fn cuts_and_stops_do_not_matter_in_many_pieces() {
    let csv = &include_bytes!("../../../../fixtures/items.csv")[..100_000];
    for compression in COMPRESSIONS {
        assert_cuts_do_not_matter(
            &dialect_with(Format::Csv, compression),
            &compress(compression, csv),
            &[20_000, usize::MAX],
        );
    }
}

#[test]
fn a_resumed_parser_wants_the_bytes_at_its_position() {
    let csv = b"id,a\n1,b\n2,c\n3,d\n";
    let at = Position { offset: 13, line: 4 };
    let mut out = Vec::new();
    let mut parser = Parser::resume(&dialect_with(Format::Csv, Compression::None), &string_key(), at);
    assert_eq!(parser.wanted_offset(), 0, "the header");
    let mut chunk = &csv[..2];
    assert_eq!(parser.read(&mut chunk, &mut out), Ok(false));
    assert_eq!(parser.wanted_offset(), 2);
    let mut chunk = &csv[2..8];
    assert_eq!(parser.read(&mut chunk, &mut out), Ok(false));
    assert_eq!((parser.wanted_offset(), parser.position()), (13, at));
    assert_eq!(parser.read(&mut &csv[13..], &mut out), Ok(false));
    assert_eq!(out.iter().flatten().map(|row| (row.key(), row.line)).collect::<Vec<_>>(), [("3", 4)]);

    let parser = Parser::resume(&dialect_with(Format::Ndjson, Compression::None), &string_key(), at);
    assert_eq!(parser.wanted_offset(), 13, "at once");
    let parser = Parser::resume(&dialect_with(Format::Ndjson, Compression::Zstd), &string_key(), at);
    assert_eq!(parser.wanted_offset(), 0, "a compressed file is read from the start");
}

#[test]
fn a_file_that_ends_before_the_position_is_unreadable() {
    let at = Position { offset: 100, line: 4 };
    let file = gzip(b"id\n1\n2\n");
    let parser = Parser::resume(&dialect_with(Format::Csv, Compression::Gzip), &string_key(), at);
    assert_eq!(parse_in_chunks(parser, &file, 10), (vec![], Err(Unreadable::EndsBefore { offset: 100 })));
}
