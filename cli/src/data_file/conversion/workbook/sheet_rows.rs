//! Writes the rows of a sheet as JSON objects, each on the line that has the row's number.

use std::collections::BTreeSet;

use super::cell::Cell;
use super::{MAX_COLUMNS, MAX_ROWS};
use crate::data_file::conversion::json;
use crate::data_file::conversion::refusal::{EXPORT_AGAIN, cannot_convert, contradictory};
use crate::data_file::conversion::spool::Spool;
use crate::data_file::source::Source;
use crate::failure::Result;

pub(super) struct SheetRows {
    shown: String,
    spool: Spool,
    /// From the first row that is not empty. A column without a name has `None`.
    header: Option<Vec<Option<String>>>,
    /// Of the spool.
    lines: u64,
    errors: u64,
    /// Whether a column of row numbers, which has no name, is left out.
    skips_first_column: bool,
    line: Vec<u8>,
}

impl SheetRows {
    pub(super) fn new(shown: &str) -> Result<Self> {
        Ok(Self {
            shown: shown.to_owned(),
            spool: Spool::create()?,
            header: None,
            lines: 0,
            errors: 0,
            skips_first_column: false,
            line: Vec::new(),
        })
    }

    /// Takes the row with this number, counted from 1. Rows come in order; those that are missing are empty.
    pub(super) async fn push(&mut self, row: u64, cells: &[Cell]) -> Result<()> {
        if row <= self.lines || row > MAX_ROWS || cells.len() > MAX_COLUMNS {
            let why = format!("row {row} is out of order, or beyond the limits of a sheet");
            return Err(contradictory(&self.shown, why));
        }
        if cells.iter().all(|cell| *cell == Cell::Empty) {
            return Ok(());
        }
        // Messages about a line of the object are then right for the sheet.
        let blank_lines = row - self.lines - 1;
        self.line.clear();
        self.line.resize(blank_lines as usize, b'\n');
        match self.header.take() {
            Some(header) => {
                let pushed = self.push_object(row, &header, cells);
                self.header = Some(header);
                pushed?;
            }
            None => self.header = Some(read_header(&self.shown, cells)?),
        }
        self.line.push(b'\n');
        self.lines = row;
        self.spool.write(&self.line).await
    }

    /// Returns what was written, and adds to `notes` what was left out of the sheet `name`.
    pub(super) fn finish(self, name: &str, notes: &mut Vec<String>) -> Result<Source> {
        if self.header.is_none() {
            let why = format!("sheet {name:?} is empty");
            return Err(cannot_convert(&self.shown, why, "choose another one with --sheet"));
        }
        if self.skips_first_column {
            notes.push("the first column has no name and is left out".to_owned());
        }
        match self.errors {
            0 => {}
            1 => notes.push("1 cell with an error such as #N/A is left out".to_owned()),
            errors => notes.push(format!("{errors} cells with errors such as #N/A are left out")),
        }
        self.spool.into_source(&self.shown)
    }

    fn push_object(&mut self, row: u64, header: &[Option<String>], cells: &[Cell]) -> Result<()> {
        let start = self.line.len();
        self.line.push(b'{');
        for (column, cell) in cells.iter().enumerate() {
            match (header.get(column).and_then(Option::as_ref), cell) {
                (_, Cell::Empty) => {}
                (None, _) if column == 0 => self.skips_first_column = true,
                (Some(_), Cell::Error) => self.errors += 1,
                (Some(name), cell) => {
                    json::push_name(name, start, &mut self.line);
                    cell.push_json(&mut self.line);
                }
                (None, _) => return Err(self.unnamed_column_failure(row, column)),
            }
        }
        self.line.push(b'}');
        Ok(())
    }

    fn unnamed_column_failure(&self, row: u64, column: usize) -> crate::failure::Failure {
        let letters = column_letters(column);
        let why = format!("row {row} has a value in column {letters}, which has no name in the first row");
        let next = format!("give column {letters} a name, or delete it, and save the workbook");
        cannot_convert(&self.shown, why, next)
    }
}

fn read_header(shown: &str, cells: &[Cell]) -> Result<Vec<Option<String>>> {
    let mut names = BTreeSet::new();
    let mut header = Vec::with_capacity(cells.len());
    for cell in cells {
        let name = cell.to_name();
        if name.is_empty() {
            header.push(None);
            continue;
        }
        if !names.insert(name.clone()) {
            let next = "rename one of them, and save the workbook";
            return Err(cannot_convert(shown, format!("two columns are called {name:?}"), next));
        }
        header.push(Some(name));
    }
    if names.is_empty() {
        return Err(cannot_convert(shown, "the first row has no name for any column", EXPORT_AGAIN));
    }
    Ok(header)
}

/// Returns what spreadsheets call a column: A for 0, AA for 26.
fn column_letters(column: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        letters.push(char::from(b'A' + ((rest - 1) % 26) as u8));
        rest = (rest - 1) / 26;
    }
    letters.into_iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_the_letters_of_spreadsheets() {
        let letters = [0, 25, 26, 701, 702, MAX_COLUMNS - 1].map(column_letters);
        assert_eq!(letters, ["A", "Z", "AA", "ZZ", "AAA", "XFD"]);
    }
}
