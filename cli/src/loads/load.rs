//! One load as its uploader sees it: queued, loading, and finally settled in the ledger.

use std::time::Duration;

use restctl_contract::event::{UploadedObject, VISIBILITY_TIMEOUT};
use restctl_contract::load::{LedgerEntry, LoadId, LoadState};
use restctl_contract::template::output as stack_output;
use tokio::time::{Instant, sleep};

use super::progress::LoadProgress;
use crate::aws::cloudformation::Stack;
use crate::aws::{Aws, dynamodb, s3, sqs};
use crate::failure::{Failure, Result};
use crate::loads::receipt;
use crate::terminal::interrupt::unless_interrupted;

/// How long to wait for the bucket's event before the load is queued without it: S3 may send none in the first five
/// minutes of a bucket ("Enabling Amazon EventBridge", Amazon S3 User Guide).
const EVENT_PATIENCE: Duration = Duration::from_secs(15);

/// How long to wait for a load that makes no progress, which is longer than the pause before its next attempt. The load itself
/// continues: others may come first.
const PATIENCE: Duration = VISIBILITY_TIMEOUT.saturating_add(Duration::from_secs(5 * 60));

/// One version of one object of the data bucket.
pub(crate) struct Load {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) version: String,
    /// In bytes.
    pub(crate) size: u64,
    /// When it was uploaded, RFC 3339. If this is `None`, S3 is asked.
    pub(crate) uploaded: Option<String>,
}

impl Load {
    pub(crate) fn id(&self) -> LoadId {
        LoadId::for_version(&self.key, &self.version)
    }

    /// Waits until the load is settled and prints its receipt. `rows` is the number of rows, if it is known.
    pub(crate) async fn wait_and_print_receipt(
        &self,
        aws: &Aws,
        stack: &Stack,
        rows: Option<u64>,
    ) -> Result<()> {
        let left = Failure::new(format!("stopped waiting for the load {}, which continues", self.id()))
            .next(format!("restctl loads show {}", self.id()));
        unless_interrupted(left, async {
            let entry = self.wait_until_settled(aws, stack, rows).await?;
            receipt::print_receipt(aws, &self.bucket, &entry).await
        })
        .await
    }

    async fn wait_until_settled(&self, aws: &Aws, stack: &Stack, rows: Option<u64>) -> Result<LedgerEntry> {
        let (ledger, load) = (stack.output(stack_output::LEDGER_TABLE)?, self.id());
        let mut progress = LoadProgress::new(rows);
        let mut pause = Duration::from_millis(100);
        let (mut last, mut moved, mut queued) = (None, Instant::now(), false);
        loop {
            let entry = dynamodb::read_ledger_entry(aws, ledger, &load).await?;
            progress.update(entry.as_ref());
            if let Some(entry) = entry.as_ref().filter(|entry| entry.state != LoadState::Loading) {
                return Ok(entry.clone());
            }
            let begun = entry.is_some();
            let reached = entry.map(|entry| (entry.progress, entry.attempts, entry.updated));
            if last != reached {
                (last, moved) = (reached, Instant::now());
            }
            if !begun && !queued && moved.elapsed() > EVENT_PATIENCE {
                self.queue_if_current(aws, stack).await?;
                queued = true;
            }
            if moved.elapsed() > PATIENCE {
                return Err(stalled_failure(&load));
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    /// Queues the load because S3 has sent no event.
    ///
    /// An older version of the object is not queued: it would come after the newer one and overwrite its rows.
    async fn queue_if_current(&self, aws: &Aws, stack: &Stack) -> Result<()> {
        let current = s3::find_current_version(aws, &self.bucket, &self.key).await?;
        let current = current.filter(|current| current.version.as_ref() == Some(&self.version));
        let Some(current) = current else {
            return Err(Failure::new(format!("{} was uploaded again before it was loaded", self.key))
                .why("the bucket sent no event of this upload, and the newer upload goes first")
                .next("to load this file nevertheless, upload it under another --name"));
        };
        match self.uploaded.as_ref().or(current.uploaded.as_ref()) {
            Some(uploaded) => self.queue(aws, stack, uploaded).await,
            None => Err(Failure::new(format!("S3 does not say when {} was uploaded", self.key))),
        }
    }

    /// Queues the load as S3's event would, behind those that are queued already. If that event still comes, the ledger
    /// makes the later one do nothing.
    pub(crate) async fn queue(&self, aws: &Aws, stack: &Stack, uploaded: &str) -> Result<()> {
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

fn stalled_failure(load: &LoadId) -> Failure {
    Failure::new(format!("the load {load} has made no progress for {} minutes", PATIENCE.as_secs() / 60))
        .why("it is queued, or it failed and will be retried; the uploaded file is safe in the bucket")
        .next(format!("restctl loads show {load}; to see the loads before it: restctl loads ls"))
}
