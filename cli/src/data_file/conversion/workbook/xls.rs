//! Workbooks of Excel up to 2003, which are held in memory whole.

use std::io::BufReader;

use calamine::{Reader, SheetType, Xls, XlsError, Xlsx, XlsxError};

use super::cell::Cell;
use super::number_format::MomentParts;
use super::sheet_rows::SheetRows;
use super::{ChosenSheet, choose_sheet, protected_failure};
use crate::data_file::conversion::refusal::{cannot_convert, contradictory, damaged};
use crate::data_file::source::Source;
use crate::failure::{Failure, Result};

/// A sheet has at most 65,536 rows of 256 columns, and a cell takes 24 bytes in memory beside its text.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// The smallest sector of a compound file ([MS-CFB], 2.2).
const SECTOR_BYTES: u64 = 512;

pub(super) async fn read_sheet(
    source: &Source,
    chosen: Option<&str>,
    rows: &mut SheetRows,
) -> Result<ChosenSheet> {
    if source.size > MAX_FILE_BYTES {
        let why = format!("it is a workbook in the format up to 2003 with more than {MAX_FILE_BYTES} bytes");
        return Err(cannot_convert(&source.shown, why, "save it as .xlsx and upload that"));
    }
    // calamine takes what is left of a last sector, which would lose rows unsaid.
    if !source.size.is_multiple_of(SECTOR_BYTES) {
        return Err(contradictory(
            &source.shown,
            format!("it is not made of sectors of {SECTOR_BYTES} bytes"),
        ));
    }
    let workbook = Xls::new(BufReader::new(source.reader()?));
    let mut workbook = match workbook {
        Ok(workbook) => workbook,
        Err(error) => return Err(cannot_read_failure(source, &error)),
    };
    let sheets = workbook.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let names: Vec<String> = sheets.map(|sheet| sheet.name.clone()).collect();
    let sheet = choose_sheet(&names, chosen, &source.shown)?;
    let range = workbook.worksheet_range(&sheet.name).map_err(|error| cannot_read_failure(source, &error))?;
    let (first_row, first_column) = range.start().unwrap_or_default();
    for (row, values) in (u64::from(first_row) + 1..).zip(range.rows()) {
        let cells = values.iter().cloned().map(|value| Cell::from_excel(value, MomentParts::Unknown));
        let margin = std::iter::repeat_n(Cell::Empty, first_column as usize);
        rows.push(row, &margin.chain(cells).collect::<Vec<_>>()).await?;
    }
    Ok(sheet)
}

fn cannot_read_failure(source: &Source, error: &XlsError) -> Failure {
    // A workbook of today that is encrypted is wrapped in the container of the old format.
    let encrypted = || {
        source
            .reader()
            .is_ok_and(|reader| matches!(Xlsx::new(BufReader::new(reader)), Err(XlsxError::Password)))
    };
    match error {
        XlsError::Password => protected_failure(&source.shown),
        _ if encrypted() => protected_failure(&source.shown),
        _ => damaged(&source.shown, error),
    }
}
