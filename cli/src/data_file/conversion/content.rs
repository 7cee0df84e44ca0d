//! What a file is, by its first bytes: its name may say anything.

use std::fmt;
use std::io::Read;

use encoding_rs::Encoding;

use super::refusal::{EXPORT_AGAIN, cannot_convert, damaged};
use super::text::guess::{self, TextEncoding};
use super::workbook::WorkbookKind;
use super::{magic, text, zip_archive};
use crate::data_file::source::Source;
use crate::failure::Result;

/// The first member of an OpenDocument file ("OpenDocument 1.3, part 2", 2.2.1).
const MIMETYPE: &str = "mimetype";

const SPREADSHEET_MIMETYPE: &[u8] = b"application/vnd.oasis.opendocument.spreadsheet";

pub(super) enum Content {
    /// A load reads it.
    Readable,
    Text(TextEncoding),
    Archive,
    Workbook(WorkbookKind),
    Parquet,
}

impl Content {
    pub(super) fn recognize(source: &Source, chosen: Option<&'static Encoding>) -> Result<Self> {
        let mut head = [0; 8];
        let length = source.read_at(0, &mut head)?;
        let head = head.get(..length).unwrap_or_default();
        if magic::ZIP.iter().any(|magic| head.starts_with(magic)) {
            return recognize_archive(source);
        }
        if head.starts_with(magic::OLE) {
            return Ok(Self::Workbook(WorkbookKind::Xls));
        }
        if is_parquet(source, head)? {
            return Ok(Self::Parquet);
        }
        let encoding = match chosen {
            Some(encoding) => TextEncoding::chosen(encoding),
            None => guess::guess_encoding(&text::read_head(source)?)
                .map_err(|reason| cannot_convert(&source.shown, reason, guess::TO_UTF8))?,
        };
        Ok(encoding.map_or(Self::Readable, Self::Text))
    }
}

fn is_parquet(source: &Source, head: &[u8]) -> Result<bool> {
    let Some(tail_start) = source.size.checked_sub(4) else { return Ok(false) };
    if source.size >= 8 && head.starts_with(magic::ENCRYPTED_PARQUET) {
        let why = "it is a Parquet file whose footer is encrypted";
        return Err(cannot_convert(&source.shown, why, format!("{EXPORT_AGAIN}, without encryption")));
    }
    if !head.starts_with(magic::PARQUET) {
        return Ok(false);
    }
    // A table may have a column PAR1, so the file must continue or end like Parquet.
    let mut tail = [0; 4];
    source.read_at(tail_start, &mut tail)?;
    Ok(head.get(4) == Some(&magic::PARQUET_PAGE_HEADER) || (tail == *magic::PARQUET && source.size >= 8))
}

/// Tells a workbook from any other archive by its members.
fn recognize_archive(source: &Source) -> Result<Content> {
    let mut archive = zip_archive::open(source)?;
    let has = |name| archive.index_for_name(name).is_some();
    if has("[Content_Types].xml") && has("xl/workbook.xml") {
        return Ok(Content::Workbook(WorkbookKind::Xlsx));
    }
    if has("xl/workbook.bin") {
        let next = "open it in Excel, save it as .xlsx, and run the command again";
        return Err(cannot_convert(&source.shown, "it is a binary workbook (.xlsb)", next));
    }
    let mut mimetype = Vec::new();
    if let Ok(member) = archive.by_name(MIMETYPE) {
        let length = SPREADSHEET_MIMETYPE.len() as u64;
        member.take(length).read_to_end(&mut mimetype).map_err(|error| damaged(&source.shown, &error))?;
    }
    match mimetype == SPREADSHEET_MIMETYPE {
        true => Ok(Content::Workbook(WorkbookKind::Ods)),
        false => Ok(Content::Archive),
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Readable | Self::Text(_) => f.write_str("a text"),
            Self::Archive => f.write_str("a zip archive"),
            Self::Workbook(kind) => write!(f, "{kind}"),
            Self::Parquet => f.write_str("a Parquet file"),
        }
    }
}
