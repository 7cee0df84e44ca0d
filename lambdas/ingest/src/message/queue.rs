use std::time::Duration;

use aws_lambda_events::sqs::SqsMessage;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata;
use restctl_contract::event::MESSAGE_GROUP;

use crate::error::Error;

/// How long a message waits after its first failure. After each further failure it waits four times as long.
const FIRST_DELAY: Duration = Duration::from_secs(30);
/// The longest wait of a message that keeps failing.
const MAX_DELAY: Duration = Duration::from_secs(15 * 60);

/// How long after a function has died its message is delivered again.
const CRASH_DELAY: Duration = Duration::from_secs(10);

/// The queue of loads and its dead-letter queue.
pub(crate) struct LoadQueue {
    client: Client,
    url: String,
    dead_letter_url: String,
}

impl LoadQueue {
    pub(crate) fn new(client: Client, url: String, dead_letter_url: String) -> Self {
        Self { client, url, dead_letter_url }
    }

    /// Hides a message while the function works on it, which takes at most `time`. If the function dies, the loads
    /// behind wait only until then: the queue's own visibility timeout is six times that of the function.
    ///
    /// # Errors
    /// [`Error::MessageTaken`] if the message's time ended before the invocation began, so that another one may have it.
    pub(crate) async fn hide_message(&self, message: &SqsMessage, time: Duration) -> Result<(), Error> {
        self.retry_after(message, time + CRASH_DELAY).await
    }

    /// Makes a message visible again after `delay`, before the messages behind it.
    pub(crate) async fn retry_after(&self, message: &SqsMessage, delay: Duration) -> Result<(), Error> {
        let request = self
            .client
            .change_message_visibility()
            .queue_url(&self.url)
            .set_receipt_handle(message.receipt_handle.clone())
            .visibility_timeout(i32::try_from(delay.as_secs()).unwrap_or(i32::MAX));
        let changed = request.send().await;
        match changed {
            Ok(_) => Ok(()),
            Err(error) if is_receipt_refusal(&error) => Err(Error::MessageTaken),
            Err(error) => Err(Error::failed_call("ChangeMessageVisibility", &self.url, error)),
        }
    }

    /// Copies a message into the dead-letter queue.
    pub(crate) async fn copy_to_dead_letters(&self, message: &SqsMessage) -> Result<(), Error> {
        let request = self
            .client
            .send_message()
            .queue_url(&self.dead_letter_url)
            .message_group_id(MESSAGE_GROUP)
            .set_message_deduplication_id(message.message_id.clone())
            .set_message_body(message.body.clone());
        request
            .send()
            .await
            .map_err(|error| Error::failed_call("SendMessage", &self.dead_letter_url, error))?;
        Ok(())
    }
}

/// Returns whether SQS refuses the receipt handle: a FIFO queue does so once the message is visible again, or received
/// again ("ChangeMessageVisibility", Amazon SQS API Reference; aws/aws-sdk-js#1279).
fn is_receipt_refusal(error: &impl ProvideErrorMetadata) -> bool {
    // Some codes have the prefix `AWS.SimpleQueueService.`.
    match error.code().and_then(|code| code.rsplit('.').next()) {
        Some("ReceiptHandleIsInvalid" | "MessageNotInflight") => true,
        Some("InvalidParameterValue") => {
            error.message().is_some_and(|message| message.contains("receipt handle has expired"))
        }
        _ => false,
    }
}

/// Returns how often the message has been received, including this time.
pub(crate) fn receive_count(message: &SqsMessage) -> u32 {
    let count = message.attributes.get("ApproximateReceiveCount");
    count.and_then(|count| count.parse().ok()).unwrap_or(1)
}

/// Returns how long a message waits after this number of failures.
pub(crate) fn retry_delay(failures: u32) -> Duration {
    FIRST_DELAY.saturating_mul(4_u32.saturating_pow(failures.saturating_sub(1))).min(MAX_DELAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_up_to_a_limit() {
        let seconds: Vec<u64> = [0, 1, 2, 3, 4, 1000].map(|failures| retry_delay(failures).as_secs()).into();
        assert_eq!(seconds, [30, 30, 120, 480, 900, 900]);
    }
}
