use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use tracing::field::Empty;
use tracing::{Instrument, error, info, info_span, warn};

use crate::error::Error;
use crate::load::{self, Ingest, Outcome};
use crate::message::{Deadline, ObjectCreated, receives, rest_after};

/// Less than the time that a deadline keeps for the last words.
const LAST_CALL: Duration = Duration::from_secs(2);

/// What is to become of a message.
enum Fate {
    /// It is done with, and may be deleted.
    Done,
    /// It comes again after this time, before those behind it.
    ComesAgain(Duration),
}

impl Ingest {
    /// Loads one message after the other. The first one that is not done is reported together with all that follow,
    /// so that a FIFO queue keeps their order.
    pub(crate) async fn handle(
        &self,
        event: SqsEvent,
        deadline: Deadline,
    ) -> Result<SqsBatchResponse, lambda_runtime::Error> {
        let mut response = SqsBatchResponse::default();
        for (index, message) in event.records.iter().enumerate() {
            // What is told of a message is told of its load.
            let span = info_span!("message", id = message.message_id, load = Empty, object = Empty);
            let fate = self.message(message, deadline).instrument(span.clone()).await;
            let Fate::ComesAgain(rest) = fate else { continue };
            for message in &event.records[index..] {
                // An identifier that the queue does not know would fail the whole batch anyway.
                let id =
                    message.message_id.as_deref().ok_or("a message without an identifier comes again")?;
                response.add_failure(id);
            }
            // From here on another invocation may have the message.
            let shown = last_call(self.queue.show_after(message, rest)).await;
            span.in_scope(|| warn_of(shown));
            break;
        }
        Ok(response)
    }

    async fn message(&self, message: &SqsMessage, deadline: Deadline) -> Fate {
        warn_of(self.queue.hold(message, deadline.until_end()).await);
        let loaded = match ObjectCreated::parse(message.body.as_deref().unwrap_or_default()) {
            Ok(created) if created.is_rejects_file() => {
                info!(object = created.key, "rejects are no load");
                return Fate::Done;
            }
            Ok(created) => {
                let time = deadline.until_end().saturating_sub(LAST_CALL);
                tokio::time::timeout(time, load::run(self, &created, deadline)).await
            }
            Err(error) => Ok(Err(error)),
        };
        match loaded.unwrap_or(Err(Error::OutOfTime)) {
            Ok(Outcome::Settled) => Fate::Done,
            Ok(Outcome::Continues) => {
                info!("time is short: the load goes on in the next invocation");
                Fate::ComesAgain(Duration::ZERO)
            }
            Ok(Outcome::Rests(failures)) => Fate::ComesAgain(rest_after(failures)),
            Ok(Outcome::Stopped) => {
                error!("the load stops: its message becomes a dead letter");
                self.bury(message).await
            }
            Err(error @ Error::NoEvent(_)) => {
                error!(error = error.chain(), "the message cannot be understood");
                self.bury(message).await
            }
            Err(error) => {
                error!(error = error.chain(), "the message will come again");
                Fate::ComesAgain(rest_after(receives(message)))
            }
        }
    }

    /// A message is done with in this queue only when it is in the other one.
    async fn bury(&self, message: &SqsMessage) -> Fate {
        match last_call(self.queue.bury(message)).await {
            Ok(()) => Fate::Done,
            Err(error) => {
                warn_of(Err(error));
                Fate::ComesAgain(rest_after(receives(message)))
            }
        }
    }
}

async fn last_call(call: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    tokio::time::timeout(LAST_CALL, call).await.unwrap_or(Err(Error::OutOfTime))
}

/// What fails here costs time and nothing else: the message comes again in any case, if only after the queue's own
/// visibility timeout.
fn warn_of(called: Result<(), Error>) {
    if let Err(error) = called {
        warn!(error = error.chain(), "the queue could not be told");
    }
}
