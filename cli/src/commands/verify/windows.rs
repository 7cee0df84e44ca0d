//! The rows to compare, in windows of as many as one call of the API may ask for.

use futures_util::stream::{self, Stream};
use restctl_contract::api::MAX_IDS_PER_CALL;
use restctl_rows::{Reject, Row};

use super::records::Records;
use crate::data_file::external_sort::Sorted;
use crate::failure::{FailureContext, Result};

/// What the rows of a window may have together, as DynamoDB counts the size of items.
const MAX_ROWS_BYTES: usize = 4 * 1024 * 1024;

/// What their ids may have as JSON: half of an answer, so that the other half is left to items.
const MAX_IDS_BYTES: usize = restctl_contract::api::MAX_ANSWER_BYTES / 2;

pub(super) struct Windows<'a> {
    records: Records<'a>,
    /// Read, but in no window yet.
    read: std::vec::IntoIter<Result<Row, Reject>>,
    /// The number of the next record.
    number: u64,
    /// The numbers of the records to compare.
    last: Sorted<1>,
    wanted: Option<u64>,
}

impl<'a> Windows<'a> {
    pub(super) fn of(records: Records<'a>, mut last: Sorted<1>) -> Result<Self> {
        let wanted = next(&mut last)?;
        Ok(Self { records, read: Vec::new().into_iter(), number: 0, last, wanted })
    }

    pub(super) fn stream(self) -> impl Stream<Item = Result<Vec<Row>>> {
        stream::try_unfold(self, |mut windows| async move {
            let window = windows.next().await?;
            Ok((!window.is_empty()).then_some((window, windows)))
        })
    }

    async fn next(&mut self) -> Result<Vec<Row>> {
        let (mut rows, mut rows_bytes, mut ids_bytes) = (Vec::new(), 0, 0);
        while rows.len() < MAX_IDS_PER_CALL && rows_bytes < MAX_ROWS_BYTES && ids_bytes < MAX_IDS_BYTES {
            let Some(row) = self.row().await? else { break };
            rows_bytes += row.bytes;
            ids_bytes += serde_json::Value::from(row.key()).to_string().len() + 1;
            rows.push(row);
        }
        Ok(rows)
    }

    /// The next row to compare.
    async fn row(&mut self) -> Result<Option<Row>> {
        while self.wanted.is_some() {
            for record in self.read.by_ref() {
                let is_wanted = self.wanted == Some(self.number);
                self.number += 1;
                if is_wanted {
                    self.wanted = next(&mut self.last)?;
                    // A reject has no key, unless the file has changed.
                    if let Ok(row) = record {
                        return Ok(Some(row));
                    }
                }
            }
            match self.records.next().await? {
                Some(records) => self.read = records.into_iter(),
                None => return Ok(None),
            }
        }
        Ok(None)
    }
}

fn next(last: &mut Sorted<1>) -> Result<Option<u64>> {
    Ok(last.next().context(super::KEYS_ON_DISK)?.map(|[record]| record))
}
