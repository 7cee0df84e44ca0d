//! The cells of one row while it is read.

use super::MAX_COLUMNS;
use super::cell::Cell;
use crate::data_file::conversion::refusal::{cannot_convert, contradictory};
use crate::failure::Result;

/// The most text that a row may have. Loads reject rows of more than 1 MiB; this only bounds memory.
pub(super) const MAX_ROW_BYTES: usize = 16 * 1024 * 1024;

#[derive(Default)]
pub(super) struct RowCells {
    pub(super) cells: Vec<Cell>,
    text_bytes: usize,
}

impl RowCells {
    pub(super) fn clear(&mut self) {
        self.cells.clear();
        self.text_bytes = 0;
    }

    /// Sets the cell in the column with this index. `row` is its number, and `shown` the file, for messages.
    pub(super) fn set(&mut self, column: usize, cell: Cell, row: u64, shown: &str) -> Result<()> {
        if column >= MAX_COLUMNS {
            return Err(contradictory(shown, format!("row {row} has a cell beyond column XFD")));
        }
        if let Cell::Text(text) = &cell {
            self.text_bytes += text.len();
        }
        if self.text_bytes > MAX_ROW_BYTES {
            let why = format!("row {row} has more than {MAX_ROW_BYTES} bytes of text");
            return Err(cannot_convert(shown, why, "shorten or delete the row, and save the workbook"));
        }
        self.cells.resize(self.cells.len().max(column + 1), Cell::Empty);
        if let Some(place) = self.cells.get_mut(column) {
            *place = cell;
        }
        Ok(())
    }
}
