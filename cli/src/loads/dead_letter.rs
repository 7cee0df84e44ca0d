//! Messages of the dead-letter queue: loads that kept failing, or messages that no function understood.

use std::time::Duration;

use restctl_contract::event::{self, UploadedObject};
use restctl_contract::load::{LedgerEntry, LoadId};

use crate::aws::{Aws, dynamodb, sqs};
use crate::failure::Result;

/// How long reading the dead letters hides them from other readers if the command ends before it can return them.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) struct DeadLetter {
    pub(crate) message: sqs::Message,
    /// `None` if it is not an event of the data bucket. The ingest function would not understand it either.
    pub(crate) object: Option<UploadedObject>,
}

impl From<sqs::Message> for DeadLetter {
    fn from(message: sqs::Message) -> Self {
        let object = event::parse(&message.body).ok();
        Self { message, object }
    }
}

impl DeadLetter {
    /// Returns the id of its load, or `None` if its event names no version, as those of some emulators do not.
    pub(crate) fn load_id(&self) -> Option<LoadId> {
        self.object.as_ref()?.load_id()
    }

    /// Whether this is a message of the entry's load.
    pub(crate) fn belongs_to(&self, entry: &LedgerEntry) -> bool {
        match self.load_id() {
            Some(load) => load == entry.load,
            None => self
                .object
                .as_ref()
                .is_some_and(|object| object.key == entry.object && object.uploaded == entry.uploaded),
        }
    }

    /// Returns the ledger's entry of its load.
    pub(crate) async fn ledger_entry(&self, aws: &Aws, ledger: &str) -> Result<Option<LedgerEntry>> {
        match (self.load_id(), &self.object) {
            (Some(load), _) => dynamodb::read_ledger_entry(aws, ledger, &load).await,
            (None, None) => Ok(None),
            (None, Some(_)) => {
                let entries = dynamodb::read_ledger_entries(aws, ledger).await?;
                Ok(entries.into_values().filter_map(Result::ok).find(|entry| self.belongs_to(entry)))
            }
        }
    }
}

/// Reads the first dead letters and makes them visible to other readers again.
pub(crate) async fn read_first(aws: &Aws, queue_url: &str) -> Result<Vec<DeadLetter>> {
    let messages = sqs::receive_messages(aws, queue_url, READ_TIMEOUT).await?;
    sqs::return_messages(aws, queue_url, &messages).await?;
    Ok(messages.into_iter().map(DeadLetter::from).collect())
}

/// Deletes the messages of the entry's load, which has been queued again. Returns whether SQS returned any.
pub(crate) async fn delete_message_of(aws: &Aws, queue_url: &str, entry: &LedgerEntry) -> Result<bool> {
    let messages = sqs::receive_messages(aws, queue_url, READ_TIMEOUT).await?;
    let letters: Vec<DeadLetter> = messages.into_iter().map(DeadLetter::from).collect();
    let (of_load, others): (Vec<_>, Vec<_>) = letters.iter().partition(|letter| letter.belongs_to(entry));
    for letter in &of_load {
        sqs::delete_message(aws, queue_url, &letter.message).await?;
    }
    sqs::return_messages(aws, queue_url, others.into_iter().map(|letter| &letter.message)).await?;
    Ok(!of_load.is_empty())
}
