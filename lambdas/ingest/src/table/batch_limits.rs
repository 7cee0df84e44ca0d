//! What fits into one call (BatchWriteItem and BatchGetItem, Amazon DynamoDB API Reference).

use restctl_rows::Row;

pub(super) const MAX_KEYS: usize = 100;
const MAX_PUTS: usize = 25;
/// As DynamoDB counts the size of items. A request may have 16 MB, and a null or a boolean of one byte becomes ten
/// bytes of JSON.
const MAX_BATCH_BYTES: usize = 1_500_000;

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
    use super::*;
    use crate::test_row::row_with;

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
}
