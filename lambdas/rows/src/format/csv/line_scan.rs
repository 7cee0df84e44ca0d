//! Finds the cells of a record that ends on its first line, which is the usual case, eight bytes at a time.

use super::cells::{Cell, CellForm, Cells};

const WORD_BYTES: usize = 8;

/// Each byte of a word.
const LOW_BITS: u64 = 0x7f7f_7f7f_7f7f_7f7f;

/// Where the scan is in a cell.
enum CellState {
    Outside,
    Inside,
    /// After a quote in a quoted cell, at this index.
    AfterQuote(usize),
}

/// Adds the cells of the record at the front of `bytes`, and returns where its line ends.
///
/// Returns `None` if the record needs a closer look: its line does not end here, a cell contains a line end, or a quote
/// is faulty. The cells are then of no use.
pub(super) fn scan_line(bytes: &[u8], delimiter: u8, cells: &mut Cells) -> Option<usize> {
    let (mut state, mut form, mut start) = (CellState::Outside, CellForm::Quoted, 0);
    for (word, at) in words(bytes).zip((0..).step_by(WORD_BYTES)) {
        let mut special = find_special_bytes(word, delimiter);
        while special != 0 {
            let place = special.trailing_zeros() as usize / 8;
            let (index, byte) = (at + place, (word >> (8 * place)) as u8);
            special &= special - 1;
            state = match (state, byte) {
                (CellState::Outside, b'"') if index == start => CellState::Inside,
                // A quote inside an unquoted cell is text.
                (CellState::Outside, b'"') => CellState::Outside,
                (CellState::Outside, _) => {
                    cells.push(Cell::new(start, index, CellForm::Plain));
                    start = index + 1;
                    CellState::Outside
                }
                (CellState::Inside, b'"') => CellState::AfterQuote(index),
                (CellState::Inside, _) if byte == delimiter => CellState::Inside,
                (CellState::Inside, _) => return None,
                (CellState::AfterQuote(quote), _) if index != quote + 1 => return None,
                (CellState::AfterQuote(_), b'"') => {
                    form = CellForm::QuotedEscaped;
                    CellState::Inside
                }
                (CellState::AfterQuote(quote), _) => {
                    cells.push(Cell::new(start + 1, quote, form));
                    (form, start) = (CellForm::Quoted, index + 1);
                    CellState::Outside
                }
            };
            if matches!(byte, b'\n' | b'\r') {
                return Some(index);
            }
        }
    }
    None
}

/// Returns the bytes as words, the first byte in the lowest place. Zeros fill the last word.
fn words(bytes: &[u8]) -> impl Iterator<Item = u64> {
    let (words, rest) = bytes.as_chunks::<WORD_BYTES>();
    let mut last = [0; WORD_BYTES];
    last[..rest.len()].copy_from_slice(rest);
    words.iter().copied().chain((!rest.is_empty()).then_some(last)).map(u64::from_le_bytes)
}

/// Returns a word with the highest bit of each byte that is a delimiter, a quote or a line end.
fn find_special_bytes(word: u64, delimiter: u8) -> u64 {
    find_byte(word, delimiter) | find_byte(word, b'"') | find_byte(word, b'\n') | find_byte(word, b'\r')
}

fn find_byte(word: u64, byte: u8) -> u64 {
    // Zero where the byte is.
    let different = word ^ u64::from_le_bytes([byte; WORD_BYTES]);
    !(((different & LOW_BITS) + LOW_BITS) | different | LOW_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> Option<(usize, Vec<String>)> {
        let mut cells = Cells::default();
        let end = scan_line(text.as_bytes(), b',', &mut cells)?;
        Some((end, cells.kept().iter().map(|cell| cell.text(text, None).into_owned()).collect()))
    }

    #[test]
    fn lines_are_split_into_cells() {
        for (line, cells) in [
            ("1,two,", &["1", "two", ""][..]),
            ("\"a, b\",c", &["a, b", "c"]),
            ("1,\"say \"\"hi\"\"\"", &["1", "say \"hi\""]),
            ("19\" screen,x", &["19\" screen", "x"]),
            ("\"\",\"\"", &["", ""]),
            ("a long cell of more than eight bytes, é", &["a long cell of more than eight bytes", " é"]),
        ] {
            let expected = (line.len(), cells.iter().map(|cell| (*cell).to_owned()).collect());
            for end in ["\n", "\r\n", "\r2,next\r"] {
                assert_eq!(scan(&format!("{line}{end}")), Some(expected.clone()), "{line}");
            }
        }
    }

    #[test]
    fn other_records_need_a_closer_look() {
        for text in ["", "1,2", "\"a\nb\"\n", "\"a\"b\n", "\"a\" ,b\n", "\"a", "\"a\""] {
            assert_eq!(scan(text), None, "{text:?}");
        }
    }
}
