//! Finds out how to read a file by its name and its first bytes.

use std::borrow::Cow;

use restctl_contract::key::Key;

use crate::decompressor::Decompressor;
use crate::dialect::compression::Compression;
use crate::dialect::delimiter::Delimiter;
use crate::dialect::format::{Format, UnknownEnding};
use crate::dialect::{BYTE_ORDER_MARK, CsvDialect, Dialect};
use crate::format::csv::sample::CsvSample;
use crate::format::csv::separator_of;
use crate::unreadable::Unreadable;

/// How many bytes of a file [`Dialect::detect`] looks at.
pub const DETECTION_BYTES: usize = 64 * 1024;

/// Little-endian. It begins with the mark of UTF-16.
const UTF_32_MARK: &[u8] = b"\xff\xfe\0\0";

const ZIP: &[u8] = b"PK\x03\x04";

impl Dialect {
    /// Finds out how to read the file `name`, which begins with `head`. `delimiter` is chosen if it is `Some`, and the
    /// other properties of a CSV are those of `csv`.
    ///
    /// # Errors
    /// If the file must be converted first, or if neither its name nor its content tells the format.
    pub fn detect(
        name: &str,
        head: &[u8],
        key: &Key,
        delimiter: Option<Delimiter>,
        csv: CsvDialect,
    ) -> Result<Self, Unreadable> {
        if head.starts_with(ZIP) {
            return Err(Unreadable::ZipArchive);
        }
        let compression = Compression::from_first_bytes(head);
        let text = decompress_head(head, compression)?;
        let is_whole = head.len() < DETECTION_BYTES && text.len() < DETECTION_BYTES;
        if is_utf16(&text) {
            return Err(Unreadable::Utf16);
        }
        if is_binary(&text) {
            return Err(Unreadable::NotText);
        }
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&text);
        let format = Format::from_name(name).or_else(|unknown| format_of_text(text, unknown))?;
        let mut dialect = Self { csv, ..Self::new(format, compression) };
        if format == Format::Csv {
            dialect.csv.detect_layout(text, is_whole, key, delimiter);
        }
        Ok(dialect)
    }
}

impl CsvDialect {
    fn detect_layout(&mut self, text: &[u8], is_whole: bool, key: &Key, chosen: Option<Delimiter>) {
        let line_end = memchr::memchr2(b'\n', b'\r', text).unwrap_or(text.len());
        let named = separator_of(&text[..line_end]).and_then(|byte| Delimiter::try_from(byte).ok());
        let text = if named.is_some() { &text[line_end..] } else { text };
        let escape = self.escape.map(|escape| escape.byte());
        let sample = |delimiter: Delimiter| CsvSample::read(text, is_whole, delimiter, escape);
        let sample = match chosen.or(named) {
            Some(delimiter) => sample(delimiter),
            None => {
                let samples = Delimiter::USUAL.map(sample).into_iter().rev();
                let best = samples.max_by(|one, other| one.fitness(key).total_cmp(&other.fitness(key)));
                best.unwrap_or_default()
            }
        };
        self.delimiter = sample.delimiter;
        self.row_numbers = sample.has_row_numbers();
    }
}

/// Returns the beginning of the text. Damage is left to the reader, which says where it is.
fn decompress_head(head: &[u8], compression: Compression) -> Result<Cow<'_, [u8]>, Unreadable> {
    let Some(mut decompressor) = Decompressor::new(compression) else { return Ok(Cow::Borrowed(head)) };
    let (mut rest, mut text) = (head, Vec::new());
    while text.len() < DETECTION_BYTES {
        match decompressor.decompress_piece(&mut rest) {
            Ok((piece, has_more)) => {
                text.extend_from_slice(piece);
                if !has_more {
                    break;
                }
            }
            Err(error) if text.is_empty() => return Err(error),
            Err(_) => break,
        }
    }
    Ok(Cow::Owned(text))
}

/// Returns whether the text begins with a byte order mark of UTF-16, or with ASCII characters in it: every second byte
/// of those is zero.
fn is_utf16(text: &[u8]) -> bool {
    let pairs = || text.as_chunks::<2>().0.iter().take(8);
    (text.starts_with(&[0xff, 0xfe]) && !text.starts_with(UTF_32_MARK))
        || text.starts_with(&[0xfe, 0xff])
        || (text.len() >= 4
            && (pairs().all(|[low, high]| *low != 0 && *high == 0)
                || pairs().all(|[high, low]| *high == 0 && *low != 0)))
}

/// Returns whether this is no text in any encoding but perhaps UTF-16: it is not UTF-8 and has control characters, as
/// compressed data has, or its first line has NUL, as a tar archive has.
fn is_binary(text: &[u8]) -> bool {
    let controls = |byte: &u8| matches!(byte, 0..=8 | 14..=26 | 28..=31);
    // A character may be cut at the end of the first bytes.
    let is_utf8 = std::str::from_utf8(text).map_or_else(|error| error.error_len().is_none(), |_| true);
    let mut first_line = text.iter().take_while(|byte| !matches!(byte, b'\n' | b'\r'));
    first_line.any(|byte| *byte == 0) || (!is_utf8 && text.iter().any(controls))
}

