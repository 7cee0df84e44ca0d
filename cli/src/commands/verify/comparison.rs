//! The rows of a window with the items of the table and of the API.

use std::cell::Cell;
use std::time::Duration;

use futures_util::future::try_join;
use restctl_contract::key::WRITTEN_BY;
use restctl_rows::Row;
use tokio::time::sleep;

use super::answers::Answers;
use super::finding::{Finding, Verdict, Writer};
use super::{difference, found};
use crate::aws::dynamodb::items::{Items, MAX_KEYS};
use crate::failure::Result;

/// The API reads eventually: what was written a moment ago may be answered as it was before, "usually" for no longer than
/// this ("DynamoDB read consistency", Amazon DynamoDB Developer Guide).
const LAG: Duration = Duration::from_secs(1);

/// Windows of which such rows are asked for again: an API that is wrong for longer is wrong.
const SECOND_LOOKS: u32 = 20;

pub(super) struct Comparison<'a> {
    items: &'a Items<'a>,
    answers: &'a Answers<'a>,
    second_looks: Cell<u32>,
}

pub(super) struct Compared {
    pub(super) rows: u64,
    /// Of those rows that are not equal everywhere.
    pub(super) findings: Vec<Finding>,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(items: &'a Items<'a>, answers: &'a Answers<'a>) -> Self {
        Self { items, answers, second_looks: Cell::new(SECOND_LOOKS) }
    }

    pub(super) async fn of(&self, rows: Vec<Row>) -> Result<Compared> {
        let all: Vec<&Row> = rows.iter().collect();
        let (table, mut api) = try_join(self.with_table(&rows), self.with_api(&all)).await?;
        self.look_again(&rows, &table, &mut api).await?;
        let verdicts = rows.iter().zip(table).zip(api);
        let findings = verdicts.filter_map(|((row, (table, load)), api)| {
            if (&table, &api) == (&Verdict::Equal, &Verdict::Equal) {
                return None;
            }
            let key = row.key().to_owned();
            Some(Finding { key, line: Some(row.line), table, api: Some(api), load })
        });
        Ok(Compared { rows: rows.len() as u64, findings: findings.collect() })
    }

    async fn with_table(&self, rows: &[Row]) -> Result<Vec<(Verdict, Option<Writer>)>> {
        let mut verdicts = Vec::with_capacity(rows.len());
        for batch in rows.chunks(MAX_KEYS) {
            let keys: Vec<&str> = batch.iter().map(Row::key).collect();
            let mut items = self.items.get(&keys).await?;
            verdicts.extend(batch.iter().map(|row| {
                let Some(mut item) = items.remove(row.key()) else { return (Verdict::Missing, None) };
                let load = item.remove(WRITTEN_BY).as_ref().and_then(Writer::of);
                match difference::between(row, found::in_table(item)) {
                    None => (Verdict::Equal, load),
                    Some(difference) => (Verdict::Different(difference), load),
                }
            }));
        }
        Ok(verdicts)
    }

    async fn with_api(&self, rows: &[&Row]) -> Result<Vec<Verdict>> {
        let keys: Vec<&str> = rows.iter().map(|row| row.key()).collect();
        let mut items = self.answers.get(&keys).await?;
        let verdicts = rows.iter().map(|row| {
            let Some(item) = items.remove(row.key()) else { return Verdict::Missing };
            difference::between(row, found::in_answer(item)).map_or(Verdict::Equal, Verdict::Different)
        });
        Ok(verdicts.collect())
    }

    /// At those rows that the table has as the file does, and the API has not.
    async fn look_again(
        &self,
        rows: &[Row],
        table: &[(Verdict, Option<Writer>)],
        api: &mut [Verdict],
    ) -> Result<()> {
        let late = |index: &usize| table[*index].0 == Verdict::Equal && api[*index] != Verdict::Equal;
        let late: Vec<usize> = (0..rows.len()).filter(late).collect();
        if late.is_empty() || self.second_looks.get() == 0 {
            return Ok(());
        }
        self.second_looks.set(self.second_looks.get() - 1);
        sleep(LAG).await;
        let late_rows: Vec<&Row> = late.iter().map(|index| &rows[*index]).collect();
        for (index, verdict) in late.into_iter().zip(self.with_api(&late_rows).await?) {
            api[index] = verdict;
        }
        Ok(())
    }
}
