//! The dead-letter queue, read ten letters at a time.

use std::collections::HashSet;
use std::time::Duration;

use crate::aws::{Aws, sqs};
use crate::failure::Result;
use crate::loads::dead_letter::DeadLetter;

/// Ten letters take less time than this. An interrupted command leaves them hidden for this long.
const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(60);

pub(super) struct LetterQueue<'a> {
    aws: &'a Aws,
    queue_url: &'a str,
    /// The messages to keep. They remain among the first ones.
    kept: HashSet<String>,
}

impl<'a> LetterQueue<'a> {
    pub(super) fn new(aws: &'a Aws, queue_url: &'a str) -> Self {
        Self { aws, queue_url, kept: HashSet::new() }
    }

    /// Returns the next letters, or an empty list if SQS shows no others. The caller keeps or deletes each of them.
    pub(super) async fn next_letters(&self) -> Result<Vec<DeadLetter>> {
        let messages = sqs::receive_messages(self.aws, self.queue_url, VISIBILITY_TIMEOUT).await?;
        let (kept, new): (Vec<_>, Vec<_>) =
            messages.into_iter().partition(|message| self.kept.contains(&message.id));
        sqs::return_messages(self.aws, self.queue_url, &kept).await?;
        Ok(new.into_iter().map(DeadLetter::from).collect())
    }

    pub(super) async fn keep_letter(&mut self, letter: &DeadLetter) -> Result<()> {
        self.kept.insert(letter.message.id.clone());
        sqs::return_messages(self.aws, self.queue_url, [&letter.message]).await
    }

    pub(super) async fn delete_letter(&self, letter: &DeadLetter) -> Result<()> {
        sqs::delete_message(self.aws, self.queue_url, &letter.message).await
    }

    /// Returns about how many letters SQS does not show because of the kept ones before them.
    pub(super) async fn count_unseen(&self) -> Result<usize> {
        if self.kept.len() < sqs::MAX_RECEIVED {
            return Ok(0);
        }
        Ok(sqs::read_depth(self.aws, self.queue_url).await?.total_messages().saturating_sub(self.kept.len()))
    }
}
