use std::time::Duration;

use aws_lambda_events::sqs::SqsMessage;
use aws_sdk_sqs::Client;
use restctl_contract::event::MESSAGE_GROUP;

use crate::error::Error;

/// How long a message rests after a first failure; four times as long after each further one.
const FIRST_REST: Duration = Duration::from_secs(30);
/// A message that keeps failing is received as often as the queue allows before it is too old to be kept.
const LONGEST_REST: Duration = Duration::from_secs(15 * 60);

/// How long after the end of a function that died its message comes again.
const AFTER_DEATH: Duration = Duration::from_secs(10);

/// The queue of loads, and where messages go that cannot be worked on.
pub(crate) struct Queue {
    client: Client,
    url: String,
    dead_letters: String,
}

impl Queue {
    pub(crate) fn new(client: Client, url: String, dead_letters: String) -> Self {
        Self { client, url, dead_letters }
    }

    /// Keeps a message hidden while the function works on it, for `time` at most, and little longer. The queue's own
    /// visibility timeout is six times the function's, and until it is over the loads behind would wait.
    pub(crate) async fn hold(&self, message: &SqsMessage, time: Duration) -> Result<(), Error> {
        self.show_after(message, time + AFTER_DEATH).await
    }

    /// Lets a message come again after `rest`, before those behind it.
    pub(crate) async fn show_after(&self, message: &SqsMessage, rest: Duration) -> Result<(), Error> {
        let request = self
            .client
            .change_message_visibility()
            .queue_url(&self.url)
            .set_receipt_handle(message.receipt_handle.clone())
            .visibility_timeout(i32::try_from(rest.as_secs()).unwrap_or(i32::MAX));
        let changed = request.send().await;
        changed.map_err(|error| Error::service("ChangeMessageVisibility", &self.url, error))?;
        Ok(())
    }

    /// Copies a message into the dead-letter queue.
    pub(crate) async fn bury(&self, message: &SqsMessage) -> Result<(), Error> {
        let request = self
            .client
            .send_message()
            .queue_url(&self.dead_letters)
            .message_group_id(MESSAGE_GROUP)
            .set_message_deduplication_id(message.message_id.clone())
            .set_message_body(message.body.clone());
        request.send().await.map_err(|error| Error::service("SendMessage", &self.dead_letters, error))?;
        Ok(())
    }
}

/// How often the message has been received, this time included.
pub(crate) fn receives(message: &SqsMessage) -> u32 {
    let count = message.attributes.get("ApproximateReceiveCount");
    count.and_then(|count| count.parse().ok()).unwrap_or(1)
}

pub(crate) fn rest_after(failures: u32) -> Duration {
    FIRST_REST.saturating_mul(4_u32.saturating_pow(failures.saturating_sub(1))).min(LONGEST_REST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_grow() {
        let seconds: Vec<u64> = [0, 1, 2, 3, 4, 1000].map(|failures| rest_after(failures).as_secs()).into();
        assert_eq!(seconds, [30, 30, 120, 480, 900, 900]);
    }
}
