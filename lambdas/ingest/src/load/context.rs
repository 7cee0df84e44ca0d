use std::time::Duration;

use restctl_contract::key::Key;

use crate::dynamodb::Dynamodb;
use crate::ledger::Ledger;
use crate::source::WindowSize;
use crate::table::ItemsTable;

/// The clients, tables and limits that all loads share.
pub(crate) struct LoadContext {
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) dynamodb: Dynamodb,
    pub(crate) items_table: String,
    pub(crate) ledger_table: String,
    pub(crate) key: Key,
    /// Whether read units are computed, because the endpoint does not count them as AWS does.
    pub(crate) estimates_units: bool,
    pub(crate) window_size: WindowSize,
    pub(crate) cadence: LedgerCadence,
}

/// How often a load reports to the ledger.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LedgerCadence {
    /// The time between two reports; `restctl` reads them about as often.
    pub(crate) progress: Duration,
    /// The time between two checkpoints while there are rejects, since each one puts an object into the bucket.
    pub(crate) rejects: Duration,
}

impl Default for LedgerCadence {
    fn default() -> Self {
        Self { progress: Duration::from_secs(1), rejects: Duration::from_secs(30) }
    }
}

impl LoadContext {
    pub(super) fn items_table(&self) -> ItemsTable<'_> {
        ItemsTable::new(&self.dynamodb, &self.items_table, &self.key, self.estimates_units)
    }

    pub(super) fn ledger(&self) -> Ledger<'_> {
        Ledger::new(&self.dynamodb, &self.ledger_table)
    }
}
