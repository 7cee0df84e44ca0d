//! The rows of one table ("OpenDocument 1.3, part 3", 9.1).

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::value::CellTag;
use super::{ContentReader, TABLE, attribute, ends_early, pass_over};
use crate::data_file::conversion::refusal::damaged;
use crate::data_file::conversion::workbook::cell::Cell;
use crate::data_file::conversion::workbook::row_cells::{MAX_ROW_BYTES, RowCells};
use crate::data_file::conversion::workbook::sheet_rows::SheetRows;
use crate::data_file::conversion::workbook::{MAX_COLUMNS, MAX_ROWS};
use crate::failure::Result;

/// Elements within a cell or a table whose text is no value.
const PASSED_OVER: [&str; 4] = ["office:annotation", "table:shapes", "draw:frame", TABLE];

/// Spaces that one element may stand for, so that a small file cannot fill memory.
const MAX_SPACES: usize = 1024;

pub(super) struct TableReader<'a> {
    shown: &'a str,
    rows: &'a mut SheetRows,
    /// The number of the row that is read, and how often it is repeated.
    row: u64,
    repeats: u64,
    cells: RowCells,
    column: usize,
    cell: Option<OpenCell>,
}

/// A cell whose end tag has not come.
struct OpenCell {
    tag: CellTag,
    text: String,
    paragraphs: usize,
}

impl<'a> TableReader<'a> {
    pub(super) fn new(shown: &'a str, rows: &'a mut SheetRows) -> Self {
        Self { shown, rows, row: 1, repeats: 1, cells: RowCells::default(), column: 0, cell: None }
    }

    /// Reads the table, whose start tag was read.
    pub(super) async fn read(mut self, content: &mut ContentReader<'_>) -> Result<()> {
        let shown = self.shown;
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            match content.read_event_into(&mut buffer).map_err(|error| damaged(shown, &error))? {
                Event::Start(tag) => {
                    let name = tag.name().as_ref().to_owned();
                    if PASSED_OVER.contains(&name.as_str()) {
                        pass_over(content, &name, shown)?;
                    } else {
                        self.start(&name, &tag).map_err(|error| damaged(shown, &error))?;
                    }
                }
                Event::End(tag) => match tag.name().as_ref() {
                    TABLE => return Ok(()),
                    "table:table-row" => self.end_row().await?,
                    "table:table-cell" | "table:covered-table-cell" => self.end_cell()?,
                    _ => {}
                },
                Event::Text(text) => self.push_text(&text.xml10_content()),
                Event::CData(text) => self.push_text(&text.xml10_content()),
                Event::GeneralRef(reference) => self.push_reference(&reference)?,
                Event::Eof => return Err(ends_early(shown)),
                _ => {}
            }
        }
    }

    fn start(&mut self, name: &str, tag: &BytesStart<'_>) -> Result<(), quick_xml::Error> {
        match name {
            "table:table-row" => {
                let repeats = attribute(tag, "table:number-rows-repeated")?;
                self.repeats = repeats.and_then(|repeats| repeats.parse().ok()).unwrap_or(1);
                self.cells.clear();
                self.column = 0;
            }
            "table:table-cell" | "table:covered-table-cell" => {
                self.cell = Some(OpenCell { tag: CellTag::parse(tag)?, text: String::new(), paragraphs: 0 });
            }
            "text:p" => {
                let paragraphs = self.cell.as_mut().map_or(0, |cell| {
                    cell.paragraphs += 1;
                    cell.paragraphs
                });
                if paragraphs > 1 {
                    self.push_text("\n");
                }
            }
            "text:s" => {
                let spaces = attribute(tag, "text:c")?.and_then(|spaces| spaces.parse().ok()).unwrap_or(1);
                self.push_text(&" ".repeat(spaces.min(MAX_SPACES)));
            }
            "text:tab" => self.push_text("\t"),
            "text:line-break" => self.push_text("\n"),
            _ => {}
        }
        Ok(())
    }

    /// Appends to the text of the cell. Between paragraphs only white space stands, which is no text.
    /// Nothing is appended to a text for which the row is refused.
    fn push_text(&mut self, text: &str) {
        if let Some(cell) = &mut self.cell
            && cell.paragraphs > 0
            && cell.text.len() <= MAX_ROW_BYTES
        {
            cell.text.push_str(text);
        }
    }

    fn push_reference(&mut self, reference: &BytesRef<'_>) -> Result<()> {
        let character = reference.resolve_char_ref().map_err(|error| damaged(self.shown, &error))?;
        let mut bytes = [0; 4];
        let text = match character {
            Some(character) => &*character.encode_utf8(&mut bytes),
            None => resolve_xml_entity(reference).unwrap_or_default(),
        };
        self.push_text(text);
        Ok(())
    }

    fn end_cell(&mut self) -> Result<()> {
        let Some(OpenCell { tag, text, .. }) = self.cell.take() else { return Ok(()) };
        let cell = tag.value.unwrap_or_else(|| Cell::from_text(text));
        let end = self.column.saturating_add(tag.columns);
        // Empty cells are repeated to the edge of the sheet.
        if cell != Cell::Empty {
            for column in self.column..end.min(MAX_COLUMNS + 1) {
                self.cells.set(column, cell.clone(), self.row, self.shown)?;
            }
        }
        self.column = end;
        Ok(())
    }

    async fn end_row(&mut self) -> Result<()> {
        if !self.cells.cells.is_empty() {
            for row in self.row..self.row.saturating_add(self.repeats.min(MAX_ROWS + 1)) {
                self.rows.push(row, &self.cells.cells).await?;
            }
        }
        self.row = self.row.saturating_add(self.repeats);
        Ok(())
    }
}
