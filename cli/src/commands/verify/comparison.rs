//! Compares the rows of a window with the items of the table and of the API.

use std::cell::Cell;
use std::time::Duration;

use futures_util::future::try_join;
use restctl_contract::key::WRITTEN_BY;
use restctl_rows::Row;
use tokio::time::sleep;

use super::api_items::ApiItems;
use super::difference::find_difference;
use super::finding::{ItemVerdict, KeyFinding, WriterLoad};
use super::item_value;
use crate::aws::dynamodb::items::{Items, MAX_KEYS};
use crate::failure::Result;

/// The API's reads are eventually consistent: they may return old values, "usually" for no longer than this ("DynamoDB
/// read consistency", Amazon DynamoDB Developer Guide).
const CONSISTENCY_LAG: Duration = Duration::from_secs(1);

/// The most windows whose late rows are read again. An API that still differs after that is wrong.
const MAX_RECHECKS: u32 = 20;

pub(super) struct Comparer<'a> {
    items: &'a Items<'a>,
    api_items: &'a ApiItems<'a>,
    rechecks_left: Cell<u32>,
}

pub(super) struct ComparedWindow {
    pub(super) rows: u64,
    /// One for each row that is not equal everywhere.
    pub(super) findings: Vec<KeyFinding>,
}

impl<'a> Comparer<'a> {
    pub(super) fn new(items: &'a Items<'a>, api_items: &'a ApiItems<'a>) -> Self {
        Self { items, api_items, rechecks_left: Cell::new(MAX_RECHECKS) }
    }

    pub(super) async fn compare_window(&self, rows: Vec<Row>) -> Result<ComparedWindow> {
        let all: Vec<&Row> = rows.iter().collect();
        let (table, mut api) = try_join(self.compare_with_table(&rows), self.compare_with_api(&all)).await?;
        self.recheck_late_rows(&rows, &table, &mut api).await?;
        let verdicts = rows.iter().zip(table).zip(api);
        let findings = verdicts.filter_map(|((row, (table, load)), api)| {
            if (&table, &api) == (&ItemVerdict::Equal, &ItemVerdict::Equal) {
                return None;
            }
            let key = row.key().to_owned();
            Some(KeyFinding { key, line: Some(row.line), table, api: Some(api), load })
        });
        Ok(ComparedWindow { rows: rows.len() as u64, findings: findings.collect() })
    }

    async fn compare_with_table(&self, rows: &[Row]) -> Result<Vec<(ItemVerdict, Option<WriterLoad>)>> {
        let mut verdicts = Vec::with_capacity(rows.len());
        for batch in rows.chunks(MAX_KEYS) {
            let keys: Vec<&str> = batch.iter().map(Row::key).collect();
            let mut items = self.items.get(&keys).await?;
            verdicts.extend(batch.iter().map(|row| {
                let Some(mut item) = items.remove(row.key()) else { return (ItemVerdict::Missing, None) };
                let load = item.remove(WRITTEN_BY).as_ref().and_then(WriterLoad::from_stamp);
                match find_difference(row, item_value::from_attributes(item)) {
                    None => (ItemVerdict::Equal, load),
                    Some(difference) => (ItemVerdict::Different(difference), load),
                }
            }));
        }
        Ok(verdicts)
    }

    async fn compare_with_api(&self, rows: &[&Row]) -> Result<Vec<ItemVerdict>> {
        let keys: Vec<&str> = rows.iter().map(|row| row.key()).collect();
        let mut items = self.api_items.get_items(&keys).await?;
        let verdicts = rows.iter().map(|row| {
            let Some(item) = items.remove(row.key()) else { return ItemVerdict::Missing };
            find_difference(row, item_value::from_api_item(item))
                .map_or(ItemVerdict::Equal, ItemVerdict::Different)
        });
        Ok(verdicts.collect())
    }

    /// Asks the API again for the rows that are equal in the table and not in the API.
    async fn recheck_late_rows(
        &self,
        rows: &[Row],
        table: &[(ItemVerdict, Option<WriterLoad>)],
        api: &mut [ItemVerdict],
    ) -> Result<()> {
        let late = |index: &usize| table[*index].0 == ItemVerdict::Equal && api[*index] != ItemVerdict::Equal;
        let late: Vec<usize> = (0..rows.len()).filter(late).collect();
        if late.is_empty() || self.rechecks_left.get() == 0 {
            return Ok(());
        }
        self.rechecks_left.set(self.rechecks_left.get() - 1);
        sleep(CONSISTENCY_LAG).await;
        let late_rows: Vec<&Row> = late.iter().map(|index| &rows[*index]).collect();
        for (index, verdict) in late.into_iter().zip(self.compare_with_api(&late_rows).await?) {
            api[index] = verdict;
        }
        Ok(())
    }
}
