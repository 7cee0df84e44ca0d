//! Workbooks of Excel since 2007. Shared texts and styles are held in memory, and the cells are read in a stream.

use std::io::{BufReader, Read, Seek};

use calamine::{Reader, SheetType, Xlsx, XlsxCellReader, XlsxError};

use super::cell::Cell;
use super::number_format::MomentParts;
use super::row_cells::RowCells;
use super::sheet_rows::SheetRows;
use super::{ChosenSheet, choose_sheet, ensure_bounded, protected_failure};
use crate::data_file::conversion::refusal::{contradictory, damaged};
use crate::data_file::conversion::zip_archive;
use crate::data_file::source::Source;
use crate::failure::{Failure, Result};

/// The shortest text in the table of shared texts is `<si/>`.
const MIN_SHARED_TEXT_BYTES: u64 = 5;

/// Programs that count wrongly are believed up to here.
const HARMLESS_COUNT: u64 = 1_000_000;

/// Where the table of shared texts says how many there are.
const SHARED_TEXTS_HEAD_BYTES: u64 = 4096;

pub(super) async fn read_sheet(
    source: &Source,
    chosen: Option<&str>,
    rows: &mut SheetRows,
) -> Result<ChosenSheet> {
    let shown = &source.shown;
    ensure_bounded(source, |name| name.contains("/worksheets/"))?;
    ensure_shared_texts_counted(source)?;
    let mut workbook =
        Xlsx::new(BufReader::new(source.reader()?)).map_err(|error| cannot_read_failure(shown, &error))?;
    let sheets = workbook.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let names: Vec<String> = sheets.map(|sheet| sheet.name.clone()).collect();
    let sheet = choose_sheet(&names, chosen, shown)?;
    let cells = workbook.worksheet_cells_reader(&sheet.name);
    let cells = cells.map_err(|error| cannot_read_failure(shown, &error))?;
    read_cells(cells, shown, rows).await?;
    Ok(sheet)
}

async fn read_cells<R: Read + Seek>(
    mut cells: XlsxCellReader<'_, R>,
    shown: &str,
    rows: &mut SheetRows,
) -> Result<()> {
    let parts: Vec<MomentParts> = cells
        .styles()
        .iter()
        .map(|style| style.number_format.as_ref().map_or("", |format| &format.format_code))
        .map(MomentParts::from_format_code)
        .collect();
    let (mut row, mut current) = (0, RowCells::default());
    loop {
        let next = cells.next_cell_with_style_id().map_err(|error| cannot_read_failure(shown, &error))?;
        let Some((cell, style)) = next else { break };
        let (next_row, column) = cell.get_position();
        let next_row = u64::from(next_row) + 1;
        if next_row != row && row > 0 {
            rows.push(row, &current.cells).await?;
            current.clear();
        }
        row = next_row;
        let parts = parts.get(style).copied().unwrap_or(MomentParts::Unknown);
        let value = Cell::from_excel(cell.get_value().clone().into(), parts);
        current.set(column as usize, value, row, shown)?;
    }
    if row > 0 { rows.push(row, &current.cells).await } else { Ok(()) }
}

/// Fails if the table of shared texts claims more of them than it can hold, for memory is reserved by that claim.
fn ensure_shared_texts_counted(source: &Source) -> Result<()> {
    let mut archive = zip_archive::open(source)?;
    for (name, size) in zip_archive::declared_sizes(source)? {
        if !name.to_ascii_lowercase().ends_with("sharedstrings.xml") {
            continue;
        }
        let member = zip_archive::open_member(&mut archive, &name, &source.shown)?;
        let mut head = Vec::new();
        let read = member.take(SHARED_TEXTS_HEAD_BYTES).read_to_end(&mut head);
        read.map_err(|error| damaged(&source.shown, &error))?;
        let head = String::from_utf8_lossy(&head);
        let count = head.split_once("uniqueCount").and_then(|(_, rest)| rest.split(['"', '\'']).nth(1));
        let limit = HARMLESS_COUNT.max(size / MIN_SHARED_TEXT_BYTES);
        if count.and_then(|count| count.parse().ok()).is_some_and(|count: u64| count > limit) {
            return Err(contradictory(&source.shown, "it claims more texts than it has room for"));
        }
    }
    Ok(())
}

fn cannot_read_failure(shown: &str, error: &XlsxError) -> Failure {
    match error {
        XlsxError::Password => protected_failure(shown),
        _ => damaged(shown, error),
    }
}
