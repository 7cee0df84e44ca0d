use std::collections::HashMap;
use std::collections::hash_map::Entry;

use restctl_contract::load::Position;
use restctl_rows::{Reject, Row};

/// Rows that are compared and written together, of each key the last one.
pub(crate) struct Window {
    pub(crate) rows: Vec<Row>,
    pub(crate) rejects: Vec<Reject>,
    /// How many rows a later one has superseded.
    pub(crate) duplicates: u64,
    /// Where it ends in the file.
    pub(crate) end: Position,
    /// Where in `rows` each key is.
    places: HashMap<String, usize>,
    bytes: usize,
}

impl Window {
    pub(crate) fn starting(position: Position) -> Self {
        Self {
            rows: Vec::new(),
            rejects: Vec::new(),
            duplicates: 0,
            end: position,
            places: HashMap::new(),
            bytes: 0,
        }
    }

    pub(crate) fn push(&mut self, row: Row) {
        self.bytes += row.bytes;
        match self.places.entry(row.key().to_owned()) {
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

    /// As DynamoDB counts the size of items.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many rows of the file went into it.
    pub(crate) fn read(&self) -> u64 {
        self.rows.len() as u64 + self.duplicates + self.rejects.len() as u64
    }

    /// Where in `rows` the row with this key is.
    pub(crate) fn place(&self, key: &str) -> Option<usize> {
        self.places.get(key).copied()
    }

    pub(crate) fn shares_a_key_with(&self, other: &Self) -> bool {
        other.rows.iter().any(|row| self.places.contains_key(row.key()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_row::row_with;

    #[test]
    fn the_last_row_of_a_key_stays() {
        let mut window = Window::starting(Position::START);
        for (line, key) in [(2, "a"), (3, "b"), (4, "a"), (5, "a")] {
            let mut row = row_with(key, &[]);
            (row.line, row.bytes) = (line, 10);
            window.push(row);
        }
        assert_eq!(window.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [5, 3]);
        assert_eq!((window.duplicates, window.bytes(), window.read()), (2, 20, 4));
        assert_eq!((window.place("b"), window.place("c")), (Some(1), None));
    }
}
