use std::collections::HashMap;
use std::collections::hash_map::Entry;

use restctl_contract::load::Position;
use restctl_rows::{Reject, Row};

/// Rows that are compared and written together. Of the rows with the same key it keeps the last one.
pub(crate) struct Window {
    pub(crate) rows: Vec<Row>,
    pub(crate) rejects: Vec<Reject>,
    /// The number of rows that a later row with the same key has superseded.
    pub(crate) duplicates: u64,
    /// Where the window ends in the file.
    pub(crate) end: Position,
    /// The index in `rows` of each key.
    indexes: HashMap<String, usize>,
    bytes: usize,
    memory: usize,
}

impl Window {
    pub(super) fn starting_at(position: Position) -> Self {
        Self {
            rows: Vec::new(),
            rejects: Vec::new(),
            duplicates: 0,
            end: position,
            indexes: HashMap::new(),
            bytes: 0,
            memory: 0,
        }
    }

    pub(super) fn push(&mut self, row: Row) {
        self.bytes += row.bytes;
        self.memory += row.memory();
        match self.indexes.entry(row.key().to_owned()) {
            Entry::Vacant(index) => {
                index.insert(self.rows.len());
                self.rows.push(row);
            }
            Entry::Occupied(index) => {
                let superseded = std::mem::replace(&mut self.rows[*index.get()], row);
                self.bytes -= superseded.bytes;
                self.memory -= superseded.memory();
                self.duplicates += 1;
            }
        }
    }

    /// Returns the size of the rows as DynamoDB counts the size of items.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns about how many bytes of memory the rows take.
    pub(super) fn memory(&self) -> usize {
        self.memory
    }

    /// Returns the number of the file's rows that went into the window.
    pub(crate) fn rows_read(&self) -> u64 {
        self.rows.len() as u64 + self.duplicates + self.rejects.len() as u64
    }

    /// Returns the index in `rows` of the row with this key.
    pub(crate) fn index_of(&self, key: &str) -> Option<usize> {
        self.indexes.get(key).copied()
    }

    pub(crate) fn shares_a_key_with(&self, other: &Self) -> bool {
        other.rows.iter().any(|row| self.indexes.contains_key(row.key()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_row::row_with;

    #[test]
    fn a_window_keeps_the_last_row_of_each_key() {
        let mut window = Window::starting_at(Position::START);
        for (line, key) in [(2, "a"), (3, "b"), (4, "a"), (5, "a")] {
            let mut row = row_with(key, &[]);
            (row.line, row.bytes) = (line, 10);
            window.push(row);
        }
        assert_eq!(window.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [5, 3]);
        assert_eq!((window.duplicates, window.bytes(), window.rows_read()), (2, 20, 4));
        assert_eq!((window.index_of("b"), window.index_of("c")), (Some(1), None));
    }
}
