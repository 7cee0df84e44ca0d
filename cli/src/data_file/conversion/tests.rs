//! The files in `fixtures/converted`, which `fixtures/converted.py` wrote, and hostile ones.

mod hostile;

use std::io::Read;
use std::path::{Path, PathBuf};

use encoding_rs::{BIG5, Encoding, UTF_8, WINDOWS_1252};
use serde_json::Value;

use super::*;

const CSV: &str = "id,name\r\n1,Café\r\n2,\"東京, 🗼\"\r\n";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/converted").join(name)
}

fn options(sheet: Option<&str>, encoding: Option<&'static Encoding>) -> ConversionOptions {
    ConversionOptions { encoding, sheet: sheet.map(str::to_owned) }
}

async fn convert_path(path: &Path, options: &ConversionOptions) -> Result<Option<Converted>> {
    convert(&Source::open(path)?, options).await
}

/// Converts a fixture that must be converted.
async fn convert_fixture(name: &str, options: &ConversionOptions) -> Converted {
    convert_path(&fixture(name), options).await.unwrap_or_else(|failure| panic!("{name}: {failure}")).unwrap()
}

async fn failure_of(name: &str, options: &ConversionOptions) -> String {
    convert_path(&fixture(name), options).await.err().unwrap().to_string()
}

/// Returns the text that the converted file holds.
fn text_of(converted: &Converted) -> String {
    let mut text = String::new();
    let reader = converted.source.reader().unwrap();
    zstd::stream::read::Decoder::new(reader).unwrap().read_to_string(&mut text).unwrap();
    text
}

fn rows_of(ndjson: &str) -> Vec<Value> {
    let lines = ndjson.lines().filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
}

fn expected_rows(name: &str) -> Vec<Value> {
    rows_of(&std::fs::read_to_string(fixture(&format!("{name}.expected.ndjson"))).unwrap())
}

#[tokio::test]
async fn every_type_of_cell_and_column_becomes_what_python_wrote() {
    for (name, expected, sheet) in [
        ("types.xlsx", "types.xlsx", None),
        ("types-1904.xlsx", "types.xlsx", None),
        ("types.xls", "types.xls", None),
        ("types.ods", "types.ods", Some("Prices & more")),
        ("types.parquet", "types.parquet", None),
        ("types-v1-plain.parquet", "types.parquet", None),
        ("types-v2-snappy.parquet", "types.parquet", None),
    ] {
        let converted = convert_fixture(name, &options(sheet, None)).await;
        let rows = rows_of(&text_of(&converted));
        for (row, expected) in rows.iter().zip(expected_rows(expected)) {
            assert_eq!(*row, expected, "{name}");
        }
        assert_eq!(rows.len(), expected_rows(expected).len(), "{name}");
        assert_eq!(converted.name.choose(name, None), format!("{name}.ndjson.zst"));
        assert_eq!(converted.source.shown, fixture(name).display().to_string());
    }
}

#[tokio::test]
async fn parquet_is_read_with_every_codec() {
    for codec in ["gzip", "lz4", "brotli"] {
        let converted = convert_fixture(&format!("few-{codec}.parquet"), &options(None, None)).await;
        let rows = rows_of(&text_of(&converted));
        assert_eq!(rows[0]["ts_us"], "2026-01-15T09:30:00.123456Z", "{codec}");
        assert_eq!(rows.len(), 3, "{codec}");
    }
    let old = convert_fixture("int96.parquet", &options(None, None)).await;
    assert_eq!(text_of(&old), "{\"id\":\"a\",\"moment\":\"2026-01-15T09:30:00.123456789\"}\n");
}

#[tokio::test]
async fn what_is_left_out_is_noted() {
    let notes = convert_fixture("types.parquet", &options(None, None)).await.notes;
    assert_eq!(
        notes,
        [
            "Parquet, 3 rows in 1 row group",
            "3 numbers that are infinite or NaN are left out",
            "bytes that are no text become base64 in \"bytes\"",
        ]
    );
    let notes = convert_fixture("types.xlsx", &options(None, None)).await.notes;
    assert_eq!(
        notes,
        [
            "sheet \"Prices\" of an Excel workbook, the first of 3; --sheet chooses another",
            "1 cell with an error such as #N/A is left out",
        ]
    );
}

#[tokio::test]
async fn a_row_stands_on_the_line_that_has_its_number() {
    let text = text_of(&convert_fixture("types.xlsx", &options(None, None)).await);
    let lines: Vec<&str> = text.lines().map(|line| line.get(..7).unwrap_or(line)).collect();
    assert_eq!(lines, ["", "", "{\"id\":1", "", "{\"id\":2"]);
}

