use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use tracing::{error, info};

use crate::deadline::Deadline;
use crate::error::Error;
use crate::event::ObjectCreated;
use crate::load::{self, Ingest};

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
            for message in &event.records[index..] {
                // An identifier that the queue does not know would fail the whole batch anyway.
                let id = message.message_id.as_deref().ok_or("a message without an identifier failed")?;
                response.add_failure(id);
            }
            break;
        }
        Ok(response)
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
