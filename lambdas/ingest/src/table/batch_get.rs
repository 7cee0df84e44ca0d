//! Comparing rows with the table's items, by BatchGetItem.

use std::collections::HashMap;

use restctl_contract::key::Key;
use restctl_rows::Row;
use serde_json::to_string;

use super::ItemsTable;
use super::batch_get_answer::read_answer;
use super::capacity::{estimate_read_units, sum_units};
use super::row_outcome::{RowOutcome, compare_row};
use super::stored_item::StoredItem;
use crate::error::Error;

const OPERATION: &str = "BatchGetItem";

/// Rows that have been compared with the table.
#[derive(Debug, Default)]
pub(crate) struct ComparedRows {
    /// The outcome of each row, in the order of the rows.
    pub(crate) outcomes: Vec<RowOutcome>,
    pub(crate) read_units: f64,
}

impl ComparedRows {
    /// Returns those of `rows`, which are the rows that were compared, whose outcome fits.
    pub(crate) fn select_rows<'a>(&self, rows: &'a [Row], fits: impl Fn(RowOutcome) -> bool) -> Vec<&'a Row> {
        let outcomes = rows.iter().zip(&self.outcomes);
        outcomes.filter(|(_, outcome)| fits(**outcome)).map(|(row, _)| row).collect()
    }
}

/// Compares at most [`super::batch_limits::MAX_KEYS`] rows with the items of `table`.
pub(super) async fn compare_batch(
    table: &ItemsTable<'_>,
    batch: &[Row],
    stamp: &str,
) -> Result<ComparedRows, Error> {
    let ItemsTable { client, name, key, estimates_units } = *table;
    let indexes: HashMap<&str, usize> =
        batch.iter().enumerate().map(|(index, row)| (row.key(), index)).collect();
    let mut compared = ComparedRows { outcomes: vec![RowOutcome::New; batch.len()], read_units: 0.0 };
    // A key without an item costs a unit.
    let mut estimated_units = batch.len() as f64;
    let mut keys = batch.iter().map(|row| key_json(key, row)).collect::<Vec<_>>().join(",");
    for attempt in 0.. {
        let request = format!(
            r#"{{"ReturnConsumedCapacity":"TOTAL","RequestItems":{{"{name}":{{"ConsistentRead":true,"Keys":[{keys}]}}}}}}"#,
        );
        let answer = client.call_with_retries(OPERATION, request.into_bytes()).await?;
        let rest = read_answer(&answer, |item: StoredItem<'_>| {
            let index = item.key_text(&key.name).and_then(|key| indexes.get(&*key).copied());
            let index = index.ok_or("it has an item that was not asked for")?;
            compared.outcomes[index] = compare_row(&batch[index], &item, stamp);
            if estimates_units {
                estimated_units += estimate_read_units(item.bytes()) - 1.0;
            }
            Ok(())
        });
        let rest = rest.map_err(|error| Error::unreadable_answer(OPERATION, error))?;
        compared.read_units += sum_units(&rest.consumed_capacity);
        if rest.unprocessed_keys.is_empty() {
            break;
        }
        keys = rest.unprocessed_keys.iter().map(|key| key.get()).collect::<Vec<_>>().join(",");
        drop(answer);
        client.wait_after_unprocessed(attempt).await;
    }
    if estimates_units {
        compared.read_units = estimated_units;
    }
    Ok(compared)
}

fn key_json(key: &Key, row: &Row) -> String {
    let kind = key.kind.letter();
    // A string always has a JSON form.
    let string = |text: &str| to_string(text).unwrap_or_default();
    format!(r#"{{{}:{{"{kind}":{}}}}}"#, string(&key.name), string(row.key()))
}
