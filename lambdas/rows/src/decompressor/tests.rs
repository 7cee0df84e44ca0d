use crate::decompressor::PIECE_BYTES;
use crate::dialect::compression::Compression;
use crate::dialect::format::Format;
use crate::parser::Parser;
use crate::tests::cuts::{compress, dialect_with, gzip, zstd};
use crate::tests::{parse_as, rows, string_key};
use crate::unreadable::Unreadable;

const TEXT: &[u8] = b"{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n";

fn parse_keys(compression: Compression, file: &[u8]) -> Result<Vec<String>, Unreadable> {
    let found = parse_as(&dialect_with(Format::Ndjson, compression), file)?;
    Ok(rows(&found).iter().map(|row| row.key().to_owned()).collect())
}

#[test]
fn a_decompression_bomb_does_not_grow_memory() {
    let line = b"{\"id\":1}\n";
    let text = line.repeat(64 * 1024);
    for compression in [Compression::Gzip, Compression::Zstd] {
        let file = compress(compression, &text);
        assert!(file.len() < text.len() / 50);
        let mut parser = Parser::new(&dialect_with(Format::Ndjson, compression), &string_key());
        let (mut chunk, mut out, mut total) = (file.as_slice(), Vec::new(), 0);
        while parser.read(&mut chunk, &mut out).unwrap() {
            assert!(out.len() <= PIECE_BYTES / line.len() + 1);
            total += out.len();
            out.clear();
        }
        assert_eq!((parser.finish(&mut out), chunk.len()), (Ok(false), 0));
        assert_eq!(total + out.len(), 64 * 1024);
        assert_eq!(parser.position().offset, text.len() as u64 - 1);
        assert_eq!(parser.wanted_offset(), file.len() as u64);
    }
}

#[test]
fn a_file_cut_off_anywhere_is_unreadable() {
    for (compression, file) in [(Compression::Gzip, gzip(TEXT)), (Compression::Zstd, zstd(TEXT))] {
        assert_eq!(parse_keys(compression, b""), Err(Unreadable::Empty));
        for end in 1..file.len() {
            assert_eq!(
                parse_keys(compression, &file[..end]),
                Err(Unreadable::Truncated { compression }),
                "{end}"
            );
        }
        assert_eq!(parse_keys(compression, &file).unwrap(), ["1", "2", "3"]);
        let message = Unreadable::Truncated { compression }.with_advice();
        assert!(message.starts_with(&format!("the file ends inside its {compression} data: ")), "{message}");
    }
}

#[test]
fn damaged_data_is_unreadable() {
    let mut file = gzip(TEXT);
    let checksum = file.len() - 8;
    file[checksum] ^= 1;
    assert!(matches!(parse_keys(Compression::Gzip, &file), Err(Unreadable::Damaged { .. })), "the checksum");
    file[checksum] ^= 1;
    file[checksum + 4] ^= 1;
    assert!(matches!(parse_keys(Compression::Gzip, &file), Err(Unreadable::Damaged { .. })), "the length");
    let mut file = zstd(TEXT);
    file[4] |= 8;
    assert!(
        matches!(parse_keys(Compression::Zstd, &file), Err(Unreadable::Damaged { .. })),
        "a reserved bit"
    );
    for compression in [Compression::Gzip, Compression::Zstd] {
        assert_eq!(parse_keys(compression, TEXT), Err(Unreadable::NotCompressed { compression }));
    }
    assert!(matches!(parse_keys(Compression::Gzip, b"\x1fx"), Err(Unreadable::Damaged { .. })));
}

#[test]
fn only_zeros_may_follow_gzip_data() {
    let compression = Compression::Gzip;
    let with = |end: &[u8]| parse_keys(compression, &[&gzip(TEXT), end].concat());
    assert_eq!(with(&[0; 1000]).unwrap().len(), 3);
    assert_eq!(with(&gzip(b"")).unwrap().len(), 3);
    let trailing = Err(Unreadable::TrailingBytes { compression });
    assert_eq!(with(b"x"), trailing);
    assert_eq!(with(b"\0\0x"), trailing);
    assert_eq!(with(&[&[0], gzip(TEXT).as_slice()].concat()), trailing);
    assert_eq!(parse_keys(compression, &[0; 10]), Err(Unreadable::NotCompressed { compression }));
}

#[test]
fn frames_without_text_may_be_anywhere() {
    let compression = Compression::Zstd;
    let skippable = b"\x50\x2a\x4d\x18\x03\0\0\0abc".as_slice();
    let frame = zstd(TEXT);
    let file = [skippable, &frame, skippable, &zstd(b""), &frame].concat();
    assert_eq!(parse_keys(compression, &file).unwrap().len(), 6);
    assert_eq!(
        parse_keys(compression, &[&frame, b"xxxx".as_slice()].concat()),
        Err(Unreadable::TrailingBytes { compression })
    );
}

#[test]
fn a_window_is_limited() {
    // A frame header (RFC 8878, 3.1.1.1) with a window descriptor, then an empty last block.
    let frame = |exponent: u8| [b"\x28\xb5\x2f\xfd\x00".as_slice(), &[exponent << 3], b"\x01\0\0"].concat();
    assert_eq!(parse_keys(Compression::Zstd, &frame(27 - 10)), Err(Unreadable::Empty), "128 MiB");
    assert_eq!(parse_keys(Compression::Zstd, &frame(28 - 10)), Err(Unreadable::WindowTooLarge), "256 MiB");
}
