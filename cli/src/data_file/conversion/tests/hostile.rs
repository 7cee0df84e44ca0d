//! Files that were cut off, damaged, or made to exhaust memory.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;

use super::*;

const FIXTURES: [&str; 12] = [
    "types.xlsx",
    "types-1904.xlsx",
    "types.xls",
    "types.ods",
    "types.parquet",
    "types-v1-plain.parquet",
    "types-v2-snappy.parquet",
    "few-brotli.parquet",
    "int96.parquet",
    "one.zip",
    "utf-16.zip",
    "utf-16-le.csv",
];

async fn convert_bytes(bytes: &[u8], options: &ConversionOptions) -> Result<Option<Converted>> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    convert(&Source::from_opened("hostile".to_owned(), file, true).unwrap(), options).await
}

/// Converts it, and fails if a failure does not say what to do.
async fn convert_or_advise(bytes: &[u8], what: &str) -> bool {
    match convert_bytes(bytes, &options(None, None)).await {
        Ok(_) => true,
        Err(failure) => {
            assert!(failure.next_step().is_some(), "{what}: {failure}");
            false
        }
    }
}

#[tokio::test]
async fn a_file_that_was_cut_off_is_refused_with_advice() {
    for name in FIXTURES {
        let bytes = std::fs::read(fixture(name)).unwrap();
        for length in (0..bytes.len()).step_by(1 + bytes.len() / 150) {
            let converted = convert_or_advise(&bytes[..length], &format!("{length} bytes of {name}")).await;
            // What remains may be a text, or nothing that is recognized.
            assert!(!converted || length < 16 || name.ends_with(".csv"), "{length} bytes of {name}");
        }
    }
}

#[tokio::test]
async fn a_damaged_file_is_converted_or_refused() {
    let mut random = fastrand::Rng::with_seed(16);
    for name in FIXTURES {
        let original = std::fs::read(fixture(name)).unwrap();
        for round in 0..rounds() {
            let mut bytes = original.clone();
            for _ in 0..1 + random.usize(0..4) {
                let place = random.usize(0..bytes.len());
                bytes[place] =
                    if random.bool() { random.u8(..) } else { bytes[place] ^ 1 << random.u8(0..8) };
            }
            convert_or_advise(&bytes, &format!("round {round} of {name}")).await;
        }
    }
}

fn rounds() -> u32 {
    std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(60)
}

/// Returns a zip archive with these members.
fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Returns a workbook with this table of shared texts and this sheet.
fn xlsx(shared_texts: &[u8], sheet: &[u8]) -> Vec<u8> {
    let relationships = |of: &str, target: &str| {
        let kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
        format!(
            "<Relationships><Relationship Id=\"rId1\" Type=\"{kind}/{of}\" Target=\"{target}\"/></Relationships>"
        )
    };
    let workbook =
        b"<workbook><sheets><sheet name=\"../x\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>";
    zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("_rels/.rels", relationships("officeDocument", "xl/workbook.xml").as_bytes()),
        ("xl/workbook.xml", workbook),
        ("xl/_rels/workbook.xml.rels", relationships("worksheet", "worksheets/sheet1.xml").as_bytes()),
        ("xl/sharedStrings.xml", shared_texts),
        ("xl/worksheets/sheet1.xml", sheet),
    ])
}

/// Returns a sheet with a column `id` and the rows in `rows`.
fn sheet(rows: &str) -> Vec<u8> {
    let header = "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>id</t></is></c></row>";
    format!("<worksheet><sheetData>{header}{rows}</sheetData></worksheet>").into_bytes()
}

async fn failure_of_bytes(bytes: &[u8]) -> String {
    let failure = convert_bytes(bytes, &options(None, None)).await.err().unwrap();
    assert!(failure.next_step().is_some(), "{failure}");
    failure.to_string()
}

#[tokio::test]
async fn a_small_workbook_is_read() {
    let bytes = xlsx(b"<sst/>", &sheet("<row r=\"2\"><c r=\"A2\"><v>7</v></c></row>"));
    let converted = convert_bytes(&bytes, &options(None, None)).await.unwrap().unwrap();
    assert_eq!(text_of(&converted), "\n{\"id\":7}\n");
    assert_eq!(converted.notes, ["sheet \"../x\" of an Excel workbook"]);
}

