use restctl_contract::load::{LEDGER_KEY, LedgerEntry, LoadId};
use serde::Deserialize;
use serde_dynamo::Item;
use serde_json::json;

use crate::dynamodb::{Dynamodb, parse};
use crate::error::Error;

/// The key of the item that bears the greatest stamp of all loads that ever began. No load is called so.
const NEWEST: &str = "newest";
/// Its other attribute.
const STAMP: &str = "stamp";

/// The table that says what became of each load.
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
struct Newest {
    stamp: String,
}

impl<'a> Ledger<'a> {
    pub(crate) fn new(client: &'a Dynamodb, table: &'a str) -> Self {
        Self { client, table }
    }

    pub(crate) async fn entry(&self, load: &LoadId) -> Result<Option<LedgerEntry>, Error> {
        self.get(load.as_str()).await?.map(from_item).transpose()
    }

    pub(crate) async fn write(&self, entry: &LedgerEntry) -> Result<(), Error> {
        let item: Item = serde_dynamo::to_item(entry).map_err(|error| Error::answer("PutItem", error))?;
        self.put(&item).await
    }

    /// Notes that the load with this `stamp` begins; whether a newer one has begun before.
    pub(crate) async fn is_late(&self, stamp: &str) -> Result<bool, Error> {
        let newest = self.get(NEWEST).await?.map(from_item::<Newest>).transpose()?;
        if newest.is_some_and(|newest| *newest.stamp > *stamp) {
            return Ok(true);
        }
        let item = json!({ LEDGER_KEY: { "S": NEWEST }, STAMP: { "S": stamp } });
        self.put(&item).await?;
        Ok(false)
    }

    /// The entries of all loads that were uploaded later than the one with this `stamp`. Reads the whole ledger.
    pub(crate) async fn newer_than(&self, stamp: &str) -> Result<Vec<LedgerEntry>, Error> {
        let mut newer = Vec::new();
        let mut start: Option<Item> = None;
        loop {
            let mut request = json!({ "TableName": self.table, "ConsistentRead": true });
            if let Some(start) = &start {
                request["ExclusiveStartKey"] = json!(start);
            }
            let answer: ScanAnswer = self.call("Scan", &request).await?;
            let loads = answer.items.into_iter().filter(|item| item.get(STAMP).is_none());
            let entries = loads.map(from_item::<LedgerEntry>).collect::<Result<Vec<_>, _>>()?;
            newer.extend(entries.into_iter().filter(|entry| *entry.stamp() > *stamp));
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(newer);
            }
        }
    }

    async fn get(&self, key: &str) -> Result<Option<Item>, Error> {
        let request =
            json!({ "TableName": self.table, "ConsistentRead": true, "Key": { LEDGER_KEY: { "S": key } } });
        Ok(self.call::<GetAnswer>("GetItem", &request).await?.item)
    }

    async fn put(&self, item: &impl serde::Serialize) -> Result<(), Error> {
        let request = json!({ "TableName": self.table, "Item": item });
        self.call::<serde::de::IgnoredAny>("PutItem", &request).await?;
        Ok(())
    }

    async fn call<T: serde::de::DeserializeOwned>(
        &self,
        operation: &'static str,
        request: &serde_json::Value,
    ) -> Result<T, Error> {
        let answer = self.client.call(operation, request.to_string().into_bytes()).await?;
        parse(operation, &answer)
    }
}

/// An entry that another version of restctl wrote and that this one does not understand is an answer that cannot
/// be read.
fn from_item<T: serde::de::DeserializeOwned>(item: Item) -> Result<T, Error> {
    serde_dynamo::from_item(item).map_err(|error| Error::answer("GetItem", error))
}
