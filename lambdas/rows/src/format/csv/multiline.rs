//! Cells that are legal and still look as if a quote were never closed: they contain lines that look like rows.

use memchr::memchr_iter;

use super::cells::Cell;

/// A cell that contains lines which look like rows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RowsInCell {
    /// How many lines after the first line of the record the cell begins.
    pub(super) line: u64,
    /// How many of its lines look like rows.
    pub(super) rows: u64,
}

/// Finds the first cell that contains lines which look like rows of `columns` cells: they have as many delimiters.
///
/// The last line of a cell ends at the closing quote. It looks like a row if the cell would be in the same column in it,
/// since what follows the quote completes the row. In the first column that is true of every text, so it proves nothing.
pub(super) fn find_rows_in_cell(
    record: &[u8],
    cells: &[Cell],
    delimiter: u8,
    columns: usize,
) -> Option<RowsInCell> {
    let mut line = 0;
    for (index, cell) in cells.iter().enumerate() {
        let Some(text) = cell.quoted_bytes(record) else { continue };
        let inner: Vec<&[u8]> = split_lines(text).collect();
        let [_, between @ .., last] = inner.as_slice() else { continue };
        let delimiters = |text: &[u8]| memchr_iter(delimiter, text).count();
        let between = between.iter().filter(|text| delimiters(text) + 1 == columns).count() as u64;
        let is_last_a_row = delimiters(last) == index && (index > 0 || columns == 1);
        let rows = between + u64::from(is_last_a_row);
        if rows > 0 {
            return Some(RowsInCell { line, rows });
        }
        line += inner.len() as u64 - 1;
    }
    None
}

/// Splits at CR, LF and CRLF.
fn split_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = memchr::memchr2(b'\n', b'\r', text) else {
            rest = None;
            return Some(text);
        };
        let next = if text[end..].starts_with(b"\r\n") { end + 2 } else { end + 1 };
        rest = Some(&text[next..]);
        Some(&text[..end])
    })
}

#[cfg(test)]
mod tests {
    use restctl_contract::load::Position;

    use super::super::scan::{RecordScan, Scanned};
    use super::*;

    fn find(record: &str, columns: usize) -> Option<RowsInCell> {
        let mut scan = RecordScan::new(b',', None);
        scan.begin_at(Position::START);
        assert!(matches!(scan.scan(record.as_bytes(), true), Scanned::Record(_)), "{record}");
        find_rows_in_cell(record.as_bytes(), scan.cells.kept(), b',', columns)
    }

    #[test]
    fn swallowed_rows_are_found() {
        let found = |line, rows| Some(RowsInCell { line, rows });
        assert_eq!(find("1,\"x\n2,y\n3,z\"\n", 2), found(0, 2));
        assert_eq!(find("1,\"x\r\n2,y\"\r\n", 2), found(0, 1));
        assert_eq!(find("1,\"x,5\n2,y\",5\n", 3), found(0, 1));
        assert_eq!(find("\"1,x\n2,y\n3\",z\n", 2), found(0, 1));
        assert_eq!(find("\"1\n2\"\n", 1), found(0, 1));
        assert_eq!(find("1,\"two\nlines\",\"x,y\n2,,y\nz\"\n", 3), found(1, 1));
    }

    #[test]
    fn texts_of_several_lines_are_no_rows() {
        assert_eq!(find("1,\"two\nlines\"\n", 2), None);
        assert_eq!(find("\"two\nlines\",1,2\n", 3), None);
        assert_eq!(find("1,2,\"12 Main St\nSpringfield, IL\"\n", 3), None);
        assert_eq!(find("1,\"a\n\n\nb\"\n", 2), None);
        assert_eq!(find("1,x\n", 2), None);
    }
}