fn format_of_text(text: &[u8], unknown: UnknownEnding) -> Result<Format, UnknownEnding> {
    match text.trim_ascii_start().first() {
        Some(b'[') => Ok(Format::Json),
        Some(b'{') => Ok(Format::Ndjson),
        Some(_) if CsvSample::is_likely(text) => Ok(Format::Csv),
        _ => Err(unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::string_key;

    fn detect(name: &str, head: &[u8]) -> Result<Dialect, Unreadable> {
        Dialect::detect(name, head, &string_key(), None, CsvDialect::default())
    }

    fn detect_csv(text: &str) -> (char, bool) {
        let dialect = detect("a.csv", text.as_bytes()).unwrap();
        (char::from(dialect.csv.delimiter.byte()), dialect.csv.row_numbers)
    }

    #[test]
    fn the_delimiter_is_found() {
        for (text, delimiter) in [
            ("id,n\n1,2\n", ','),
            ("id;n\n1;2,5\n2;3,5\n", ';'),
            ("id\tn\n1\t2, or; 3\n", '\t'),
            ("id|n\n1|2\n", '|'),
            ("\u{feff}id;n\n1;2\n", ';'),
            ("sep=;\nid;n\n1;2\n", ';'),
            ("sep=\t\r\nid\tn\r\n", '\t'),
            ("\"id\";\"a,b\"\n1;x\n", ';'),
            ("id\n1\n2\n", ','),
            ("", ','),
            // Without the key, the columns decide, so that the message lists them.
            ("code;name\n1;a\n2;b\n", ';'),
            ("id,text\n1,a;b;c\n2,d\n", ','),
        ] {
            assert_eq!(detect_csv(text).0, delimiter, "{text}");
        }
    }

    #[test]
    fn row_numbers_without_a_header_are_found() {
        assert_eq!(detect_csv("\"id\",\"n\"\n\"1\",\"a\",5\n\"2\",\"b\",6\n"), (',', true));
        assert_eq!(detect_csv("id\tn\n0\ta\t5\n1\tb\t6\n"), ('\t', true));
        for text in ["id,n\n1,2,\n", "id,n\n1,a,5\n1,b,6\n", "id,n\n1,2\n2,3,4\n", "id,n\n7,a,b\n", "id,n\n"]
        {
            assert_eq!(detect_csv(text), (',', false), "{text}");
        }
    }

    #[test]
    fn the_first_bytes_show_more_than_the_name() {
        let gzip = crate::tests::cuts::gzip(b"id;n\n1;2\n");
        let dialect = detect("a.csv", &gzip).unwrap();
        assert_eq!((dialect.compression, dialect.csv.delimiter.byte()), (Compression::Gzip, b';'));
        assert_eq!(detect("a.csv.gz", b"id,n\n").unwrap().compression, Compression::None);
        assert_eq!(detect("a.csv", b"PK\x03\x04..."), Err(Unreadable::ZipArchive));
        for utf16 in [b"\xff\xfei\0d\0".as_slice(), b"\xfe\xff\0i\0d", b"i\0d\0,\0", b"\0i\0d\0,"] {
            assert_eq!(detect("a.csv", utf16), Err(Unreadable::Utf16), "{utf16:?}");
        }
        for binary in [
            b"BZh91AY&SY\x94\xac\xd0\x01\0".as_slice(),
            b"\xfd7zXZ\0\0\x04\xe6",
            b"%PDF-1.7\n%\xe2\xe3\n\x02",
            b"\x89PNG\r\n\x1a\n\0,",
            b"a.csv\0\0\0\0id,n\n1,2\n",
            b"\xff\xfe\0\0i\0\0\0d\0\0\0",
        ] {
            assert_eq!(detect("a.csv", binary), Err(Unreadable::NotText), "{binary:?}");
            assert_eq!(detect("a", &crate::tests::cuts::gzip(binary)), Err(Unreadable::NotText));
        }
        for text in [b"id,caf\xe9\n".as_slice(), b"id,n\n1,\0\n", b"id\x1b\n\xff\n", "id,\u{7f}é".as_bytes()]
        {
            assert!(detect("a.csv", text).is_ok(), "{text:?}");
        }
        let cut = ["id,n\n1,\0".as_bytes(), &"é".as_bytes()[..1]].concat();
        assert!(detect("a.csv", &cut).is_ok());
        let format = |name, text: &str| detect(name, text.as_bytes()).map(|dialect| dialect.format);
        assert_eq!(format("export.txt", "id,n\n1,2\n"), Ok(Format::Csv));
        assert_eq!(format("export", " [{\"id\":1}]"), Ok(Format::Json));
        assert_eq!(format("export.log", "{\"id\":1}\n"), Ok(Format::Ndjson));
        assert!(format("notes.txt", "hello").is_err());
        assert!(format("picture.txt", "\u{1}, \u{2}\n").is_err());
    }
}
