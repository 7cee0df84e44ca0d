mod item;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use futures_util::{StreamExt, TryStreamExt, stream};
use restctl_rows::{Reject, Row};

use crate::error::Error;

const MAX_PUTS: usize = 25;
/// As DynamoDB counts the size of items. A request may have 16 MB, and the JSON around a null or a boolean of
/// one byte makes ten of it.
const MAX_BATCH_BYTES: usize = 1_500_000;
const BATCHES_IN_FLIGHT: usize = 8;

const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Where the rows of one load become items.
pub(crate) struct Table<'a> {
    client: &'a Client,
    name: &'a str,
    written_by: String,
}

impl<'a> Table<'a> {
    pub(crate) fn new(client: &'a Client, name: &'a str, written_by: String) -> Self {
        Self { client, name, written_by }
    }

    /// Writes all of `rows`, no two of the same key, and returns those that the table refuses for good. Tries
    /// for as long as it is polled.
    pub(crate) async fn write(&self, rows: &[Row]) -> Result<Vec<Reject>, Error> {
        let batches = stream::iter(batches(rows)).map(|batch| self.write_batch(batch));
        batches.buffer_unordered(BATCHES_IN_FLIGHT).try_concat().await
    }

    async fn write_batch(&self, batch: &[Row]) -> Result<Vec<Reject>, Error> {
        let mut requests = batch.iter().map(|row| self.put_request(row)).collect::<Result<Vec<_>, _>>()?;
        for attempt in 0.. {
            let items = HashMap::from([(self.name.to_owned(), requests)]);
            let answer = match self.client.batch_write_item().set_request_items(Some(items)).send().await {
                Ok(answer) => answer,
                Err(error) if is_refused(&error) => return self.write_singly(batch).await,
                Err(error) => return Err(Error::service("BatchWriteItem", self.name, error)),
            };
            let left = answer.unprocessed_items.and_then(|mut tables| tables.remove(self.name));
            requests = left.unwrap_or_default();
            if requests.is_empty() {
                break;
            }
            tokio::time::sleep(backoff(attempt)).await;
        }
        Ok(Vec::new())
    }

    /// One item can make DynamoDB refuse its whole batch without saying which one it was.
    async fn write_singly(&self, batch: &[Row]) -> Result<Vec<Reject>, Error> {
        let mut rejects = Vec::new();
        for row in batch {
            let item = item::item(row, &self.written_by);
            match self.client.put_item().table_name(self.name).set_item(Some(item)).send().await {
                Ok(_) => {}
                Err(error) if is_refused(&error) => {
                    let words = error.message().unwrap_or("without a reason");
                    rejects.push(row.reject(format!("is refused by DynamoDB: {words}")));
                }
                Err(error) => return Err(Error::service("PutItem", self.name, error)),
            }
        }
        Ok(rejects)
    }

    fn put_request(&self, row: &Row) -> Result<WriteRequest, Error> {
        let put = PutRequest::builder().set_item(Some(item::item(row, &self.written_by))).build();
        let put = put.map_err(|error| Error::service("BatchWriteItem", self.name, error))?;
        Ok(WriteRequest::builder().put_request(put).build())
    }
}

/// Exponential, with full jitter.
fn backoff(attempt: u32) -> Duration {
    let longest = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(attempt)).min(LONGEST_WAIT);
    longest.mul_f64(RandomState::new().hash_one(attempt) as f64 / u64::MAX as f64)
}

fn is_refused(error: &impl ProvideErrorMetadata) -> bool {
    error.code() == Some("ValidationException")
}

/// Runs of rows, each of which fits into one BatchWriteItem.
fn batches(mut rows: &[Row]) -> impl Iterator<Item = &[Row]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |row: &&Row| {
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

    fn rows(number: usize, bytes: usize) -> Vec<Row> {
        vec![Row { line: 0, key: String::new(), values: Vec::new(), bytes }; number]
    }

    fn sizes(rows: &[Row]) -> Vec<usize> {
        batches(rows).map(<[Row]>::len).collect()
    }

    #[test]
    fn batches_have_25_rows_and_fit_into_a_request() {
        assert_eq!(sizes(&rows(60, 100)), [25, 25, 10]);
        assert_eq!(sizes(&rows(7, 400_000)), [3, 3, 1]);
        assert_eq!(sizes(&rows(2, MAX_BATCH_BYTES + 1)), [1, 1]);
        assert_eq!(sizes(&[]), [0; 0]);
    }
}
