use restctl_contract::load::{LedgerEntry, rejects_key};
use restctl_contract::timestamp;
use tokio::time::Instant;

use super::context::LoadContext;
use super::count::Progress;
use crate::error::Error;
use crate::ledger::Ledger;
use crate::rejects::upload_part;

/// A load's entry in the ledger. The next attempt begins where the entry stands.
pub(super) struct LoadRecord<'a> {
    context: &'a LoadContext,
    bucket: &'a str,
    pub(super) ledger: Ledger<'a>,
    pub(super) entry: LedgerEntry,
    /// When the entry was last written.
    last_write: Instant,
    /// When the entry last got a new position.
    last_checkpoint: Instant,
}

impl<'a> LoadRecord<'a> {
    pub(super) fn new(context: &'a LoadContext, bucket: &'a str, entry: LedgerEntry) -> Self {
        let now = Instant::now();
        Self { context, bucket, ledger: context.ledger(), entry, last_write: now, last_checkpoint: now }
    }

    /// Makes a checkpoint, or only writes the progress while the rejects are not due. Does nothing if the entry has
    /// just been written.
    pub(super) async fn write_if_due(&mut self, progress: &mut Progress) -> Result<(), Error> {
        let cadence = self.context.cadence;
        if self.last_write.elapsed() < cadence.progress {
            Ok(())
        } else if progress.rejects.is_empty() || self.last_checkpoint.elapsed() >= cadence.rejects {
            self.checkpoint_with_attempts(progress, 1).await
        } else {
            self.write_progress(progress).await
        }
    }

    /// Makes a checkpoint after progress, which gives the load all its attempts again.
    pub(super) async fn checkpoint_with_attempts(
        &mut self,
        progress: &mut Progress,
        attempts: u32,
    ) -> Result<(), Error> {
        (self.entry.attempts, self.entry.reason) = (attempts, None);
        self.make_checkpoint(progress).await
    }

    /// Stores the rejects, and only then writes that the load continues from here.
    pub(super) async fn make_checkpoint(&mut self, progress: &mut Progress) -> Result<(), Error> {
        if let Some(path) = progress.rejects.take_file()? {
            let key = rejects_key(&self.entry.load, self.entry.reject_parts);
            upload_part(&self.context.s3, self.bucket, &key, &path).await?;
            self.entry.reject_parts += 1;
        }
        let seconds_before = self.entry.receipt.seconds;
        self.entry.position = progress.position;
        self.entry.receipt = progress.receipt;
        let milliseconds = self.last_checkpoint.elapsed().as_millis();
        self.last_checkpoint = Instant::now();
        self.entry.receipt.seconds = seconds_before + milliseconds as f64 / 1000.0;
        self.write_progress(progress).await
    }

    /// Writes how many rows have been read. The position stays that of the last checkpoint.
    pub(super) async fn write_progress(&mut self, progress: &Progress) -> Result<(), Error> {
        self.entry.progress = progress.receipt.read;
        self.entry.updated = timestamp::now();
        self.ledger.write_entry(&self.entry).await?;
        self.last_write = Instant::now();
        Ok(())
    }

    /// Writes whether the load is blind, before the first row is written.
    pub(super) async fn write_blind(&mut self, blind: bool) -> Result<(), Error> {
        self.entry.blind = blind;
        self.ledger.write_entry(&self.entry).await
    }
}
