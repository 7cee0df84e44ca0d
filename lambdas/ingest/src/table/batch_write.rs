//! Writing rows as items, by BatchWriteItem, or by PutItem for a batch that has an invalid item.

use std::collections::HashMap;

use restctl_rows::{Reject, Row};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::capacity::{ConsumedCapacity, sum_units};
use super::item_json::write_item;
use crate::dynamodb::{Dynamodb, parse_answer};
use crate::error::Error;

/// The result of writing rows.
#[derive(Debug, Default)]
pub(crate) struct WrittenRows {
    /// The rows that the table refuses, by key.
    pub(crate) refused: Vec<(String, Reject)>,
    pub(crate) write_units: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BatchWriteAnswer<'a> {
    #[serde(borrow, default)]
    unprocessed_items: HashMap<String, Vec<&'a RawValue>>,
    #[serde(default)]
    consumed_capacity: Vec<ConsumedCapacity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutAnswer {
    consumed_capacity: Option<ConsumedCapacity>,
}

/// One request of a BatchWriteItem.
enum PutRequest<'a> {
    Row {
        row: &'a Row,
        stamp: &'a str,
    },
    /// A request as DynamoDB gave it back.
    Unprocessed(&'a RawValue),
}

/// Writes rows that fit into one BatchWriteItem into `table`.
pub(super) async fn write_batch(
    client: &Dynamodb,
    table: &str,
    batch: &[&Row],
    stamp: &str,
) -> Result<WrittenRows, Error> {
    const OPERATION: &str = "BatchWriteItem";
    let mut written = WrittenRows::default();
    let mut request = batch_json(table, batch.iter().map(|row| PutRequest::Row { row, stamp }));
    for attempt in 0.. {
        let body = match client.call_with_retries(OPERATION, request).await {
            Ok(body) => body,
            Err(Error::InvalidRequest { .. }) => return write_one_by_one(client, table, batch, stamp).await,
            Err(error) => return Err(error),
        };
        let mut answer: BatchWriteAnswer<'_> = parse_answer(OPERATION, &body)?;
        written.write_units += sum_units(&answer.consumed_capacity);
        let unprocessed = answer.unprocessed_items.remove(table).unwrap_or_default();
        if unprocessed.is_empty() {
            break;
        }
        request = batch_json(table, unprocessed.into_iter().map(PutRequest::Unprocessed));
        drop(body);
        client.wait_after_unprocessed(attempt).await;
    }
    Ok(written)
}

/// Finds the invalid item: DynamoDB refuses its whole batch and does not say which item it is.
async fn write_one_by_one(
    client: &Dynamodb,
    table: &str,
    batch: &[&Row],
    stamp: &str,
) -> Result<WrittenRows, Error> {
    const OPERATION: &str = "PutItem";
    let mut written = WrittenRows::default();
    for row in batch {
        let mut request =
            format!(r#"{{"TableName":"{table}","ReturnConsumedCapacity":"TOTAL","Item":"#).into_bytes();
        write_item(&mut request, row, stamp);
        request.push(b'}');
        match client.call_with_retries(OPERATION, request).await {
            Ok(answer) => {
                let answer: PutAnswer = parse_answer(OPERATION, &answer)?;
                written.write_units += sum_units(answer.consumed_capacity.as_slice());
            }
            Err(Error::InvalidRequest { message, .. }) => {
                let reject = row.to_reject(format!("is refused by DynamoDB: {message}"));
                written.refused.push((row.key().to_owned(), reject));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}

fn batch_json<'a>(table: &str, puts: impl Iterator<Item = PutRequest<'a>>) -> Vec<u8> {
    let mut body = format!(r#"{{"ReturnConsumedCapacity":"TOTAL","RequestItems":{{"{table}":["#).into_bytes();
    for (index, put) in puts.enumerate() {
        if index > 0 {
            body.push(b',');
        }
        match put {
            PutRequest::Row { row, stamp } => {
                body.extend_from_slice(br#"{"PutRequest":{"Item":"#);
                write_item(&mut body, row, stamp);
                body.extend_from_slice(b"}}");
            }
            PutRequest::Unprocessed(request) => body.extend_from_slice(request.get().as_bytes()),
        }
    }
    body.extend_from_slice(b"]}}");
    body
}
