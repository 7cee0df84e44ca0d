//! What a command did with each dead letter.

use restctl_contract::load::LoadId;
use serde::Serialize;

use crate::failure::{Exit, Failure, Result};
use crate::loads::dead_letter::DeadLetter;
use crate::terminal::output::{self, Format};
use crate::terminal::sanitize::sanitize_line;

pub(super) const NO_EVENT: &str = "it is not an event of the data bucket";

#[derive(Serialize)]
pub(super) struct HandledLetter {
    message_id: String,
    load: Option<LoadId>,
    object: Option<String>,
    outcome: LetterOutcome,
    reason: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LetterOutcome {
    /// Deleted, after its load was queued again.
    Redriven,
    /// Deleted, because its load was loaded in the meantime.
    AlreadyLoaded,
    Dropped,
    /// Kept, because it is not an event of a load.
    Left,
    /// Kept, because something failed.
    Failed,
}

impl HandledLetter {
    /// Records the outcome and prints it.
    pub(super) fn record_outcome(
        letter: &DeadLetter,
        load: Option<LoadId>,
        result: Result<LetterOutcome>,
    ) -> Self {
        let (outcome, reason) = match result {
            Ok(LetterOutcome::Left) => (LetterOutcome::Left, Some(NO_EVENT.to_owned())),
            Ok(outcome) => (outcome, None),
            Err(failure) => (LetterOutcome::Failed, Some(failure.to_single_line())),
        };
        let object = letter.object.as_ref().map(|object| object.key.clone());
        let handled = Self { message_id: letter.message.id.clone(), load, object, outcome, reason };
        output::print_message(handled.describe_outcome());
        handled
    }

    pub(super) fn is_deleted(&self) -> bool {
        !matches!(self.outcome, LetterOutcome::Left | LetterOutcome::Failed)
    }

    pub(super) fn has_outcome(&self, outcome: LetterOutcome) -> bool {
        self.outcome == outcome
    }

    fn describe_outcome(&self) -> String {
        let what = match (&self.load, &self.object) {
            (Some(load), Some(object)) => format!("the load {load} of {}", sanitize_line(object, 200)),
            (None, Some(object)) => format!("the load of {}", sanitize_line(object, 200)),
            _ => format!("the message {}", self.message_id),
        };
        let reason = self.reason.as_deref().unwrap_or_default();
        match self.outcome {
            LetterOutcome::Redriven => format!("queued {what} again"),
            LetterOutcome::AlreadyLoaded => format!("deleted the dead letter of {what}, which is loaded"),
            LetterOutcome::Dropped => format!("dropped the dead letter of {what}"),
            LetterOutcome::Left => format!("kept {what}: {reason}"),
            LetterOutcome::Failed => format!("kept {what}: {}", sanitize_line(reason, 500)),
        }
    }
}

/// Prints the outcomes as JSON if that is the output format. Returns an error unless everything requested was done.
///
/// `requested` are the loads named on the command line; `unseen` is how many letters SQS did not show.
pub(super) fn report_outcomes(handled: &[HandledLetter], requested: &[LoadId], unseen: usize) -> Result<()> {
    if output::chosen_format() == Format::Json {
        output::print_json(&handled)?;
    }
    let is_missing = |load: &&LoadId| !handled.iter().any(|letter| letter.load.as_ref() == Some(*load));
    if let Some(load) = requested.iter().find(is_missing) {
        let failure =
            Failure::new(format!("there is no dead letter of the load {load}")).exit(Exit::NotFound);
        return Err(match unseen {
            0 => failure.next(format!("restctl loads show {load}")),
            _ => failure
                .why(format!(
                    "SQS shows only the first ten messages of a FIFO queue; about {unseen} are behind them"
                ))
                .next(format!(
                    "restctl loads retry {load}, which needs no dead letter; or start without --load"
                )),
        });
    }
    let kept = handled.iter().filter(|letter| !letter.is_deleted()).count();
    if kept + unseen == 0 {
        return Ok(());
    }
    let failure = Failure::new(format!("{} of the dead letters remain", kept + unseen)).exit(Exit::Partial);
    Err(match handled.iter().any(|letter| letter.has_outcome(LetterOutcome::Failed)) {
        true => {
            failure.next("fix the causes above, then run the same command again: repeating it does no harm")
        }
        false => failure.next("restctl dlq drop --all, which also deletes messages that are not loads"),
    })
}
