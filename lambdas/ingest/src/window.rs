use std::collections::HashMap;
use std::collections::hash_map::Entry;

use restctl_rows::Row;

const MAX_ROWS: usize = 1_000;
/// As DynamoDB counts the size of items.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Rows to be written together, of each key the last one.
#[derive(Default)]
pub(crate) struct Window {
    rows: Vec<Row>,
    places: HashMap<String, usize>,
    bytes: usize,
    duplicates: u64,
}

impl Window {
    pub(crate) fn push(&mut self, row: Row) {
        self.bytes += row.bytes;
        match self.places.entry(row.key.clone()) {
            Entry::Vacant(place) => {
                place.insert(self.rows.len());
                self.rows.push(row);
            }
            Entry::Occupied(place) => {
                let superseded = std::mem::replace(&mut self.rows[*place.get()], row);
                self.bytes -= superseded.bytes;
                self.duplicates += 1;
            }
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.rows.len() >= MAX_ROWS || self.bytes >= MAX_BYTES
    }

    /// The rows, no two of the same key.
    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// How many rows a later one has superseded.
    pub(crate) fn duplicates(&self) -> u64 {
        self.duplicates
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: u64, key: &str, bytes: usize) -> Row {
        Row { line, key: key.to_owned(), values: Vec::new(), bytes }
    }

    #[test]
    fn the_last_row_of_a_key_stays() {
        let mut window = Window::default();
        for (line, key) in [(2, "a"), (3, "b"), (4, "a"), (5, "a")] {
            window.push(row(line, key, 10));
        }
        assert_eq!(window.rows().iter().map(|row| row.line).collect::<Vec<_>>(), [5, 3]);
        assert_eq!((window.duplicates(), window.bytes), (2, 20));
    }

    #[test]
    fn it_is_full_by_rows_or_by_bytes() {
        let mut window = Window::default();
        (1..MAX_ROWS).for_each(|line| window.push(row(0, &line.to_string(), 10)));
        assert!(!window.is_full());
        window.push(row(0, "last", 10));
        assert!(window.is_full());
        let mut window = Window::default();
        window.push(row(0, "a", MAX_BYTES - 1));
        assert!(!window.is_full());
        window.push(row(0, "b", 1));
        assert!(window.is_full());
    }
}
