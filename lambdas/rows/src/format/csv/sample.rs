//! The first records of a text, read with one of the delimiters that it may have.

use restctl_contract::key::Key;
use restctl_contract::load::Position;

use super::cells::Cell;
use super::line_end::is_line_end;
use super::scan::{RecordScan, Scanned};
use crate::dialect::delimiter::Delimiter;

const MAX_RECORDS: usize = 100;

/// How many cells the first records of a CSV have.
#[derive(Debug, Default)]
pub(crate) struct CsvSample {
    pub(crate) delimiter: Delimiter,
    /// The names of the columns.
    header: Vec<String>,
    records: Vec<SampledRecord>,
}

#[derive(Debug)]
struct SampledRecord {
    cells: usize,
    /// The number in the first cell.
    number: Option<u64>,
    has_text_in_last_cell: bool,
}

impl CsvSample {
    /// Reads the beginning of a text, or a whole one.
    pub(crate) fn read(text: &[u8], is_whole: bool, delimiter: Delimiter, escape: Option<u8>) -> Self {
        let mut sample = Self { delimiter, header: Vec::new(), records: Vec::new() };
        let mut scan = RecordScan::new(delimiter.byte(), escape);
        let mut at = 0;
        while at < text.len() && sample.records.len() < MAX_RECORDS {
            let rest = &text[at..];
            if is_line_end(rest[0]) {
                at += 1;
                continue;
            }
            scan.begin_at(Position { offset: at as u64, line: 1 });
            match scan.scan(rest, is_whole) {
                Scanned::Incomplete => break,
                Scanned::Faulty(faulty) => at += faulty.first_line,
                Scanned::Record(length) => {
                    sample.add_record(&rest[..length], &scan, escape);
                    at += length;
                }
            }
            scan.end();
        }
        sample
    }

    /// Returns whether a text is more likely a CSV than anything else: it has two columns at least.
    pub(crate) fn is_likely(text: &[u8]) -> bool {
        let is_text = |byte: &u8| *byte >= b' ' || matches!(byte, b'\t' | b'\r' | b'\n');
        text.iter().all(is_text)
            && Delimiter::USUAL.iter().any(|delimiter| {
                let sample = Self::read(text, true, *delimiter, None);
                sample.header.len() > 1 && sample.share_of_fitting_records() > 0.9
            })
    }

    fn add_record(&mut self, record: &[u8], scan: &RecordScan, escape: Option<u8>) {
        let text = std::str::from_utf8(record).unwrap_or_default();
        let cell_text = |cell: Cell| cell.checked_text(text, escape).unwrap_or_default();
        let cells = scan.cells.kept();
        if self.header.is_empty() {
            self.header = cells.iter().map(|cell| cell_text(*cell).trim().to_owned()).collect();
            return;
        }
        self.records.push(SampledRecord {
            cells: cells.len(),
            number: cells.first().and_then(|cell| cell_text(*cell).parse().ok()),
            has_text_in_last_cell: cells.last().is_some_and(|cell| !cell_text(*cell).is_empty()),
        });
    }

    /// Returns a number that is the greater, the better the delimiter fits: with it the header has the key, then most
    /// records have as many cells as the header, then there are many columns.
    pub(crate) fn fitness(&self, key: &Key) -> f64 {
        let has_key = f64::from(u8::from(self.header.contains(&key.name)));
        let columns = self.header.len() as f64;
        let more_than_one = f64::from(u8::from(self.header.len() > 1));
        has_key * 8.0 + self.share_of_fitting_records() * (1.0 + more_than_one) + columns / (columns + 1.0)
    }

    /// Returns whether each record begins with its number, for which the header has no name.
    pub(crate) fn has_row_numbers(&self) -> bool {
        let first = self.records.first().and_then(|record| record.number);
        let Some(first @ (0 | 1)) = first else { return false };
        self.records
            .iter()
            .zip(first..)
            .all(|(record, number)| record.cells == self.header.len() + 1 && record.number == Some(number))
            && self.records.iter().any(|record| record.has_text_in_last_cell)
    }

    /// A cell without text behind the others does not count.
    fn share_of_fitting_records(&self) -> f64 {
        let fits = |record: &&SampledRecord| {
            record.cells == self.header.len()
                || (record.cells == self.header.len() + 1 && !record.has_text_in_last_cell)
        };
        let fitting = self.records.iter().filter(fits).count();
        if self.records.is_empty() { 1.0 } else { fitting as f64 / self.records.len() as f64 }
    }
}
