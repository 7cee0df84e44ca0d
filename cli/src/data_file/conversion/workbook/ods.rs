//! OpenDocument spreadsheets, whose only large part is read in a stream.
//!
//! calamine 0.38 holds all sheets of such a file in memory, turns its decimals into floats, and never returns if the
//! part is cut off. So it is not used here.

mod piece_guard;
mod table;
mod value;

use std::io::{BufReader, Read};

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use zip::ZipArchive;
use zip::read::ZipFile;

use self::piece_guard::PieceGuard;
use self::table::TableReader;
use super::sheet_rows::SheetRows;
use super::{ChosenSheet, choose_sheet, ensure_bounded, protected_failure};
use crate::data_file::conversion::refusal::{contradictory, damaged};
use crate::data_file::conversion::zip_archive;
use crate::data_file::source::{Source, SourceReader};
use crate::failure::Result;

const CONTENT: &str = "content.xml";

const MANIFEST: &str = "META-INF/manifest.xml";

const TABLE: &str = "table:table";

/// How much of the manifest is searched for a sign of encryption.
const MANIFEST_BYTES: u64 = 1024 * 1024;

type Archive = ZipArchive<SourceReader>;

type ContentReader<'a> = Reader<BufReader<PieceGuard<ZipFile<'a, SourceReader>>>>;

pub(super) async fn read_sheet(
    source: &Source,
    chosen: Option<&str>,
    rows: &mut SheetRows,
) -> Result<ChosenSheet> {
    let shown = &source.shown;
    ensure_bounded(source, |name| name == CONTENT)?;
    let mut archive = zip_archive::open(source)?;
    ensure_not_encrypted(&mut archive, shown)?;
    let mut names = Vec::new();
    let mut content = open_content(&mut archive, shown)?;
    while let Some(name) = next_sheet(&mut content, shown)? {
        names.push(name);
        pass_over(&mut content, TABLE, shown)?;
    }
    drop(content);
    let sheet = choose_sheet(&names, chosen, shown)?;
    let mut content = open_content(&mut archive, shown)?;
    next_sheet(&mut content, shown)?;
    for _ in 0..sheet.index {
        pass_over(&mut content, TABLE, shown)?;
        next_sheet(&mut content, shown)?;
    }
    TableReader::new(shown, rows).read(&mut content).await?;
    Ok(sheet)
}

fn ensure_not_encrypted(archive: &mut Archive, shown: &str) -> Result<()> {
    let mut manifest = Vec::new();
    let member = zip_archive::open_member(archive, MANIFEST, shown)?;
    member.take(MANIFEST_BYTES).read_to_end(&mut manifest).map_err(|error| damaged(shown, &error))?;
    match String::from_utf8_lossy(&manifest).contains("manifest:encryption-data") {
        true => Err(protected_failure(shown)),
        false => Ok(()),
    }
}

fn open_content<'a>(archive: &'a mut Archive, shown: &str) -> Result<ContentReader<'a>> {
    let member = zip_archive::open_member(archive, CONTENT, shown)?;
    let mut reader = Reader::from_reader(BufReader::new(PieceGuard::new(member)));
    reader.config_mut().expand_empty_elements = true;
    Ok(reader)
}

/// Reads on to the start of the next sheet and returns its name. `None` at the end of the workbook.
fn next_sheet(content: &mut ContentReader<'_>, shown: &str) -> Result<Option<String>> {
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match content.read_event_into(&mut buffer).map_err(|error| damaged(shown, &error))? {
            Event::Start(tag) if tag.name().as_ref() == TABLE => {
                let name = attribute(&tag, "table:name").map_err(|error| damaged(shown, &error))?;
                return Ok(Some(name.unwrap_or_default()));
            }
            Event::Eof => return Ok(None),
            _ => {}
        }
    }
}

/// Reads on behind the end of the element `name`, whose start was read.
fn pass_over(content: &mut ContentReader<'_>, name: &str, shown: &str) -> Result<()> {
    let mut depth = 1_u32;
    let mut buffer = Vec::new();
    while depth > 0 {
        buffer.clear();
        match content.read_event_into(&mut buffer).map_err(|error| damaged(shown, &error))? {
            Event::Start(tag) if tag.name().as_ref() == name => depth += 1,
            Event::End(tag) if tag.name().as_ref() == name => depth -= 1,
            Event::Eof => return Err(ends_early(shown)),
            _ => {}
        }
    }
    Ok(())
}

fn ends_early(shown: &str) -> crate::failure::Failure {
    contradictory(shown, format!("{CONTENT} ends within a sheet"))
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, quick_xml::Error> {
    let Some(attribute) = tag.try_get_attribute(name)? else { return Ok(None) };
    Ok(Some(attribute.normalized_value(XmlVersion::Implicit1_0)?.into_owned()))
}
