//! The rows of a window with the items of the table and of the API.

use futures_util::future::try_join;
use restctl_contract::key::WRITTEN_BY;
use restctl_rows::Row;

use super::answers::Answers;
use super::finding::{Finding, Verdict, Writer};
use super::{difference, found};
use crate::aws::items::{Items, MAX_KEYS};
use crate::failure::Result;

pub(super) struct Comparison<'a> {
    pub(super) items: &'a Items<'a>,
    pub(super) answers: &'a Answers<'a>,
}

pub(super) struct Compared {
    pub(super) rows: u64,
    /// Of those rows that are not equal everywhere.
    pub(super) findings: Vec<Finding>,
}

impl Comparison<'_> {
    pub(super) async fn of(&self, rows: Vec<Row>) -> Result<Compared> {
        let (table, api) = try_join(self.with_table(&rows), self.with_api(&rows)).await?;
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

    async fn with_api(&self, rows: &[Row]) -> Result<Vec<Verdict>> {
        let keys: Vec<&str> = rows.iter().map(Row::key).collect();
        let mut items = self.answers.get(&keys).await?;
        let verdicts = rows.iter().map(|row| {
            let Some(item) = items.remove(row.key()) else { return Verdict::Missing };
            difference::between(row, found::in_answer(item)).map_or(Verdict::Equal, Verdict::Different)
        });
        Ok(verdicts.collect())
    }
}
