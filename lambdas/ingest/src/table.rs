//! The table of items: which rows it lacks, and how they are written.

mod batch_get;
mod batch_get_answer;
mod batch_limits;
mod batch_write;
mod capacity;
mod item_json;
mod row_outcome;
mod stored_item;

use futures_util::{StreamExt, TryStreamExt, stream};
use restctl_contract::key::Key;
use restctl_rows::Row;
use serde::Deserialize;
use serde_json::json;

pub(crate) use batch_get::ComparedRows;
use batch_get::compare_batch;
use batch_limits::{MAX_KEYS, split_into_put_batches};
pub(crate) use batch_write::WrittenRows;
use batch_write::write_batch;
use capacity::{ConsumedCapacity, estimate_read_units, sum_units};
pub(crate) use row_outcome::RowOutcome;
use stored_item::StoredItem;

use crate::dynamodb::{Dynamodb, parse_answer};
use crate::error::Error;

/// Batches under way at a time. The client's pace decides how many of them are in flight.
const WRITES_UNDER_WAY: usize = 32;
const READS_UNDER_WAY: usize = 8;

/// The table of items.
pub(crate) struct ItemsTable<'a> {
    client: &'a Dynamodb,
    name: &'a str,
    key: &'a Key,
    /// Whether read units are computed, because the endpoint does not count them as AWS does.
    estimates_units: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ScanAnswer<'a> {
    #[serde(default)]
    count: u64,
    #[serde(borrow, default)]
    items: Vec<StoredItem<'a>>,
    consumed_capacity: Option<ConsumedCapacity>,
}

impl<'a> ItemsTable<'a> {
    pub(crate) fn new(client: &'a Dynamodb, name: &'a str, key: &'a Key, estimates_units: bool) -> Self {
        Self { client, name, key, estimates_units }
    }

    /// Returns whether the table has no item at all, and the read units that this took.
    pub(crate) async fn is_empty(&self) -> Result<(bool, f64), Error> {
        let request = json!({
            "TableName": self.name, "Limit": 1, "ConsistentRead": true, "ReturnConsumedCapacity": "TOTAL",
        });
        let answer = self.client.call_with_retries("Scan", request.to_string().into_bytes()).await?;
        let answer: ScanAnswer<'_> = parse_answer("Scan", &answer)?;
        let read_units = match self.estimates_units {
            true => estimate_read_units(answer.items.iter().map(StoredItem::bytes).sum()),
            false => sum_units(answer.consumed_capacity.as_slice()),
        };
        Ok((answer.count == 0, read_units))
    }

    /// Compares `rows`, no two of which have the same key, with the table's items. `stamp` is that of their load.
    pub(crate) async fn compare_rows(&self, rows: &[Row], stamp: &str) -> Result<ComparedRows, Error> {
        let batches = rows.chunks(MAX_KEYS).map(|batch| compare_batch(self, batch, stamp));
        let append = |mut all: ComparedRows, batch: ComparedRows| async move {
            all.outcomes.extend(batch.outcomes);
            all.read_units += batch.read_units;
            Ok(all)
        };
        stream::iter(batches).buffered(READS_UNDER_WAY).try_fold(ComparedRows::default(), append).await
    }

    /// Writes `rows`, no two of which have the same key, as items of the load with this `stamp`. Retries unprocessed
    /// rows for as long as it is polled.
    pub(crate) async fn write_rows(&self, rows: &[&Row], stamp: &str) -> Result<WrittenRows, Error> {
        let batches =
            split_into_put_batches(rows).map(|batch| write_batch(self.client, self.name, batch, stamp));
        let append = |mut all: WrittenRows, batch: WrittenRows| async move {
            all.refused.extend(batch.refused);
            all.write_units += batch.write_units;
            Ok(all)
        };
        let under_way = stream::iter(batches).buffer_unordered(WRITES_UNDER_WAY);
        under_way.try_fold(WrittenRows::default(), append).await
    }
}