#[tokio::test]
async fn a_zip_bomb_fills_no_memory() {
    let bomb = vec![b' '; 257 << 20];
    let failure = failure_of_bytes(&xlsx(&bomb, &sheet(""))).await;
    assert!(failure.contains("restctl reads at most 268435456"), "{failure}");
    // As the data file of an archive, it is only a long text.
    let archive = zip(&[("data.csv", &bomb)]);
    let converted = convert_bytes(&archive, &options(None, None)).await.unwrap().unwrap();
    assert!(converted.source.size < 100_000);
    // No more is read than the archive's directory says.
    let mut liar = archive;
    let declared = (bomb.len() as u32).to_le_bytes();
    let places: Vec<usize> = (0..liar.len() - 4).filter(|at| liar[*at..*at + 4] == declared).collect();
    places.iter().for_each(|at| liar[*at..*at + 4].copy_from_slice(&5_u32.to_le_bytes()));
    let failure = failure_of_bytes(&liar).await;
    assert!(failure.contains("larger than its declared uncompressed size"), "{failure}");
}

#[tokio::test]
async fn claims_of_a_workbook_reserve_no_memory() {
    let claim = b"<sst uniqueCount=\"9999999999\"></sst>";
    let failure = failure_of_bytes(&xlsx(claim, &sheet(""))).await;
    assert!(failure.contains("claims more texts than it has room for"), "{failure}");
    for (rows, why) in [
        ("<row r=\"4000000000\"><c r=\"A4000000000\"><v>1</v></c></row>", "row 4000000000 is out of order"),
        ("<row r=\"2\"><c r=\"ZZZZ2\"><v>1</v></c></row>", "row 2 has a cell beyond column XFD"),
        (
            "<row r=\"3\"><c r=\"A3\"><v>1</v></c></row><row r=\"2\"><c r=\"A2\"><v>1</v></c></row>",
            "out of order",
        ),
        ("<row r=\"2\"><c r=\"B2\"><v>1</v></c></row>", "row 2 has a value in column B, which has no name"),
        ("<row r=\"2\"><c r=\"A2\" t=\"s\"><v>9</v></c></row>", "not found in shared strings"),
    ] {
        let failure = failure_of_bytes(&xlsx(b"<sst/>", &sheet(rows))).await;
        assert!(failure.contains(why), "{failure}");
    }
    let twice = b"<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"str\"><v>id</v></c>\
        <c r=\"B1\" t=\"str\"><v> id </v></c></row></sheetData></worksheet>";
    let failure = failure_of_bytes(&xlsx(b"<sst/>", twice)).await;
    assert!(failure.contains("two columns are called \"id\""), "{failure}");
}

#[tokio::test]
async fn a_spreadsheet_that_ends_early_is_refused() {
    let ods = |content: &str| {
        zip(&[
            ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
            ("META-INF/manifest.xml", b"<manifest:manifest/>"),
            ("content.xml", content.as_bytes()),
        ])
    };
    let start = "<office:spreadsheet><table:table table:name=\"a\"><table:table-row>";
    let failure = failure_of_bytes(&ods(start)).await;
    assert!(failure.contains("content.xml ends within a sheet"), "{failure}");
    let repeats = "<table:table-cell table:number-columns-repeated=\"16384\" office:value-type=\"string\">";
    let text = "x".repeat(2000);
    let row =
        format!("{start}{repeats}<text:p>{text}</text:p></table:table-cell></table:table-row></table:table>");
    let failure = failure_of_bytes(&ods(&format!("{row}</office:spreadsheet>"))).await;
    assert!(failure.contains("row 1 has more than 16777216 bytes of text"), "{failure}");
}

#[tokio::test]
async fn a_parquet_file_with_a_broken_footer_is_refused() {
    let original = std::fs::read(fixture("types.parquet")).unwrap();
    let end = original.len() - 8;
    for length in [0, 1, u32::MAX, 1 << 30] {
        let mut bytes = original.clone();
        bytes[end..end + 4].copy_from_slice(&u32::to_le_bytes(length));
        failure_of_bytes(&bytes).await;
    }
    let encrypted = [b"PARE", &original[4..end + 4], b"PARE"].concat();
    assert!(failure_of_bytes(&encrypted).await.contains("without encryption"));
}
