//! The handler: each message of an invocation becomes a load, in order.

use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use restctl_contract::event::{self, VISIBILITY_TIMEOUT};
use restctl_contract::log_text::LogText;
use tracing::field::{Empty, display};
use tracing::{Instrument, error, info, info_span, warn};

use crate::error::Error;
use crate::load::{LoadContext, LoadOutcome, load_object};
use crate::message::{Deadline, LoadQueue, receive_count, retry_delay};

pub(crate) struct Handler {
    pub(crate) queue: LoadQueue,
    pub(crate) context: LoadContext,
}

/// What happens to a message after its load.
enum Disposition {
    Delete,
    /// The message is delivered again after this time, before the messages behind it.
    Retry(Duration),
    /// Another invocation may have received the message since.
    Leave,
}

impl Handler {
    /// Loads one message after the other. Reports the first one that is not done and all after it, so that a FIFO
    /// queue keeps their order.
    pub(crate) async fn handle_event(
        &self,
        event: SqsEvent,
        deadline: Deadline,
    ) -> Result<SqsBatchResponse, lambda_runtime::Error> {
        let mut response = SqsBatchResponse::default();
        for (index, message) in event.records.iter().enumerate() {
            // The load fills in its fields, so that each of its log lines has them.
            let id = message.message_id.as_deref().map(|id| display(LogText(id)));
            let span = info_span!("message", id, load = Empty, object = Empty);
            let disposition = self.handle_message(message, deadline).instrument(span.clone()).await;
            if matches!(disposition, Disposition::Delete) {
                continue;
            }
            for message in &event.records[index..] {
                // An identifier that the queue does not know would fail the whole batch anyway.
                let id = message
                    .message_id
                    .as_deref()
                    .ok_or("a message without an id cannot be reported as failed")?;
                response.add_failure(id);
            }
            if let Disposition::Retry(delay) = disposition {
                self.retry_after(message, delay, deadline).instrument(span).await;
            }
            break;
        }
        Ok(response)
    }

    /// Lets the queue deliver the message again after `delay`. From here on another invocation may receive it.
    ///
    /// Lambda's poller may overrule the delay after it has been told that the message failed. So that the delay holds if
    /// it makes the message visible at once, an attempt that comes [too early](LoadOutcome::TooEarly) waits.
    async fn retry_after(&self, message: &SqsMessage, delay: Duration, deadline: Deadline) {
        let longest = delay.max(VISIBILITY_TIMEOUT);
        info!(seconds = delay.as_secs(), at_most = longest.as_secs(), "the message will be delivered again");
        warn_if_failed(run_within(deadline.last_call, self.queue.retry_after(message, delay)).await);
    }

    async fn handle_message(&self, message: &SqsMessage, deadline: Deadline) -> Disposition {
        let hiding = self.queue.hide_message(message, deadline.time_until_end());
        let hidden = run_within(deadline.last_call, hiding).await;
        let is_taken = matches!(hidden, Err(Error::MessageTaken));
        warn_if_failed(hidden);
        if is_taken {
            return Disposition::Leave;
        }
        let result = match event::parse(message.body.as_deref().unwrap_or_default()) {
            Ok(created) if created.is_rejects_file() => {
                info!(object = %LogText(&created.key), "the object is a file of rejects, which is not loaded");
                return Disposition::Delete;
            }
            Ok(created) => {
                let time = deadline.time_until_end().saturating_sub(deadline.last_call);
                run_within(time, load_object(&self.context, &created, deadline)).await
            }
            Err(error) => Err(error.into()),
        };
        match result {
            Ok(LoadOutcome::Settled) => Disposition::Delete,
            Ok(LoadOutcome::Continues) => {
                info!("time is short: the load continues in the next invocation");
                Disposition::Retry(Duration::ZERO)
            }
            Ok(LoadOutcome::Retries { failures }) => Disposition::Retry(retry_delay(failures)),
            Ok(LoadOutcome::TooEarly { wait }) => {
                info!(
                    seconds = wait.as_secs(),
                    "the last attempt failed moments ago; waiting before the next one"
                );
                Disposition::Retry(deadline.wait(wait).await)
            }
            Ok(LoadOutcome::Stopped) => {
                error!("the load stops: its message becomes a dead letter");
                self.move_to_dead_letters(message, deadline).await
            }
            Err(error @ Error::NotAnObjectCreatedEvent(_)) => {
                error!(
                    error = error.describe(),
                    "the message cannot be understood: it becomes a dead letter"
                );
                self.move_to_dead_letters(message, deadline).await
            }
            Err(error) => {
                error!(error = error.describe(), "the load failed");
                wait_unrecorded(message, deadline).await
            }
        }
    }

    /// Deletes the message only if the dead-letter queue has it.
    async fn move_to_dead_letters(&self, message: &SqsMessage, deadline: Deadline) -> Disposition {
        match run_within(deadline.last_call, self.queue.copy_to_dead_letters(message)).await {
            Ok(()) => Disposition::Delete,
            Err(error) => {
                warn_if_failed(Err(error));
                wait_unrecorded(message, deadline).await
            }
        }
    }
}

/// Waits before the message is delivered again: the ledger does not have the failure, so the next invocation could not
/// tell that it comes too early.
async fn wait_unrecorded(message: &SqsMessage, deadline: Deadline) -> Disposition {
    Disposition::Retry(deadline.wait(retry_delay(receive_count(message))).await)
}

async fn run_within<T>(time: Duration, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::time::timeout(time, work).await.unwrap_or(Err(Error::OutOfTime))
}

/// A failed call to the queue costs only time: the message is delivered again in any case, at the latest after the
/// queue's own visibility timeout.
fn warn_if_failed(result: Result<(), Error>) {
    if let Err(error) = result {
        warn!(error = error.describe(), "the call to the queue failed");
    }
}
