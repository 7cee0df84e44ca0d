use std::time::Duration;

use aws_lambda_events::sqs::SqsMessage;
use aws_sdk_sqs::Client;

use crate::error::Error;

/// How long a message rests after its first failure; four times as long after each further one.
const FIRST_REST: Duration = Duration::from_secs(30);
const LONGEST_REST: Duration = Duration::from_secs(30 * 60);

/// The queue of loads.
pub(crate) struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    pub(crate) fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }

    /// Lets a message that failed come again after a rest. The queue's own visibility timeout is six times the
    /// function's, and until it is over the loads behind would wait.
    pub(crate) async fn rest(&self, message: &SqsMessage) -> Result<(), Error> {
        let rest = rest_after(receives(message));
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
}

/// How often the message has been received, this time included.
fn receives(message: &SqsMessage) -> u32 {
    let count = message.attributes.get("ApproximateReceiveCount");
    count.and_then(|count| count.parse().ok()).unwrap_or(1)
}

fn rest_after(receives: u32) -> Duration {
    FIRST_REST.saturating_mul(4_u32.saturating_pow(receives.saturating_sub(1))).min(LONGEST_REST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_grow() {
        let seconds: Vec<u64> =
            [0, 1, 2, 3, 4, 5, 1000].map(|receives| rest_after(receives).as_secs()).into();
        assert_eq!(seconds, [30, 30, 120, 480, 1800, 1800, 1800]);
    }
}
