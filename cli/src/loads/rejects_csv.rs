//! The rejects file as its records. A rejected row may have line breaks, which begin no record.

use std::io::{self, BufRead};

/// Reads the next record of a CSV text, without the line break at its end. `None` at the end of the text.
pub(crate) fn read_record(csv: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut record = Vec::new();
    while csv.read_until(b'\n', &mut record)? > 0 {
        let quotes = record.iter().filter(|byte| **byte == b'"').count();
        if quotes % 2 == 0 {
            break;
        }
    }
    let text = String::from_utf8_lossy(&record);
    Ok((!record.is_empty()).then(|| text.trim_end_matches(['\r', '\n']).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_break_within_a_cell_begins_no_record() {
        let mut csv = "line,row\r\n1,\"a\n\"\"b\"\"\nc\"\n\n2,\"cut\noff".as_bytes();
        let mut records = Vec::new();
        while let Some(record) = read_record(&mut csv).unwrap() {
            records.push(record);
        }
        assert_eq!(records, ["line,row", "1,\"a\n\"\"b\"\"\nc\"", "", "2,\"cut\noff"]);
    }
}
