//! Spreadsheets: the rows of one sheet become JSON objects.

mod cell;
mod number_format;
mod ods;
mod row_cells;
mod sheet_rows;
mod xls;
mod xlsx;

use std::fmt;

use self::sheet_rows::SheetRows;
use super::object_name::{ObjectName, ROWS_ENDING};
use super::refusal::{EXPORT_AGAIN, cannot_convert};
use super::{Converted, zip_archive};
use crate::data_file::source::Source;
use crate::failure::{Failure, Result};

/// The parts of a workbook that are held in memory, and a file that is held whole. A cell with a text of its own costs
/// the text and about 40 bytes.
const MAX_HELD_BYTES: u64 = 256 * 1024 * 1024;

/// A sheet is read in a stream, so this bounds time rather than memory: about 50 million cells.
const MAX_SHEET_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// Rows of a sheet in Excel and in LibreOffice.
const MAX_ROWS: u64 = 1_048_576;

/// Columns of a sheet in Excel and in LibreOffice.
const MAX_COLUMNS: usize = 16_384;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WorkbookKind {
    Xlsx,
    /// Excel up to 2003.
    Xls,
    Ods,
}

/// Converts the sheet with the name or number `chosen`, or else the first one.
pub(super) async fn convert(source: &Source, kind: WorkbookKind, chosen: Option<&str>) -> Result<Converted> {
    let mut rows = SheetRows::new(&source.shown)?;
    let sheet = match kind {
        WorkbookKind::Xlsx => xlsx::read_sheet(source, chosen, &mut rows).await?,
        WorkbookKind::Xls => xls::read_sheet(source, chosen, &mut rows).await?,
        WorkbookKind::Ods => ods::read_sheet(source, chosen, &mut rows).await?,
    };
    let others = if sheet.count > 1 && chosen.is_none() {
        format!(", the first of {}; --sheet chooses another", sheet.count)
    } else {
        String::new()
    };
    let mut notes = vec![format!("sheet {:?} of {kind}{others}", sheet.name)];
    let source = rows.finish(&sheet.name, &mut notes)?;
    Ok(Converted { source, name: ObjectName::WithEnding(ROWS_ENDING), notes })
}

/// A sheet, and how many there are.
struct ChosenSheet {
    index: usize,
    name: String,
    count: usize,
}

/// Returns the sheet that the user chose by its name, or by its number if none has that name.
fn choose_sheet(names: &[String], chosen: Option<&str>, shown: &str) -> Result<ChosenSheet> {
    let by_number = |chosen: &str| chosen.parse::<usize>().ok()?.checked_sub(1);
    let index = match chosen {
        None => Some(0),
        Some(chosen) => names.iter().position(|name| name == chosen).or_else(|| by_number(chosen)),
    };
    match (index.and_then(|index| Some((index, names.get(index)?))), chosen) {
        (Some((index, name)), _) => Ok(ChosenSheet { index, name: name.clone(), count: names.len() }),
        (None, None) => Err(cannot_convert(shown, "the workbook has no sheet with cells", EXPORT_AGAIN)),
        (None, Some(chosen)) => {
            let listed: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
            let what = format!("{shown} has no sheet {chosen:?}");
            Err(Failure::usage(what)
                .why(format!("its sheets are {}", listed.join(", ")))
                .next("choose one by its name or its number with --sheet"))
        }
    }
}

/// Fails if the parts of a workbook that are held in memory, or any sheet, are too large. No more than the declared size
/// can be read of any part.
fn ensure_bounded(source: &Source, is_sheet: impl Fn(&str) -> bool) -> Result<()> {
    let mut held = 0_u64;
    let mut longest = 0;
    for (name, size) in zip_archive::declared_sizes(source)? {
        if is_sheet(&name) {
            longest = longest.max(size);
        } else if !name.contains("/media/") && !name.starts_with("Pictures/") {
            held = held.saturating_add(size);
        }
    }
    let too_large = |size, what, limit: u64| {
        let why = format!("{what} {size} bytes of XML, and restctl reads at most {limit}");
        Err(cannot_convert(&source.shown, why, "save the sheet as CSV and upload that"))
    };
    match (held, longest) {
        (held, _) if held > MAX_HELD_BYTES => too_large(held, "its texts and styles take", MAX_HELD_BYTES),
        (_, longest) if longest > MAX_SHEET_BYTES => too_large(longest, "a sheet takes", MAX_SHEET_BYTES),
        _ => Ok(()),
    }
}

fn protected_failure(shown: &str) -> Failure {
    let next = "open it in the program that wrote it, save it without a password, and run the command again";
    cannot_convert(shown, "it is protected by a password", next)
}

impl fmt::Display for WorkbookKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Xlsx => "an Excel workbook",
            Self::Xls => "an Excel workbook in the format up to 2003",
            Self::Ods => "an OpenDocument spreadsheet",
        })
    }
}
