//! What fits into one call (BatchWriteItem and BatchGetItem, Amazon DynamoDB API Reference).

use restctl_rows::Row;

pub(super) const MAX_KEYS: usize = 100;
const MAX_PUTS: usize = 25;
/// As DynamoDB counts the size of items. A request may have 16 MB, and a byte becomes eleven bytes of JSON at most: an
/// empty string counts as nothing but its name, and a control character of the name is written with six characters.
const MAX_BATCH_BYTES: usize = 1_400_000;

/// Splits rows into runs, each of which fits into one BatchWriteItem.
pub(super) fn split_into_put_batches<'a, 'b>(mut rows: &'b [&'a Row]) -> impl Iterator<Item = &'b [&'a Row]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |row: &&&Row| {
            bytes += row.bytes;
            bytes <= MAX_BATCH_BYTES
        };
        let length = rows.iter().take(MAX_PUTS).take_while(fits).count().max(1);
        let (batch, rest) = rows.split_at_checked(length)?;
        rows = rest;
        Some(batch)
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;
    use crate::table::item_json::write_item;
    use crate::test_row::{parse_row, row_with};

    const MAX_REQUEST_BYTES: usize = 16_000_000;

    fn batch_sizes(number: usize, bytes: usize) -> Vec<usize> {
        let mut row = row_with("1", &[]);
        row.bytes = bytes;
        split_into_put_batches(&vec![&row; number]).map(<[&Row]>::len).collect()
    }

    #[test]
    fn a_batch_has_25_rows_at_most_and_fits_into_a_request() {
        assert_eq!(batch_sizes(60, 100), [25, 25, 10]);
        assert_eq!(batch_sizes(7, 400_000), [3, 3, 1]);
        assert_eq!(batch_sizes(2, MAX_BATCH_BYTES + 1), [1, 1]);
        assert_eq!(batch_sizes(0, 1), [0; 0]);
    }

    /// Returns a row of about `bytes` bytes, which has a list with as many of these elements as fit.
    fn row_with_list(element: &str, element_bytes: usize, bytes: usize) -> Row {
        let elements = vec![element; (bytes - 100) / element_bytes].join(",");
        parse_row(&format!(r#"{{"id":"1","l":[{elements}]}}"#))
    }

    /// Returns a row whose names are the shortest that consist of control characters.
    fn row_with_control_names(bytes: usize) -> Row {
        let (mut members, mut counted) = (String::new(), 100);
        for number in 1_u32.. {
            let mut name = String::new();
            let mut left = number;
            while left > 0 {
                // Those that JSON writes with six characters.
                let character =
                    [1, 2, 3, 4, 5, 6, 7, 11, 14, 15, 16, 17, 18, 19, 20, 21][(left % 16) as usize];
                write!(name, "\\u{character:04x}").unwrap();
                left /= 16;
            }
            counted += name.len() / 6;
            if counted > bytes {
                break;
            }
            write!(members, ",\"{name}\":\"\"").unwrap();
        }
        parse_row(&format!(r#"{{"id":"1"{members}}}"#))
    }

    #[test]
    fn the_json_of_a_batch_fits_into_a_request() {
        let full = MAX_BATCH_BYTES / MAX_PUTS;
        let text = "\\u0001".repeat(full - 100);
        for row in [
            row_with_list("\"\"", 1, full),
            row_with_list("\"\"", 1, 400_000),
            row_with_list("false", 2, full),
            row_with_list("null", 2, full),
            row_with_list("[]", 4, full),
            row_with_list("1e125", 3, full),
            row_with_list("-1e-130", 4, full),
            row_with_list("{\"\":\"\"}", 5, full),
            row_with_control_names(full),
            parse_row(&format!(r#"{{"id":"1","s":"{text}"}}"#)),
        ] {
            let rows = vec![&row; MAX_PUTS];
            let mut item = Vec::new();
            write_item(&mut item, &row, &"x".repeat(66));
            let batch = split_into_put_batches(&rows).map(<[&Row]>::len).max().unwrap();
            assert!(
                batch * row.bytes > MAX_BATCH_BYTES * 3 / 4,
                "the batch is not full: {} bytes",
                row.bytes
            );
            let request = batch * (item.len() + 100);
            assert!(request < MAX_REQUEST_BYTES, "{} bytes for {}", request, batch * row.bytes);
        }
    }
}
