//! A message of the dead-letter queue: a load that kept failing, or what nobody understood.

use std::time::Duration;

use restctl_contract::event::{DETAIL_TYPE, ObjectCreated, SOURCE};
use restctl_contract::load::{LedgerEntry, LoadId};
use restctl_contract::timestamp::rfc3339;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::aws::{Aws, dynamodb, sqs};
use crate::failure::Result;

/// For how long a look at the dead letters hides them, if it does not get to give them back.
pub(crate) const GLANCE: Duration = Duration::from_secs(10);

pub(crate) struct DeadLetter {
    pub(crate) message: sqs::Message,
    /// None where it is no event of the data bucket, which the ingest function would not understand either.
    pub(crate) event: Option<ObjectCreated>,
    /// When the object was uploaded, as the ledger writes times.
    pub(crate) uploaded: Option<String>,
}

impl From<sqs::Message> for DeadLetter {
    fn from(message: sqs::Message) -> Self {
        let (event, uploaded) = read(&message.body).unzip();
        Self { message, event, uploaded }
    }
}

/// The event and its time, where the ingest function would understand them, too.
fn read(body: &str) -> Option<(ObjectCreated, String)> {
    let event: ObjectCreated = serde_json::from_str(body).ok()?;
    let uploaded = OffsetDateTime::parse(&event.time, &Rfc3339).ok()?;
    (event.source == SOURCE && event.detail_type == DETAIL_TYPE).then(|| (event, rfc3339(uploaded)))
}

impl DeadLetter {
    pub(crate) fn object(&self) -> Option<&str> {
        self.event.as_ref().map(|event| event.detail.object.key.as_str())
    }

    /// None where the event names no version, as an emulator's.
    pub(crate) fn load(&self) -> Option<LoadId> {
        let object = &self.event.as_ref()?.detail.object;
        let version = object.version_id.as_deref().filter(|version| !matches!(*version, "" | "null"))?;
        Some(LoadId::of(&object.key, version))
    }

    /// Whether it is a message of the entry's load.
    pub(crate) fn is_of(&self, entry: &LedgerEntry) -> bool {
        match self.load() {
            Some(load) => load == entry.load,
            None => self.object() == Some(&entry.object) && self.uploaded.as_ref() == Some(&entry.uploaded),
        }
    }

    /// What the ledger has of its load.
    pub(crate) async fn entry(&self, aws: &Aws, ledger: &str) -> Result<Option<LedgerEntry>> {
        match (self.load(), &self.event) {
            (Some(load), _) => dynamodb::ledger_entry(aws, ledger, &load).await,
            (None, None) => Ok(None),
            (None, Some(_)) => {
                let entries = dynamodb::ledger_entries(aws, ledger).await?;
                Ok(entries.into_values().filter_map(Result::ok).find(|entry| self.is_of(entry)))
            }
        }
    }
}

/// The first dead letters, visible to others again.
pub(crate) async fn look(aws: &Aws, queue_url: &str) -> Result<Vec<DeadLetter>> {
    let messages = sqs::receive(aws, queue_url, GLANCE).await?;
    sqs::give_back(aws, queue_url, &messages).await?;
    Ok(messages.into_iter().map(DeadLetter::from).collect())
}

/// Removes the message of the entry's load, which has been queued again; whether it was there, as far as SQS shows.
pub(crate) async fn remove(aws: &Aws, queue_url: &str, entry: &LedgerEntry) -> Result<bool> {
    let messages = sqs::receive(aws, queue_url, GLANCE).await?;
    let letters: Vec<DeadLetter> = messages.into_iter().map(DeadLetter::from).collect();
    let (of_load, others): (Vec<_>, Vec<_>) = letters.iter().partition(|letter| letter.is_of(entry));
    for letter in &of_load {
        sqs::delete(aws, queue_url, &letter.message).await?;
    }
    sqs::give_back(aws, queue_url, others.into_iter().map(|letter| &letter.message)).await?;
    Ok(!of_load.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const SAMPLE: &str = include_str!("../../../fixtures/events/object-created.json");

    #[test]
    fn what_the_function_understands_is_an_event() {
        let sample: Value = serde_json::from_str(SAMPLE).unwrap();
        let body = sample["Records"][0]["body"].as_str().unwrap();
        let (event, uploaded) = read(body).unwrap();
        assert_eq!(event.detail.object.key, "uploads/items 2026+é.csv");
        assert_eq!(uploaded, "2026-01-15T09:30:05.000Z");
        for (right, wrong) in [("Object Created", "Object Deleted"), ("aws.s3", "x"), ("2026-01-15T", "")] {
            assert!(body.contains(right) && read(&body.replace(right, wrong)).is_none(), "{wrong}");
        }
        assert!(read("").is_none());
    }
}
