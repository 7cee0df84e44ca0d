mod batch_limits;
mod item_json;
mod row_outcome;
mod stored_item;

use std::collections::HashMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use restctl_contract::key::{Key, KeyType};
use restctl_rows::{Reject, Row};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{json, to_string};

use crate::dynamodb::{Dynamodb, parse};
use crate::error::Error;
pub(crate) use row_outcome::Verdict;
use row_outcome::verdict;
use stored_item::Stored;

/// Batches under way at a time; how many of them are in flight, the client's pace decides.
const WRITES_UNDER_WAY: usize = 32;
/// An answer may have 16 MB.
const READS_UNDER_WAY: usize = 8;

/// The table of items.
pub(crate) struct Table<'a> {
    client: &'a Dynamodb,
    name: &'a str,
    key: &'a Key,
}

/// What became of some rows that were to be written.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// The keys of those that the table refuses for good, and why.
    pub(crate) refused: Vec<(String, Reject)>,
    pub(crate) units: f64,
}

/// What the table has of some rows, each row's verdict in its place.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    pub(crate) verdicts: Vec<Verdict>,
    pub(crate) units: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WriteAnswer<'a> {
    #[serde(borrow, default)]
    unprocessed_items: HashMap<String, Vec<&'a RawValue>>,
    #[serde(default)]
    consumed_capacity: Vec<Capacity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReadAnswer<'a> {
    #[serde(borrow, default)]
    responses: HashMap<String, Vec<Stored<'a>>>,
    #[serde(borrow, default)]
    unprocessed_keys: HashMap<String, Keys<'a>>,
    #[serde(default)]
    consumed_capacity: Vec<Capacity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Keys<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

/// PutItem and Scan name one table, the batches a list.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SingleAnswer {
    #[serde(default)]
    count: u64,
    consumed_capacity: Option<Capacity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Capacity {
    #[serde(default)]
    capacity_units: f64,
}

impl<'a> Table<'a> {
    pub(crate) fn new(client: &'a Dynamodb, name: &'a str, key: &'a Key) -> Self {
        Self { client, name, key }
    }

    /// Whether there is no item at all, and the units that it cost to find out.
    pub(crate) async fn is_empty(&self) -> Result<(bool, f64), Error> {
        let request = json!({
            "TableName": self.name, "Limit": 1, "ConsistentRead": true, "ReturnConsumedCapacity": "TOTAL",
        });
        let answer = self.client.call("Scan", request.to_string().into_bytes()).await?;
        let answer: SingleAnswer = parse("Scan", &answer)?;
        Ok((answer.count == 0, answer.consumed_capacity.map_or(0.0, |capacity| capacity.capacity_units)))
    }

    /// Compares `rows`, no two of the same key, with what the table has. `stamp` is that of their load.
    pub(crate) async fn compare(&self, rows: &[Row], stamp: &str) -> Result<Compared, Error> {
        let batches = rows.chunks(batch_limits::MAX_KEYS).map(|batch| self.compare_batch(batch, stamp));
        let append = |mut all: Compared, batch: Compared| async move {
            all.verdicts.extend(batch.verdicts);
            all.units += batch.units;
            Ok(all)
        };
        stream::iter(batches).buffered(READS_UNDER_WAY).try_fold(Compared::default(), append).await
    }

    /// Writes `rows`, no two of the same key, as items of the load with this `stamp`. Tries for as long as it is polled.
    pub(crate) async fn write(&self, rows: &[&Row], stamp: &str) -> Result<Written, Error> {
        let batches = batch_limits::puts(rows).map(|batch| self.write_batch(batch, stamp));
        let append = |mut all: Written, batch: Written| async move {
            all.refused.extend(batch.refused);
            all.units += batch.units;
            Ok(all)
        };
        let under_way = stream::iter(batches).buffer_unordered(WRITES_UNDER_WAY);
        under_way.try_fold(Written::default(), append).await
    }

