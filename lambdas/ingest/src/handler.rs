use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use tracing::{error, info, warn};

use crate::deadline::Deadline;
use crate::error::Error;
use crate::event::ObjectCreated;
use crate::load::{self, Ingest};

/// Less than the time that a deadline keeps for the answer.
const REST_TIMEOUT: Duration = Duration::from_secs(2);

impl Ingest {
    /// Loads one message after the other. The first one that fails is reported together with all that follow,
    /// so that a FIFO queue keeps their order. A load that failed for good is done, and so is its message.
    pub(crate) async fn handle(
        &self,
        event: SqsEvent,
        deadline: Deadline,
    ) -> Result<SqsBatchResponse, lambda_runtime::Error> {
        let mut response = SqsBatchResponse::default();
        for (index, message) in event.records.iter().enumerate() {
            // A load may stop anywhere: it says that it is done last, and begins anew when it comes again.
            let outcome = tokio::time::timeout(deadline.left(), self.message(message)).await;
            let Err(failure) = outcome.unwrap_or(Err(Error::OutOfTime)) else { continue };
            error!(id = message.message_id, error = failure.chain(), "the message will come again");
            self.rest(message).await;
            for message in &event.records[index..] {
                // An identifier that the queue does not know would fail the whole batch anyway.
                let id = message.message_id.as_deref().ok_or("a message without an identifier failed")?;
                response.add_failure(id);
            }
            break;
        }
        Ok(response)
    }

    /// What fails here costs time and nothing else: the message comes again in any case.
    async fn rest(&self, message: &SqsMessage) {
        let rested = tokio::time::timeout(REST_TIMEOUT, self.queue.rest(message)).await;
        if let Err(failure) = rested.unwrap_or(Err(Error::OutOfTime)) {
            warn!(error = failure.chain(), "it comes again only after the queue's visibility timeout");
        }
    }

    async fn message(&self, message: &SqsMessage) -> Result<(), Error> {
        let created = ObjectCreated::parse(message.body.as_deref().unwrap_or_default())?;
        if created.is_rejects_file() {
            info!(object = created.key, "a rejects file is no load");
            return Ok(());
        }
        load::run(self, created).await
    }
}
