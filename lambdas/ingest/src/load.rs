mod begin;
mod count;
mod restamp;
mod run;
mod settle;

use std::time::Duration;

use restctl_contract::key::Key;
use restctl_contract::load::{LedgerEntry, LoadId, Position, Receipt};
use tokio::time::Instant;
use tracing::Span;

use crate::dynamodb::Dynamodb;
use crate::error::Error;
use crate::ledger::Ledger;
use crate::message::{Deadline, ObjectCreated, Queue};
use crate::rejects::Rejects;
use crate::source::{Object, WindowSize};
use crate::stop::Stop;
use crate::table::Table;
use begin::Begun;

/// What every load needs.
pub(crate) struct Ingest {
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) dynamodb: Dynamodb,
    pub(crate) queue: Queue,
    pub(crate) items_table: String,
    pub(crate) ledger_table: String,
    pub(crate) key: Key,
    pub(crate) window_size: WindowSize,
    pub(crate) cadence: Cadence,
}

/// How often the ledger hears of a load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cadence {
    /// Whoever waits for the load looks about as often.
    pub(crate) news: Duration,
    /// While there are rejects a checkpoint needs an object in the bucket, so it is made more seldom.
    pub(crate) rejects: Duration,
}

impl Default for Cadence {
    fn default() -> Self {
        Self { news: Duration::from_secs(1), rejects: Duration::from_secs(30) }
    }
}

/// Where an invocation has brought a load.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    /// It is in the ledger as loaded, or as failed for good: nothing is left to do.
    Settled,
    /// Time was short; it goes on in the next invocation.
    Continues,
    /// It failed for a reason that may pass, for the nth time since it last came any further.
    Rests(u32),
    /// It has failed so too often.
    Stopped,
}

/// How far the rows have been read.
enum Reached {
    End,
    /// As far as time allowed.
    Checkpoint,
}

/// Loads the object, unless that has been done, for as long as the invocation lasts.
pub(crate) async fn run(
    ingest: &Ingest,
    created: &ObjectCreated,
    deadline: Deadline,
) -> Result<Outcome, Error> {
    let (version, found) = match &created.version {
        Some(version) => (version.clone(), None),
        None => {
            let current = Object::find(&ingest.s3, &created.bucket, &created.key, None).await?;
            (current.as_ref().map_or(&*created.etag, Object::version).to_owned(), current)
        }
    };
    let span = Span::current();
    span.record("load", LoadId::of(&created.key, &version).as_str()).record("object", &*created.key);
    let (entry, late) = match begin::begin(ingest, created, &version).await? {
        Begun::Load { entry, late } => (entry, late),
        Begun::Settled => return Ok(Outcome::Settled),
        Begun::Stopped => return Ok(Outcome::Stopped),
    };
    let mut load = Load::new(ingest, &created.bucket, *entry);
    let work = async {
        let object = match found {
            Some(object) => Some(object),
            None => {
                Object::find(&ingest.s3, &created.bucket, &created.key, created.version.as_deref()).await?
            }
        };
        load.work(&object.ok_or_else(Stop::object_gone)?, late, deadline).await
    };
    let reached = tokio::time::timeout(deadline.left(), work).await.unwrap_or(Err(Error::OutOfTime.into()));
    Ok(load.settle(reached).await)
}

struct Load<'a> {
    ingest: &'a Ingest,
    bucket: &'a str,
    table: Table<'a>,
    ledger: Ledger<'a>,
    /// As the ledger has it: its position and its receipt tell of what is safe.
    entry: LedgerEntry,
    stamp: String,
    /// As far as this attempt has come.
    position: Position,
    receipt: Receipt,
    rejects: Rejects,
    /// An attempt broke off, so some rows behind the entry's position may have been written: it has to look.
    resumed: bool,
    /// When the ledger last heard of it, and when of a new position.
    told: Instant,
    checkpoint: Instant,
}

impl<'a> Load<'a> {
    fn new(ingest: &'a Ingest, bucket: &'a str, entry: LedgerEntry) -> Self {
        let now = Instant::now();
        Self {
            ingest,
            bucket,
            table: ingest.table(),
            ledger: ingest.ledger(),
            stamp: entry.stamp(),
            position: entry.position,
            receipt: entry.receipt,
            rejects: Rejects::after(entry.reject_parts),
            resumed: entry.attempts > 1,
            entry,
            told: now,
            checkpoint: now,
        }
    }

    async fn work(&mut self, object: &Object, late: bool, deadline: Deadline) -> Result<Reached, Stop> {
        if late && let Reached::Checkpoint = self.confirm_newer_loads(deadline).await? {
            return Ok(Reached::Checkpoint);
        }
        if self.position == Position::START {
            self.look_for_items().await?;
        }
        let reached = self.read(object, deadline).await?;
        if let Reached::End = reached {
            self.tell_duplicates(object.duplicates());
        }
        Ok(reached)
    }

    async fn look_for_items(&mut self) -> Result<(), Error> {
        let (empty, units) = self.table.is_empty().await?;
        self.receipt.read_units += units;
        self.entry.blind = empty || self.entry.blind && self.resumed;
        self.resumed &= !empty;
        self.ledger.write(&self.entry).await
    }
}

impl Ingest {
    fn table(&self) -> Table<'_> {
        Table::new(&self.dynamodb, &self.items_table, &self.key)
    }

    fn ledger(&self) -> Ledger<'_> {
        Ledger::new(&self.dynamodb, &self.ledger_table)
    }
}
