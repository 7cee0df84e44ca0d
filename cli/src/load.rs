//! A load as its uploader sees it: queued, on its way, and at last settled in the ledger.

use std::time::Duration;

use restctl_contract::event::{Bucket, DETAIL_TYPE, Detail, Object, ObjectCreated, SOURCE};
use restctl_contract::load::{LedgerEntry, LoadId, LoadState};
use restctl_contract::template::output as stack_output;
use tokio::time::{Instant, sleep};

use crate::aws::cloudformation::Stack;
use crate::aws::{Aws, dynamodb, s3, sqs};
use crate::failure::{Failure, Result};
use crate::output;

/// How long to wait for the bucket's event before the load is queued without it: S3 sends none in the first five
/// minutes or so of a bucket ("Enabling Amazon EventBridge", Amazon S3 User Guide).
const EVENT_PATIENCE: Duration = Duration::from_secs(15);

/// How long a load may stand still before it is no longer waited for. It goes on all the same: other loads may
/// come first, and a message that failed once comes back after its visibility timeout.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// One version of one object of the data bucket.
pub(crate) struct Load<'a> {
    pub(crate) bucket: &'a str,
    pub(crate) key: &'a str,
    /// In bytes.
    pub(crate) size: u64,
    pub(crate) version: String,
}

impl Load<'_> {
    pub(crate) fn id(&self) -> LoadId {
        LoadId::of(self.key, &self.version)
    }

    /// Waits until the load is settled, and says how far it is.
    pub(crate) async fn wait(&self, aws: &Aws, stack: &Stack) -> Result<LedgerEntry> {
        let (ledger, load) = (stack.output(stack_output::LEDGER_TABLE)?, self.id());
        let progress = output::spinner("loading");
        let mut pause = Duration::from_millis(100);
        let (mut rows, mut moved, mut queued) = (None, Instant::now(), false);
        loop {
            let entry = dynamodb::ledger_entry(aws, ledger, &load).await?;
            if let Some(entry) = entry.as_ref().filter(|entry| entry.state != LoadState::Loading) {
                progress.finish_and_clear();
                return Ok(entry.clone());
            }
            let read = entry.map(|entry| entry.receipt.read);
            progress
                .set_message(read.map_or("waiting for its turn".to_owned(), |read| format!("{read} rows")));
            if rows != read {
                (rows, moved) = (read, Instant::now());
            }
            if read.is_none() && !queued && moved.elapsed() > EVENT_PATIENCE {
                self.queue(aws, stack).await?;
                queued = true;
            }
            if moved.elapsed() > PATIENCE {
                return Err(stands_still(&load));
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    /// Sends the event that S3 has not sent. Where it comes all the same, the ledger makes the later one do nothing.
    ///
    /// A version that is no longer the current one is not queued: it would come behind the newer one and replace
    /// its rows.
    async fn queue(&self, aws: &Aws, stack: &Stack) -> Result<()> {
        let current = s3::current(aws, self.bucket, self.key).await?;
        if current.version.as_deref() != Some(&self.version) {
            return Err(Failure::new(format!("{} was uploaded again before it was loaded", self.key))
                .why("the bucket announced no event of this upload, and the newer one goes first")
                .next("if rows of this file are still wanted, upload it under another name"));
        }
        let event = ObjectCreated {
            source: SOURCE.to_owned(),
            detail_type: DETAIL_TYPE.to_owned(),
            time: current.uploaded,
            detail: Detail {
                bucket: Bucket { name: self.bucket.to_owned() },
                object: Object {
                    key: self.key.to_owned(),
                    size: self.size,
                    etag: String::new(),
                    version_id: Some(self.version.clone()),
                },
            },
        };
        sqs::queue_load(aws, stack.output(stack_output::LOAD_QUEUE)?, &event).await
    }
}

fn stands_still(load: &LoadId) -> Failure {
    Failure::new(format!("the load {load} has not moved for {} minutes", PATIENCE.as_secs() / 60))
        .why("it is queued, or it failed and will be tried again; the uploaded file is safe in the bucket")
        .next("look at the log group of the ingest function")
}
