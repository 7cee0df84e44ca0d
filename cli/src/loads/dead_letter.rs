//! A message of the dead-letter queue: a load that kept failing, or what nobody understood.

use std::time::Duration;

use restctl_contract::event::{self, UploadedObject};
use restctl_contract::load::{LedgerEntry, LoadId};

use crate::aws::{Aws, dynamodb, sqs};
use crate::failure::Result;

/// For how long a look at the dead letters hides them, if it does not get to give them back.
pub(crate) const GLANCE: Duration = Duration::from_secs(10);

pub(crate) struct DeadLetter {
    pub(crate) message: sqs::Message,
    /// `None` if it is not an event of the data bucket, which the ingest function would not understand either.
    pub(crate) object: Option<UploadedObject>,
}

impl From<sqs::Message> for DeadLetter {
    fn from(message: sqs::Message) -> Self {
        let object = event::parse(&message.body).ok();
        Self { message, object }
    }
}

impl DeadLetter {
    /// Returns the id of its load, or `None` if its event names no version, as an emulator's does not.
    pub(crate) fn load(&self) -> Option<LoadId> {
        self.object.as_ref()?.load_id()
    }

    /// Whether it is a message of the entry's load.
    pub(crate) fn is_of(&self, entry: &LedgerEntry) -> bool {
        match self.load() {
            Some(load) => load == entry.load,
            None => self
                .object
                .as_ref()
                .is_some_and(|object| object.key == entry.object && object.uploaded == entry.uploaded),
        }
    }

    /// What the ledger has of its load.
    pub(crate) async fn entry(&self, aws: &Aws, ledger: &str) -> Result<Option<LedgerEntry>> {
        match (self.load(), &self.object) {
            (Some(load), _) => dynamodb::read_ledger_entry(aws, ledger, &load).await,
            (None, None) => Ok(None),
            (None, Some(_)) => {
                let entries = dynamodb::read_ledger_entries(aws, ledger).await?;
                Ok(entries.into_values().filter_map(Result::ok).find(|entry| self.is_of(entry)))
            }
        }
    }
}

/// The first dead letters, visible to others again.
pub(crate) async fn look(aws: &Aws, queue_url: &str) -> Result<Vec<DeadLetter>> {
    let messages = sqs::receive_messages(aws, queue_url, GLANCE).await?;
    sqs::return_messages(aws, queue_url, &messages).await?;
    Ok(messages.into_iter().map(DeadLetter::from).collect())
}

/// Removes the message of the entry's load, which has been queued again; whether it was there, as far as SQS shows.
pub(crate) async fn remove(aws: &Aws, queue_url: &str, entry: &LedgerEntry) -> Result<bool> {
    let messages = sqs::receive_messages(aws, queue_url, GLANCE).await?;
    let letters: Vec<DeadLetter> = messages.into_iter().map(DeadLetter::from).collect();
    let (of_load, others): (Vec<_>, Vec<_>) = letters.iter().partition(|letter| letter.is_of(entry));
    for letter in &of_load {
        sqs::delete_message(aws, queue_url, &letter.message).await?;
    }
    sqs::return_messages(aws, queue_url, others.into_iter().map(|letter| &letter.message)).await?;
    Ok(!of_load.is_empty())
}
