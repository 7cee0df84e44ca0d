//! The rows to compare, in windows that fit into one call of the API.

use futures_util::stream::{self, Stream};
use restctl_contract::api::MAX_IDS_PER_CALL;
use restctl_contract::json::Json;
use restctl_rows::{Reject, Row};

use super::keys::KEYS_ON_DISK;
use super::records::RecordReader;
use crate::data_file::external_sort::SortedRecords;
use crate::failure::{FailureContext, Result};

/// The bytes of rows at which a window is full, as DynamoDB counts the size of items.
const MAX_ROWS_BYTES: usize = 4 * 1024 * 1024;

/// The bytes of ids in JSON at which a window is full: half of an answer, so that the other half is left for items.
const MAX_IDS_BYTES: usize = restctl_contract::api::MAX_ANSWER_BYTES / 2;

pub(super) struct RowWindows<'a> {
    records: RecordReader<'a>,
    /// Records that were read but are not in a window yet.
    unused: std::vec::IntoIter<Result<Row, Reject>>,
    /// The number of the next record.
    number: u64,
    /// The numbers of the records to compare after `next_wanted`.
    wanted: SortedRecords<1>,
    next_wanted: Option<u64>,
}

impl<'a> RowWindows<'a> {
    pub(super) fn new(records: RecordReader<'a>, mut wanted: SortedRecords<1>) -> Result<Self> {
        let next_wanted = next_number(&mut wanted)?;
        Ok(Self { records, unused: Vec::new().into_iter(), number: 0, wanted, next_wanted })
    }

    pub(super) fn into_stream(self) -> impl Stream<Item = Result<Vec<Row>>> {
        stream::try_unfold(self, |mut windows| async move {
            let window = windows.next_window().await?;
            Ok((!window.is_empty()).then_some((window, windows)))
        })
    }

    async fn next_window(&mut self) -> Result<Vec<Row>> {
        let (mut rows, mut rows_bytes, mut ids_bytes) = (Vec::new(), 0, 0);
        while rows.len() < MAX_IDS_PER_CALL && rows_bytes < MAX_ROWS_BYTES && ids_bytes < MAX_IDS_BYTES {
            let Some(row) = self.next_row().await? else { break };
            rows_bytes += row.bytes;
            ids_bytes += Json::from(row.key()).to_string().len() + 1;
            rows.push(row);
        }
        Ok(rows)
    }

    /// Returns the next row to compare, or `None` after the last one.
    async fn next_row(&mut self) -> Result<Option<Row>> {
        while self.next_wanted.is_some() {
            for record in self.unused.by_ref() {
                let is_wanted = self.next_wanted == Some(self.number);
                self.number += 1;
                if is_wanted {
                    self.next_wanted = next_number(&mut self.wanted)?;
                    // A reject has no key, unless the file has changed.
                    if let Ok(row) = record {
                        return Ok(Some(row));
                    }
                }
            }
            match self.records.next_batch().await? {
                Some(records) => self.unused = records.into_iter(),
                None => return Ok(None),
            }
        }
        Ok(None)
    }
}

fn next_number(wanted: &mut SortedRecords<1>) -> Result<Option<u64>> {
    Ok(wanted.next().context_of_temporary_file(KEYS_ON_DISK)?.map(|[record]| record))
}