    async fn compare_batch(&self, batch: &[Row], stamp: &str) -> Result<Compared, Error> {
        const OPERATION: &str = "BatchGetItem";
        let places: HashMap<&str, usize> =
            batch.iter().enumerate().map(|(at, row)| (row.key(), at)).collect();
        let mut compared = Compared { verdicts: vec![Verdict::New; batch.len()], units: 0.0 };
        let mut keys = batch.iter().map(|row| self.key_of(row)).collect::<Vec<_>>().join(",");
        for attempt in 0.. {
            let request = format!(
                r#"{{"ReturnConsumedCapacity":"TOTAL","RequestItems":{{"{}":{{"ConsistentRead":true,"Keys":[{keys}]}}}}}}"#,
                self.name
            );
            let answer = self.client.call(OPERATION, request.into_bytes()).await?;
            let mut answer: ReadAnswer<'_> = parse(OPERATION, &answer)?;
            compared.units += answer.consumed_capacity.iter().map(|table| table.capacity_units).sum::<f64>();
            for item in answer.responses.remove(self.name).unwrap_or_default() {
                let place = item.key(&self.key.name).and_then(|key| places.get(&*key).copied());
                let place =
                    place.ok_or_else(|| Error::answer(OPERATION, "it has an item that was not asked for"))?;
                compared.verdicts[place] = verdict(&batch[place], &item, stamp);
            }
            let Some(left) = answer.unprocessed_keys.remove(self.name).filter(|left| !left.keys.is_empty())
            else {
                break;
            };
            keys = left.keys.iter().map(|key| key.get()).collect::<Vec<_>>().join(",");
            self.client.slow_down(attempt).await;
        }
        Ok(compared)
    }

    async fn write_batch(&self, batch: &[&Row], stamp: &str) -> Result<Written, Error> {
        const OPERATION: &str = "BatchWriteItem";
        let mut written = Written::default();
        let mut request = self.puts(batch.iter().map(|row| Put::Row(row, stamp)));
        for attempt in 0.. {
            let answer = match self.client.call(OPERATION, request).await {
                Ok(answer) => answer,
                Err(Error::Refused { .. }) => return self.write_singly(batch, stamp).await,
                Err(error) => return Err(error),
            };
            let mut answer: WriteAnswer<'_> = parse(OPERATION, &answer)?;
            written.units += answer.consumed_capacity.iter().map(|table| table.capacity_units).sum::<f64>();
            let left = answer.unprocessed_items.remove(self.name).unwrap_or_default();
            if left.is_empty() {
                break;
            }
            request = self.puts(left.into_iter().map(Put::Again));
            self.client.slow_down(attempt).await;
        }
        Ok(written)
    }

    /// One item can make DynamoDB refuse its whole batch without saying which one it was.
    async fn write_singly(&self, batch: &[&Row], stamp: &str) -> Result<Written, Error> {
        const OPERATION: &str = "PutItem";
        let mut written = Written::default();
        for row in batch {
            let mut request =
                format!(r#"{{"TableName":"{}","ReturnConsumedCapacity":"TOTAL","Item":"#, self.name)
                    .into_bytes();
            item_json::write(&mut request, row, stamp);
            request.push(b'}');
            match self.client.call(OPERATION, request).await {
                Ok(answer) => {
                    let answer: SingleAnswer = parse(OPERATION, &answer)?;
                    written.units += answer.consumed_capacity.map_or(0.0, |capacity| capacity.capacity_units);
                }
                Err(Error::Refused { message, .. }) => {
                    let reject = row.reject(format!("is refused by DynamoDB: {message}"));
                    written.refused.push((row.key().to_owned(), reject));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }

    fn puts<'b>(&self, puts: impl Iterator<Item = Put<'b>>) -> Vec<u8> {
        let mut body =
            format!(r#"{{"ReturnConsumedCapacity":"TOTAL","RequestItems":{{"{}":["#, self.name).into_bytes();
        for (index, put) in puts.enumerate() {
            if index > 0 {
                body.push(b',');
            }
            match put {
                Put::Row(row, stamp) => {
                    body.extend_from_slice(br#"{"PutRequest":{"Item":"#);
                    item_json::write(&mut body, row, stamp);
                    body.extend_from_slice(b"}}");
                }
                Put::Again(request) => body.extend_from_slice(request.get().as_bytes()),
            }
        }
        body.extend_from_slice(b"]}}");
        body
    }

    fn key_of(&self, row: &Row) -> String {
        let kind = match self.key.kind {
            KeyType::String => "S",
            KeyType::Number => "N",
        };
        // Names and texts always have a JSON notation.
        let text = |text: &str| to_string(text).unwrap_or_default();
        format!(r#"{{{}:{{"{kind}":{}}}}}"#, text(&self.key.name), text(row.key()))
    }
}

/// One request of a BatchWriteItem.
enum Put<'a> {
    /// A row, and the stamp of its load.
    Row(&'a Row, &'a str),
    /// As DynamoDB handed it back.
    Again(&'a RawValue),
}
