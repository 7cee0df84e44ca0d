//! A load as its uploader sees it: queued, on its way, and at last settled in the ledger.

use std::time::Duration;

use restctl_contract::event::UploadedObject;
use restctl_contract::load::{LedgerEntry, LoadId, LoadState};
use restctl_contract::template::output as stack_output;
use tokio::time::{Instant, sleep};

use super::progress::Progress;
use crate::aws::cloudformation::Stack;
use crate::aws::{Aws, dynamodb, s3, sqs};
use crate::failure::{Failure, Result};
use crate::loads::receipt;
use crate::terminal::interrupt::unless_interrupted;

/// How long to wait for the bucket's event before the load is queued without it: S3 sends none in the first five
/// minutes or so of a bucket ("Enabling Amazon EventBridge", Amazon S3 User Guide).
const EVENT_PATIENCE: Duration = Duration::from_secs(15);

/// How long a load may stand still before it is no longer waited for. It goes on all the same: other loads may
/// come first, and one that failed rests before its next attempt.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// One version of one object of the data bucket.
pub(crate) struct Load {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) version: String,
    /// In bytes.
    pub(crate) size: u64,
    /// When it was uploaded, RFC 3339; where that is not known, S3 is asked.
    pub(crate) uploaded: Option<String>,
}

impl Load {
    pub(crate) fn id(&self) -> LoadId {
        LoadId::of(&self.key, &self.version)
    }

    /// Waits until the load is settled, and prints its receipt. `rows` is how many there are, where that is known.
    pub(crate) async fn follow(&self, aws: &Aws, stack: &Stack, rows: Option<u64>) -> Result<()> {
        let left = Failure::new(format!("no longer waiting for the load {}, which goes on", self.id()))
            .next(format!("restctl loads show {}", self.id()));
        unless_interrupted(left, async {
            let entry = self.settled(aws, stack, rows).await?;
            receipt::print(aws, &self.bucket, &entry).await
        })
        .await
    }

    async fn settled(&self, aws: &Aws, stack: &Stack, rows: Option<u64>) -> Result<LedgerEntry> {
        let (ledger, load) = (stack.output(stack_output::LEDGER_TABLE)?, self.id());
        let mut progress = Progress::new(rows);
        let mut pause = Duration::from_millis(100);
        let (mut stand, mut moved, mut queued) = (None, Instant::now(), false);
        loop {
            let entry = dynamodb::read_ledger_entry(aws, ledger, &load).await?;
            progress.show(entry.as_ref());
            if let Some(entry) = entry.as_ref().filter(|entry| entry.state != LoadState::Loading) {
                return Ok(entry.clone());
            }
            let begun = entry.is_some();
            let reached = entry.map(|entry| (entry.progress, entry.attempts, entry.updated));
            if stand != reached {
                (stand, moved) = (reached, Instant::now());
            }
            if !begun && !queued && moved.elapsed() > EVENT_PATIENCE {
                self.announce_current(aws, stack).await?;
                queued = true;
            }
            if moved.elapsed() > PATIENCE {
                return Err(stands_still(&load));
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    /// Sends the event that S3 has not sent.
    ///
    /// A version that is no longer the current one is not queued: it would come behind the newer one, and its rows
    /// are not wanted any more.
    async fn announce_current(&self, aws: &Aws, stack: &Stack) -> Result<()> {
        let current = s3::find_current_version(aws, &self.bucket, &self.key).await?;
        let current = current.filter(|current| current.version.as_ref() == Some(&self.version));
        let Some(current) = current else {
            return Err(Failure::new(format!("{} was uploaded again before it was loaded", self.key))
                .why("the bucket announced no event of this upload, and the newer one goes first")
                .next("if rows of this file are still wanted, upload it under another --name"));
        };
        match self.uploaded.as_ref().or(current.uploaded.as_ref()) {
            Some(uploaded) => self.announce(aws, stack, uploaded).await,
            None => Err(Failure::new(format!("S3 does not say when {} was uploaded", self.key))),
        }
    }

    /// Queues the load as S3's event would, behind those that came before. Where that event comes all the same, the
    /// ledger makes the later one do nothing.
    pub(crate) async fn announce(&self, aws: &Aws, stack: &Stack, uploaded: &str) -> Result<()> {
        let object = UploadedObject {
            bucket: self.bucket.clone(),
            key: self.key.clone(),
            size: self.size,
            version: Some(self.version.clone()),
            etag: String::new(),
            uploaded: uploaded.to_owned(),
        };
        sqs::queue_load(aws, stack.output(stack_output::LOAD_QUEUE)?, &self.id(), &object).await
    }
}

fn stands_still(load: &LoadId) -> Failure {
    Failure::new(format!("the load {load} has not moved for {} minutes", PATIENCE.as_secs() / 60))
        .why("it is queued, or it failed and will be tried again; the uploaded file is safe in the bucket")
        .next(format!("restctl loads show {load}; what goes before it: restctl loads ls"))
}
