//! Items as a table for people: one row each, with cells cut to a readable width.

use std::collections::HashMap;

use console::{measure_text_width, truncate_str};
use restctl_contract::api::Item;

use super::columns::{Columns, cell_text};
use crate::terminal::output;
use crate::terminal::sanitize::sanitize;
use crate::terminal::text::Text;

/// The most rows of a table. Nobody reads more.
const MAX_ROWS: usize = 1_000;

/// The greatest width of a cell, in columns of the terminal.
const MAX_WIDTH: usize = 40;

/// The space between two columns.
const GAP: usize = 2;

pub(crate) struct TableLayout {
    columns: Columns,
    rows: Vec<HashMap<String, String>>,
    rows_left_out: u64,
}

/// A table as text, and what it leaves out.
pub(crate) struct RenderedTable {
    /// Empty if there is no item.
    pub(crate) text: Text,
    pub(crate) rows_left_out: u64,
    pub(crate) columns_left_out: Vec<String>,
}

impl TableLayout {
    /// `key` is the attribute that comes first.
    pub(crate) fn new(key: &str) -> Self {
        Self { columns: Columns::new(key), rows: Vec::new(), rows_left_out: 0 }
    }

    pub(crate) fn push_items(&mut self, items: &[Item]) {
        for item in items {
            if self.rows.len() == MAX_ROWS {
                self.rows_left_out += 1;
                continue;
            }
            self.columns.add_item(item);
            let cells = item.attributes.iter();
            self.rows.push(cells.map(|(name, value)| (name.clone(), cut_text(&cell_text(value)))).collect());
        }
    }

    /// `chosen` names the columns, if the user chose them; `width` is the terminal's, if there is one.
    pub(crate) fn render(self, chosen: Option<&[String]>, width: Option<usize>) -> RenderedTable {
        let mut columns = chosen.map_or_else(|| self.columns.into_ordered(), <[String]>::to_vec);
        let fitting = width.map_or(columns.len(), |width| count_fitting(&columns, &self.rows, width));
        let columns_left_out = columns.split_off(fitting);
        let header: Vec<String> = columns.iter().map(|column| cut_text(column)).collect();
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let row = |row: &HashMap<String, String>| {
            columns.iter().map(|column| row.get(column).cloned().unwrap_or_default()).collect()
        };
        let rows: Vec<Vec<String>> = self.rows.iter().map(row).collect();
        let text = match rows.is_empty() {
            true => Text::default(),
            false => Text::from_table(&output::new_table(&header, rows)),
        };
        RenderedTable { text, rows_left_out: self.rows_left_out, columns_left_out }
    }
}

/// Returns how many of the columns fit into a line, at least one.
fn count_fitting(columns: &[String], rows: &[HashMap<String, String>], width: usize) -> usize {
    let mut room = width + GAP;
    let fits = |column: &&String| {
        let cells = rows.iter().filter_map(|row| row.get(*column)).map(|cell| measure_text_width(cell));
        let widest = cells.chain([measure_text_width(&cut_text(column))]).max().unwrap_or_default();
        let left = room.checked_sub(widest + GAP);
        room = left.unwrap_or_default();
        left.is_some()
    };
    columns.iter().take_while(fits).count().max(1).min(columns.len())
}

/// Escapes a text, and cuts it to the width of a cell.
fn cut_text(text: &str) -> String {
    // The rest of a long text could not be shown.
    let start: String = text.chars().take(MAX_WIDTH + 1).collect();
    truncate_str(&sanitize(&start), MAX_WIDTH, "…").into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn layout_of(items: serde_json::Value) -> TableLayout {
        let mut layout = TableLayout::new("id");
        layout.push_items(&serde_json::from_value::<Vec<Item>>(items).unwrap());
        layout
    }

    #[test]
    fn cells_are_cut_and_columns_fit_the_terminal() {
        let items = json!([
            { "id": "1", "b": "x".repeat(100), "a": "two\nlines", "n": 1.5 },
            { "id": "2", "c": [1, 2] },
        ]);
        let whole = layout_of(items.clone()).render(None, None);
        let cut = format!("{}…", "x".repeat(39));
        assert_eq!(
            whole.text.as_str(),
            format!(
                "id  a           b{:41}c      n\n1   two\\nlines  {cut}         1.5\n2{:57}[1,2]",
                "", ""
            )
        );
        assert!(whole.columns_left_out.is_empty());
        let narrow = layout_of(items.clone()).render(None, Some(20));
        assert_eq!(narrow.text.as_str(), "id  a\n1   two\\nlines\n2");
        assert_eq!(narrow.columns_left_out, ["b", "c", "n"]);
        let chosen = layout_of(items).render(Some(&["n".to_owned(), "id".to_owned()]), Some(1));
        assert_eq!(chosen.text.as_str().lines().next(), Some("n"));
        assert_eq!(chosen.columns_left_out, ["id"]);
    }

    #[test]
    fn rows_beyond_the_limit_are_counted() {
        let shown = layout_of((0..1_234).map(|id| json!({ "id": id })).collect()).render(None, None);
        assert_eq!((shown.text.as_str().lines().count(), shown.rows_left_out), (MAX_ROWS + 1, 234));
        assert_eq!(layout_of(json!([])).render(None, None).text.as_str(), "");
    }
}
