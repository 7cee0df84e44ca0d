use std::borrow::Cow;
use std::sync::Arc;

use super::cells::Cell;
use super::header::{CsvColumn, CsvHeader};
use super::line_end::count_line_ends;
use super::multiline::find_rows_in_cell;
use super::scan::RecordScan;
use super::scan_state::QuoteFault;
use crate::dialect::CsvDialect;
use crate::limits::MAX_RECORD_BYTES;
use crate::reject::Fault;
use crate::row::Row;
use crate::row::rules::ItemRules;
use crate::types::column_types::ColumnType;
use crate::types::value::Value;
use crate::unreadable::Unreadable;

/// Turns a scanned record into the header, which is the first one, or into a row.
pub(super) struct RowParser {
    rules: ItemRules,
    dialect: CsvDialect,
    escape: Option<u8>,
    header: Option<CsvHeader>,
    has_cells_behind: bool,
}

impl RowParser {
    pub(super) fn new(rules: ItemRules, dialect: &CsvDialect) -> Self {
        let escape = dialect.escape.map(|escape| escape.byte());
        Self { rules, dialect: dialect.clone(), escape, header: None, has_cells_behind: false }
    }

    pub(super) fn has_header(&self) -> bool {
        self.header.is_some()
    }

    /// Returns the columns that are loaded, once the header has been read.
    pub(super) fn columns(&self) -> &[CsvColumn] {
        self.header.as_ref().map(|header| header.columns.as_slice()).unwrap_or_default()
    }

    /// Returns what was recognized so far, as the rest of a sentence about the file.
    pub(super) fn notes(&self) -> Vec<String> {
        let Some(header) = &self.header else { return Vec::new() };
        let behind = (self.has_cells_behind || header.has_delimiters_behind)
            .then(|| "the delimiters behind the last column are ignored".to_owned());
        header.notes.iter().cloned().chain(behind).collect()
    }

    /// `line` is the first one of the record.
    pub(super) fn parse_header(
        &mut self,
        record: &[u8],
        line: u64,
        scan: &mut RecordScan,
    ) -> Result<(), Unreadable> {
        if record.len() > MAX_RECORD_BYTES {
            return Err(Unreadable::HeaderTooLong);
        }
        let text = std::str::from_utf8(record).map_err(|error| {
            let line = line + count_line_ends(record, error.valid_up_to());
            Unreadable::NotUtf8 { line }
        })?;
        let cells = scan.cells.kept().iter();
        let names: Vec<Cow<'_, str>> = cells.map(|cell| cell.text(text, self.escape)).collect();
        let names: Vec<&str> = names.iter().map(|name| &**name).collect();
        let header = CsvHeader::new(&names, &self.rules.key, &self.dialect)?;
        scan.cells.set_limit(header.places.len());
        self.header = Some(header);
        Ok(())
    }

    /// `line` is the first one of the record.
    pub(super) fn parse_row(&mut self, record: &[u8], line: u64, scan: &RecordScan) -> Result<Row, Fault> {
        if record.len() > MAX_RECORD_BYTES {
            return Err(Fault::in_row(format!("is longer than {MAX_RECORD_BYTES} bytes")));
        }
        let Some(header) = &self.header else { return Err(Fault::in_row("comes before the header")) };
        let text = std::str::from_utf8(record).map_err(|error| {
            Fault::not_utf8(record).at_line(line + count_line_ends(record, error.valid_up_to()))
        })?;
        let (cells, expected) = (&scan.cells, header.places.len());
        if cells.count() < expected || cells.has_text_behind() {
            let found = cells.count();
            let reason = format!("has {found} values for the {expected} columns of the header");
            return Err(Fault::in_row(reason));
        }
        self.has_cells_behind |= cells.count() > expected;
        if scan.inner_lines > 0 && !self.dialect.multiline_cells {
            let delimiter = self.dialect.delimiter.byte();
            if let Some(found) = find_rows_in_cell(record, cells.kept(), delimiter, expected) {
                return Err(Fault::in_multiline_cell(found.rows).at_line(line + found.line));
            }
        }
        self.build_row(header, text, line, cells.kept())
    }

    fn build_row(&self, header: &CsvHeader, record: &str, line: u64, cells: &[Cell]) -> Result<Row, Fault> {
        let mut values: Vec<(Arc<str>, Value)> = Vec::with_capacity(header.columns.len());
        let mut key = None;
        for (cell, place) in cells.iter().zip(&header.places) {
            let Some(index) = *place else { continue };
            let column = &header.columns[index];
            let unescaped;
            let text = match cell.plain_text(record) {
                Some(text) => text,
                None => {
                    unescaped = cell.unescape(record, self.escape);
                    &unescaped
                }
            };
            let value = if index == header.key {
                key = Some(values.len());
                self.rules.parse_key(text)?
            } else if text.is_empty() {
                continue;
            } else {
                let column_type = column.declared.unwrap_or(ColumnType::String);
                column_type.parse_cell(text).map_err(|reason| Fault::in_column(&column.name, reason))?
            };
            values.push((Arc::clone(&column.name), value));
        }
        self.rules.build_row(line, values, key)
    }

    pub(super) fn describe_fault(&self, fault: QuoteFault) -> String {
        let problem = match fault {
            QuoteFault::TextAfterQuote => "has text after a closing quote",
            QuoteFault::Unclosed => "opens a quote that is never closed",
        };
        match self.escape {
            None => format!(
                "{problem}: double each quote inside a cell, or upload with --escape '\\' if a backslash precedes it"
            ),
            Some(_) => format!("{problem}: double or escape each quote inside a cell"),
        }
    }
}
