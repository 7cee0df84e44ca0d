//! The ledger, which records the state of each load.

use restctl_contract::load::{LEDGER_KEY, LedgerEntry, LoadId, is_ledger_entry};
use restctl_contract::remembered_dialect::RememberedDialect;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_dynamo::{AttributeValue, Item};
use serde_json::json;

use crate::dynamodb::{Dynamodb, parse_answer};
use crate::error::Error;

/// The key of the item with the greatest stamp of all loads that ever began. It is not a load id.
const NEWEST_LOAD: &str = "newest";
/// The other attribute of that item.
const NEWEST_STAMP: &str = "stamp";

/// The table with an entry for each load.
pub(crate) struct Ledger<'a> {
    client: &'a Dynamodb,
    table: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetAnswer {
    item: Option<Item>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ScanAnswer {
    #[serde(default)]
    items: Vec<Item>,
    last_evaluated_key: Option<Item>,
}

#[derive(Deserialize)]
struct NewestLoad {
    stamp: String,
}

impl<'a> Ledger<'a> {
    pub(crate) fn new(client: &'a Dynamodb, table: &'a str) -> Self {
        Self { client, table }
    }

    pub(crate) async fn read_entry(&self, load: &LoadId) -> Result<Option<LedgerEntry>, Error> {
        self.get_item(load.as_str()).await?.map(parse_item).transpose()
    }

    pub(crate) async fn write_entry(&self, entry: &LedgerEntry) -> Result<(), Error> {
        let item: Item =
            serde_dynamo::to_item(entry).map_err(|error| Error::failed_call("PutItem", self.table, error))?;
        self.put_item(&item).await
    }

    /// Records that the load with this `stamp` begins, and returns whether a newer load has begun before it.
    pub(crate) async fn record_start(&self, stamp: &str) -> Result<bool, Error> {
        let newest = self.get_item(NEWEST_LOAD).await?.map(parse_item::<NewestLoad>).transpose()?;
        if newest.is_some_and(|newest| *newest.stamp > *stamp) {
            return Ok(true);
        }
        let item = json!({ LEDGER_KEY: { "S": NEWEST_LOAD }, NEWEST_STAMP: { "S": stamp } });
        self.put_item(&item).await?;
        Ok(false)
    }

    /// Returns the entries of all loads whose files were uploaded later than that of the load with this `stamp`. Reads
    /// the whole ledger.
    pub(crate) async fn read_newer_entries(&self, stamp: &str) -> Result<Vec<LedgerEntry>, Error> {
        let mut newer = Vec::new();
        let mut start: Option<Item> = None;
        loop {
            let mut request = json!({ "TableName": self.table, "ConsistentRead": true });
            if let Some(start) = &start {
                request["ExclusiveStartKey"] = json!(start);
            }
            let answer: ScanAnswer = self.call_table("Scan", &request).await?;
            let loads = answer.items.into_iter().filter(|item| is_ledger_entry(item_key(item)));
            let entries = loads.map(parse_item::<LedgerEntry>).collect::<Result<Vec<_>, _>>()?;
            newer.extend(entries.into_iter().filter(|entry| *entry.stamp() > *stamp));
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(newer);
            }
        }
    }

    /// Returns how the last `restctl upload` of the object's name is read.
    pub(crate) async fn read_remembered_dialect(
        &self,
        object: &str,
    ) -> Result<Option<RememberedDialect>, Error> {
        self.get_item(&RememberedDialect::key_for(object)).await?.map(parse_item).transpose()
    }

    /// Remembers how an upload is read, unless a later upload of the same name is remembered already.
    pub(crate) async fn remember_dialect(&self, dialect: &RememberedDialect) -> Result<(), Error> {
        let last = self.get_item(&dialect.key).await?.map(parse_item::<RememberedDialect>).transpose()?;
        if last.is_some_and(|last| last.stamp > dialect.stamp) {
            return Ok(());
        }
        let item: Item = serde_dynamo::to_item(dialect)
            .map_err(|error| Error::failed_call("PutItem", self.table, error))?;
        self.put_item(&item).await
    }

    async fn get_item(&self, key: &str) -> Result<Option<Item>, Error> {
        let request =
            json!({ "TableName": self.table, "ConsistentRead": true, "Key": { LEDGER_KEY: { "S": key } } });
        Ok(self.call_table::<GetAnswer>("GetItem", &request).await?.item)
    }

    async fn put_item(&self, item: &impl Serialize) -> Result<(), Error> {
        let request = json!({ "TableName": self.table, "Item": item });
        self.call_table::<IgnoredAny>("PutItem", &request).await?;
        Ok(())
    }

    async fn call_table<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        request: &serde_json::Value,
    ) -> Result<T, Error> {
        let answer = self.client.call_with_retries(operation, request.to_string().into_bytes()).await?;
        parse_answer(operation, &answer)
    }
}

fn item_key(item: &Item) -> &str {
    match item.get(LEDGER_KEY) {
        Some(AttributeValue::S(key)) => key,
        _ => "",
    }
}

/// Fails if another version of restctl wrote the item in a form that this one does not know.
fn parse_item<T: DeserializeOwned>(item: Item) -> Result<T, Error> {
    serde_dynamo::from_item(item).map_err(|error| Error::unreadable_answer("GetItem", error))
}

#[cfg(test)]
mod tests {
    use restctl_testkit::small_stack::run_on_small_stack;

    use super::*;

    #[test]
    fn deep_entries_need_little_stack() {
        run_on_small_stack(|| {
            for (open, close) in [("{\"L\":[", "]}"), ("{\"M\":{\"a\":", "}}")] {
                let answer = |levels: usize| {
                    let (open, close) = (open.repeat(levels), close.repeat(levels));
                    format!("{{\"Item\":{{\"receipt\":{open}{{\"S\":\"\"}}{close}}}}}")
                };
                // DynamoDB keeps at most 32 levels.
                let deepest: GetAnswer = serde_json::from_str(&answer(32)).unwrap();
                assert!(parse_item::<LedgerEntry>(deepest.item.unwrap()).is_err());
                assert!(serde_json::from_str::<GetAnswer>(&answer(100_000)).is_err());
            }
        });
    }
}