#[tokio::test]
async fn a_sheet_is_chosen_by_its_name_or_its_number() {
    for chosen in ["../x", "2"] {
        let converted = convert_fixture("types.xlsx", &options(Some(chosen), None)).await;
        assert_eq!(text_of(&converted), "\n{\"id\":\"a\",\"2026\":1}\n{\"id\":\"b\",\"2026\":2}\n");
        assert_eq!(
            converted.notes,
            ["sheet \"../x\" of an Excel workbook", "the first column has no name and is left out"]
        );
        assert_eq!(converted.name.choose("a.xlsx", None), "a.xlsx.ndjson.zst");
    }
    for unknown in ["x", "0", "4", ""] {
        let failure = failure_of("types.xlsx", &options(Some(unknown), None)).await;
        assert!(failure.contains("has no sheet"), "{failure}");
        assert!(failure.contains("its sheets are \"Prices\", \"../x\", \"Empty\""), "{failure}");
    }
    let failure = failure_of("types.xlsx", &options(Some("Empty"), None)).await;
    assert!(failure.contains("sheet \"Empty\" is empty"), "{failure}");
    let failure = failure_of("types.parquet", &options(Some("Prices"), None)).await;
    assert!(failure.contains("is a Parquet file, and --sheet does not apply"), "{failure}");
    let failure = failure_of("types.ods", &options(None, Some(WINDOWS_1252))).await;
    assert!(failure.contains("is an OpenDocument spreadsheet, and --encoding does not apply"), "{failure}");
}

#[tokio::test]
async fn the_one_data_file_of_an_archive_is_taken_out() {
    let one = convert_fixture("one.zip", &options(None, None)).await;
    assert_eq!(text_of(&one), CSV);
    assert_eq!(one.name.choose("one.zip", None), "data.csv.zst");
    assert_eq!(one.notes, ["\"2026/data.csv\" of a zip archive"]);
    let utf16 = convert_fixture("utf-16.zip", &options(None, None)).await;
    assert_eq!(text_of(&utf16), CSV);
    assert_eq!(utf16.notes[1], "UTF-16LE with a byte order mark");
}

#[tokio::test]
async fn other_archives_are_refused_with_what_to_type() {
    for (name, why) in [
        ("several.zip", "a zip archive with 2 files: \"a.csv\", \"b/c.json\""),
        ("nested.zip", "\"types.xlsx\" is itself an archive, a workbook or a Parquet file"),
        ("encrypted.zip", "its file is encrypted"),
    ] {
        let failure = failure_of(name, &options(None, None)).await;
        assert!(failure.contains(why), "{failure}");
        assert!(failure.contains(&format!("unzip {}", fixture(name).display())), "{failure}");
    }
}

#[tokio::test]
async fn texts_become_utf8() {
    for (name, encoding, note) in [
        ("utf-16-le.csv", None, "UTF-16LE without a byte order mark"),
        ("utf-16-be.csv", None, "UTF-16BE without a byte order mark"),
        ("utf-16-mark.csv", None, "UTF-16LE with a byte order mark"),
        ("windows-1252.csv", Some(WINDOWS_1252), "windows-1252, as --encoding says"),
    ] {
        let converted = convert_fixture(name, &options(None, encoding)).await;
        let expected = if encoding.is_some() { "id,name\r\n1,Café €\r\n" } else { CSV };
        assert_eq!(text_of(&converted), expected, "{name}");
        assert_eq!((converted.notes, converted.name), (vec![note.to_owned()], ObjectName::Kept));
    }
    let failure = failure_of("windows-1252.csv", &options(None, Some(BIG5))).await;
    assert!(failure.contains("line 2, byte 15 of the text: 0xE9 is no character in Big5"), "{failure}");
    assert!(failure.contains("--encoding windows-1252"), "{failure}");
}

#[tokio::test]
async fn compressed_texts_are_decompressed_before_they_are_decoded() {
    let folder = tempfile::tempdir().unwrap();
    let utf16 = std::fs::read(fixture("utf-16-le.csv")).unwrap();
    let gzip = |bytes: &[u8]| {
        let mut compressed = Vec::new();
        let mut encoder = flate2::read::GzEncoder::new(bytes, flate2::Compression::fast());
        encoder.read_to_end(&mut compressed).unwrap();
        compressed
    };
    let path = folder.path().join("a.csv");
    // A gzip file may have several members.
    let (start, end) = utf16.split_at(31);
    let members = [gzip(start), gzip(end)].concat();
    for bytes in [&members, &zstd::bulk::compress(&utf16, 1).unwrap()] {
        std::fs::write(&path, bytes).unwrap();
        let converted = convert_path(&path, &options(None, None)).await.unwrap().unwrap();
        assert_eq!(text_of(&converted), CSV);
    }
    std::fs::write(&path, &members[..members.len() - 5]).unwrap();
    let failure = convert_path(&path, &options(None, None)).await.err().unwrap().to_string();
    assert!(failure.contains("damaged or was cut off"), "{failure}");
}

#[tokio::test]
async fn what_a_load_reads_is_not_converted() {
    let items = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    for name in ["items.csv", "items-bom.csv.zst", "items.ndjson.gz", "not-utf8.csv", "empty.csv"] {
        for encoding in [None, Some(UTF_8)] {
            let converted = convert_path(&items.join(name), &options(None, encoding)).await.unwrap();
            assert!(converted.is_none(), "{name}");
        }
    }
}

#[tokio::test]
async fn the_same_file_gives_the_same_bytes() {
    for name in ["types.xlsx", "types.ods", "types.parquet", "one.zip", "utf-16-le.csv"] {
        let mut bytes = Vec::new();
        for _ in 0..2 {
            let source = convert_fixture(name, &options(None, None)).await.source;
            bytes.push(source.read_range(0, source.size).unwrap());
        }
        assert_eq!(bytes[0], bytes[1], "{name}");
    }
}
