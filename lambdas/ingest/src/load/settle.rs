use restctl_contract::load::{LedgerEntry, LoadState, MAX_ATTEMPTS, Receipt, rejects_key};
use restctl_contract::timestamp;
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::{Load, Outcome, Reached};
use crate::error::Error;
use crate::source;
use crate::stop::Stop;

impl Load<'_> {
    /// Tells the ledger how far the load is, unless that has just been done.
    pub(super) async fn keep_up(&mut self) -> Result<(), Error> {
        let cadence = self.ingest.cadence;
        if self.told.elapsed() < cadence.news {
            Ok(())
        } else if self.rejects.is_empty() || self.checkpoint.elapsed() >= cadence.rejects {
            self.come_further(1).await
        } else {
            self.tell().await
        }
    }

    /// What the attempt has come to, in the ledger and in words.
    pub(super) async fn settle(mut self, reached: Result<Reached, Stop>) -> Outcome {
        let settled = match reached {
            Ok(Reached::Checkpoint) => self.come_further(0).await.map(|()| Outcome::Continues),
            Ok(Reached::End) => self.finish(LoadState::Loaded, None).await,
            Err(Stop::ForGood(reason)) => self.finish(LoadState::Failed, Some(reason)).await,
            Err(Stop::ForNow(error)) => Err(error),
        };
        match settled {
            Ok(outcome) => outcome,
            Err(error) => self.break_off(&error).await,
        }
    }

    /// A load that comes further has all its attempts before it again.
    async fn come_further(&mut self, attempts: u32) -> Result<(), Error> {
        (self.entry.attempts, self.entry.reason) = (attempts, None);
        self.make_checkpoint().await
    }

    async fn finish(&mut self, state: LoadState, reason: Option<String>) -> Result<Outcome, Error> {
        (self.entry.state, self.entry.reason) = (state, reason);
        let finished = self.make_checkpoint().await;
        if finished.is_err() {
            (self.entry.state, self.entry.reason) = (LoadState::Loading, None);
        } else {
            log(&self.entry);
        }
        finished.map(|()| Outcome::Settled)
    }

    /// The ledger is told the reason if it can be; the message comes again in any case.
    async fn break_off(&mut self, failure: &Error) -> Outcome {
        let reason = failure.chain();
        error!(attempt = self.entry.attempts, reason, "the attempt failed");
        self.entry.reason = Some(reason);
        let stopped = self.entry.attempts >= MAX_ATTEMPTS;
        if stopped {
            self.entry.state = LoadState::Stopped;
        }
        match self.tell().await {
            Ok(()) if stopped => Outcome::Stopped,
            Ok(()) => Outcome::Rests(self.entry.attempts),
            Err(error) => {
                warn!(error = error.chain(), "the ledger could not be told");
                Outcome::Rests(self.entry.attempts)
            }
        }
    }

    /// Puts the rejects where they are safe, then tells the ledger that the load goes on from here.
    async fn make_checkpoint(&mut self) -> Result<(), Error> {
        if let Some(path) = self.rejects.take()? {
            let key = rejects_key(&self.entry.load, self.entry.reject_parts);
            source::put_csv(&self.ingest.s3, self.bucket, &key, &path).await?;
            self.entry.reject_parts += 1;
        }
        let before = self.entry.receipt.seconds;
        self.entry.position = self.position;
        self.entry.receipt = self.receipt;
        let milliseconds = self.checkpoint.elapsed().as_millis();
        self.checkpoint = Instant::now();
        self.entry.receipt.seconds = before + milliseconds as f64 / 1000.0;
        self.tell().await
    }

    async fn tell(&mut self) -> Result<(), Error> {
        self.entry.progress = self.receipt.read;
        self.entry.updated = timestamp::now();
        self.ledger.write(&self.entry).await?;
        self.told = Instant::now();
        Ok(())
    }
}

fn log(entry: &LedgerEntry) {
    let Receipt { read, new, changed, unchanged, stale, rejected, duplicates, .. } = entry.receipt;
    match &entry.reason {
        None => info!(read, new, changed, unchanged, stale, rejected, duplicates, "loaded"),
        // The reason may quote the file, whose content is not for the log.
        Some(_) => warn!(read, rejected, "failed, for the reason in the ledger"),
    }
}
