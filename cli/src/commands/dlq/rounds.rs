//! All dead letters one after the other, ten at a time.

use std::collections::HashSet;
use std::time::Duration;

use crate::aws::{Aws, sqs};
use crate::failure::Result;
use crate::loads::dead_letter::DeadLetter;

/// More than ten letters take; who breaks off leaves them hidden for so long, and nothing else.
const HIDDEN: Duration = Duration::from_secs(60);

pub(super) struct Rounds<'a> {
    aws: &'a Aws,
    queue_url: &'a str,
    /// The messages that are to stay. While they do, they are among the first.
    kept: HashSet<String>,
}

impl<'a> Rounds<'a> {
    pub(super) fn new(aws: &'a Aws, queue_url: &'a str) -> Self {
        Self { aws, queue_url, kept: HashSet::new() }
    }

    /// The next letters; none where there are no others, or where SQS shows no others. Each is to be kept or removed.
    pub(super) async fn next(&self) -> Result<Vec<DeadLetter>> {
        let messages = sqs::receive_messages(self.aws, self.queue_url, HIDDEN).await?;
        let (kept, new): (Vec<_>, Vec<_>) =
            messages.into_iter().partition(|message| self.kept.contains(&message.id));
        sqs::return_messages(self.aws, self.queue_url, &kept).await?;
        Ok(new.into_iter().map(DeadLetter::from).collect())
    }

    pub(super) async fn keep(&mut self, letter: &DeadLetter) -> Result<()> {
        self.kept.insert(letter.message.id.clone());
        sqs::return_messages(self.aws, self.queue_url, [&letter.message]).await
    }

    pub(super) async fn remove(&self, letter: &DeadLetter) -> Result<()> {
        sqs::delete_message(self.aws, self.queue_url, &letter.message).await
    }

    /// How many there are, about, behind so many that stay that SQS shows no others.
    pub(super) async fn out_of_sight(&self) -> Result<usize> {
        if self.kept.len() < sqs::MOST_RECEIVED {
            return Ok(0);
        }
        Ok(sqs::read_depth(self.aws, self.queue_url).await?.messages().saturating_sub(self.kept.len()))
    }
}
