//! The type of a column by its cells.

use restctl_contract::number;

use super::column_types::{ColumnType, parse_boolean, without_padding};

/// What the cells of a column have in common so far. Empty cells do not count.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    number: bool,
    boolean: bool,
    empty: bool,
    places: DecimalPlaces,
    /// The first number that comes back in another notation, and that notation.
    changed: Option<(String, String)>,
}

/// How many digits the decimals of a column have behind the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DecimalPlaces {
    None,
    Same(usize),
    Different,
}

impl Default for Candidate {
    fn default() -> Self {
        Self { number: true, boolean: true, empty: true, places: DecimalPlaces::None, changed: None }
    }
}

impl Candidate {
    /// Removes the types that do not fit a cell.
    pub(crate) fn narrow(&mut self, cell: &str) {
        self.empty = false;
        if self.number || self.boolean {
            let text = without_padding(cell);
            self.boolean = self.boolean && parse_boolean(text).is_some();
            self.number = self.number && self.fits_number(text);
        }
    }

    fn fits_number(&mut self, text: &str) -> bool {
        if !text.as_bytes().contains(&b'.') {
            return number::is_canonical(text);
        }
        let Some(places) = number::decimal_places(text) else { return false };
        self.places = match self.places {
            DecimalPlaces::None => DecimalPlaces::Same(places),
            DecimalPlaces::Same(same) if same == places => self.places,
            _ => DecimalPlaces::Different,
        };
        if text.ends_with('0') && self.changed.is_none() {
            self.changed = number::normalize(text).ok().map(|plain| (text.to_owned(), plain));
        }
        self.changed.is_none() || self.places != DecimalPlaces::Different
    }

    pub(crate) fn column_type(&self) -> ColumnType {
        match self {
            Candidate { empty: true, .. } => ColumnType::String,
            Candidate { number: true, .. } => ColumnType::Number,
            Candidate { boolean: true, .. } => ColumnType::Boolean,
            _ => ColumnType::String,
        }
    }

    /// Returns the first number of a number column that comes back in another notation, and that notation.
    pub(crate) fn changed_number(&self) -> Option<&(String, String)> {
        self.changed.as_ref().filter(|_| self.column_type() == ColumnType::Number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column_type(cells: &[&str]) -> ColumnType {
        let mut candidate = Candidate::default();
        cells.iter().for_each(|cell| candidate.narrow(cell));
        candidate.column_type()
    }

    #[test]
    fn a_column_has_a_type_only_if_every_cell_fits() {
        for (cells, kind) in [
            (&["1", "-2"][..], ColumnType::Number),
            (&["0.5", "12.25"], ColumnType::Number),
            (&["3.50", "4.25", "-0.10"], ColumnType::Number),
            (&["3.50", "4"], ColumnType::Number),
            (&[" 2", "10"], ColumnType::Number),
            (&["1.5", "1.25", "1.0"], ColumnType::String),
            (&["3.50", "3.5"], ColumnType::String),
            (&["007", "8"], ColumnType::String),
            (&["07.50", "08.25"], ColumnType::String),
            (&["1e5"], ColumnType::String),
            (&["+49", "50"], ColumnType::String),
            (&[".5"], ColumnType::String),
            (&["1.2.3"], ColumnType::String),
            (&["true", "False", "TRUE"], ColumnType::Boolean),
            (&["true", "yes"], ColumnType::String),
            (&["1", "true"], ColumnType::String),
            (&[], ColumnType::String),
        ] {
            assert_eq!(column_type(cells), kind, "{cells:?}");
        }
        let digits = format!("0.{}", "1".repeat(39));
        assert_eq!(column_type(&[&digits]), ColumnType::String);
    }

    #[test]
    fn a_number_that_loses_zeros_is_shown() {
        let mut candidate = Candidate::default();
        ["4", "3.50", "1.00"].iter().for_each(|cell| candidate.narrow(cell));
        assert_eq!(candidate.changed_number(), Some(&("3.50".to_owned(), "3.5".to_owned())));
        candidate.narrow("x");
        assert_eq!(candidate.changed_number(), None);
    }
}
