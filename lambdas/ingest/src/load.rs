use restctl_contract::key::Key;
use restctl_contract::load::{LedgerEntry, LoadId, LoadState, Position, Receipt, rejects_key};
use restctl_rows::{ColumnTypes, Format, Parser, Reject, Row, Unreadable};
use tracing::{info, warn};

use crate::error::Error;
use crate::event::ObjectCreated;
use crate::ledger::Ledger;
use crate::object::{self, Content, Object};
use crate::queue::Queue;
use crate::rejects::Rejects;
use crate::table::Table;
use crate::window::Window;

/// What every load needs.
pub(crate) struct Ingest {
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) queue: Queue,
    pub(crate) items_table: String,
    pub(crate) ledger_table: String,
    pub(crate) key: Key,
}

/// Loads the object unless that has been done. `Ok` means that nothing is left to do: the load is in the ledger
/// as loaded, or as failed for good.
pub(crate) async fn run(ingest: &Ingest, created: ObjectCreated) -> Result<(), Error> {
    let object = Object::of(&ingest.s3, &created).await?;
    let load = LoadId::of(&object.key, object.version());
    let mut ledger = Ledger::new(&ingest.dynamodb, &ingest.ledger_table);
    if ledger.is_settled(&load).await? {
        info!(load = load.as_str(), object = object.key, "the load has been settled before");
        return Ok(());
    }
    let entry = LedgerEntry {
        load: load.clone(),
        object: object.key.clone(),
        version: object.version().to_owned(),
        size: created.size,
        began: created.uploaded.clone(),
        updated: created.uploaded.clone(),
        uploaded: created.uploaded,
        state: LoadState::Loading,
        reason: None,
        attempts: 1,
        progress: 0,
        position: Position::START,
        blind: false,
        confirmed: false,
        reject_parts: 0,
        receipt: Receipt::default(),
    };
    ledger.write(&entry).await?;
    let table = Table::new(&ingest.dynamodb, &ingest.items_table, entry.stamp());
    let window = Window::default();
    let mut load = Load { ingest, table, ledger, entry, window, rejects: Rejects::default() };
    let outcome = load.read(&object).await;
    load.settle(&object, outcome).await
}

struct Load<'a> {
    ingest: &'a Ingest,
    table: Table<'a>,
    ledger: Ledger<'a>,
    entry: LedgerEntry,
    window: Window,
    rejects: Rejects,
}

/// Why a load stops before the end of its file.
enum Stop {
    /// It would stop there again.
    ForGood(String),
    ForNow(Error),
}

impl From<Unreadable> for Stop {
    fn from(unreadable: Unreadable) -> Self {
        Stop::ForGood(unreadable.to_string())
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::ForNow(error)
    }
}

impl Load<'_> {
    async fn read(&mut self, object: &Object) -> Result<(), Stop> {
        let format = Format::of(&object.key)?;
        let Some(Content { mut body, column_types }) = object.open(&self.ingest.s3).await? else {
            return Err(Stop::ForGood("the object was deleted before it could be loaded".to_owned()));
        };
        let column_types: Option<ColumnTypes> = column_types.as_deref().map(str::parse).transpose()?;
        let mut parser = Parser::new(format, &self.ingest.key, column_types);
        let mut rows = Vec::new();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| Error::service("GetObject", &object.key, error))?;
            parser.feed(&chunk, &mut rows)?;
            self.take(&mut rows).await?;
        }
        parser.finish(&mut rows)?;
        self.take(&mut rows).await?;
        Ok(self.flush().await?)
    }

    async fn take(&mut self, rows: &mut Vec<Result<Row, Reject>>) -> Result<(), Error> {
        for row in rows.drain(..) {
            match row {
                Ok(row) => self.window.push(row),
                Err(reject) => {
                    self.entry.receipt.read += 1;
                    self.reject(&reject)?;
                }
            }
            if self.window.is_full() {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Writes the window. Rows count as read once it is known what became of them, so that the receipt adds up
    /// at any time.
    async fn flush(&mut self) -> Result<(), Error> {
        let window = std::mem::take(&mut self.window);
        let refused = self.table.write(window.rows()).await?;
        let receipt = &mut self.entry.receipt;
        receipt.read += window.rows().len() as u64 + window.duplicates();
        receipt.new += (window.rows().len() - refused.len()) as u64;
        receipt.duplicates += window.duplicates();
        for reject in &refused {
            self.reject(reject)?;
        }
        self.ledger.keep_up(&self.entry).await
    }

    fn reject(&mut self, reject: &Reject) -> Result<(), Error> {
        self.entry.receipt.rejected += 1;
        Ok(self.rejects.push(reject)?)
    }

    /// The rejects are put before the ledger says that the load is done.
    async fn settle(mut self, object: &Object, outcome: Result<(), Stop>) -> Result<(), Error> {
        self.entry.reason = match outcome {
            Ok(()) => None,
            Err(Stop::ForGood(reason)) => Some(reason),
            Err(Stop::ForNow(error)) => return Err(error),
        };
        if let Some(path) = self.rejects.finish()? {
            let key = rejects_key(&self.entry.load, 0);
            object::put_csv(&self.ingest.s3, &object.bucket, &key, &path).await?;
            self.entry.reject_parts = 1;
        }
        let failed = self.entry.reason.is_some();
        self.entry.state = if failed { LoadState::Failed } else { LoadState::Loaded };
        self.ledger.write(&self.entry).await?;
        tell(&self.entry);
        Ok(())
    }
}

fn tell(entry: &LedgerEntry) {
    let Receipt { read, new: written, rejected, duplicates, .. } = entry.receipt;
    let (load, object) = (entry.load.as_str(), &entry.object);
    match &entry.reason {
        None => info!(load, object, read, written, rejected, duplicates, "loaded"),
        Some(reason) => warn!(load, object, read, written, rejected, duplicates, reason, "failed"),
    }
}
