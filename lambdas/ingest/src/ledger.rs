use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use restctl_contract::load::{LEDGER_KEY, LedgerEntry, LoadId, LoadState};

use crate::error::Error;

const NEWS_EVERY: Duration = Duration::from_secs(1);

/// The table that says what became of each load.
pub(crate) struct Ledger<'a> {
    client: &'a Client,
    table: &'a str,
    written: Option<Instant>,
}

impl<'a> Ledger<'a> {
    pub(crate) fn new(client: &'a Client, table: &'a str) -> Self {
        Self { client, table, written: None }
    }

    /// Whether nothing is left to do about `load`.
    pub(crate) async fn is_settled(&self, load: &LoadId) -> Result<bool, Error> {
        let key = AttributeValue::S(load.to_string());
        let get = self.client.get_item().table_name(self.table).key(LEDGER_KEY, key).consistent_read(true);
        let got = get.send().await.map_err(|error| Error::service("GetItem", self.table, error))?;
        let Some(item) = got.item else { return Ok(false) };
        let entry: LedgerEntry = serde_dynamo::aws_sdk_dynamodb_1::from_item(item)
            .map_err(|source| Error::Ledger { load: load.to_string(), source })?;
        Ok(entry.state != LoadState::Loading)
    }

    pub(crate) async fn write(&mut self, entry: &LedgerEntry) -> Result<(), Error> {
        let item = serde_dynamo::aws_sdk_dynamodb_1::to_item(entry)
            .map_err(|source| Error::Ledger { load: entry.load.to_string(), source })?;
        let put = self.client.put_item().table_name(self.table).set_item(Some(item));
        put.send().await.map_err(|error| Error::service("PutItem", self.table, error))?;
        self.written = Some(Instant::now());
        Ok(())
    }

    /// Writes the entry unless that has just been done: whoever waits for the load looks about as often.
    pub(crate) async fn keep_up(&mut self, entry: &LedgerEntry) -> Result<(), Error> {
        match self.written {
            Some(written) if written.elapsed() < NEWS_EVERY => Ok(()),
            _ => self.write(entry).await,
        }
    }
}
