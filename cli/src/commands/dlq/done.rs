//! What became of each dead letter.

use restctl_contract::load::LoadId;
use serde::Serialize;

use crate::failure::{Exit, Failure, Result};
use crate::loads::dead_letter::DeadLetter;
use crate::terminal::output::{self, Format};
use crate::terminal::sanitize::sanitize_line;

pub(super) const NO_EVENT: &str = "it is no event of the data bucket";

#[derive(Serialize)]
pub(super) struct Done {
    message_id: String,
    load: Option<LoadId>,
    object: Option<String>,
    outcome: Outcome,
    reason: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// Its load is queued again, and it is gone.
    Redriven,
    /// Its load has been loaded since, and it is gone.
    AlreadyLoaded,
    Dropped,
    /// It stays, since nobody understands it.
    Left,
    /// It stays, though it should not have.
    Failed,
}

impl Done {
    /// Says so, too.
    pub(super) fn with(letter: &DeadLetter, load: Option<LoadId>, result: Result<Outcome>) -> Self {
        let (outcome, reason) = match result {
            Ok(Outcome::Left) => (Outcome::Left, Some(NO_EVENT.to_owned())),
            Ok(outcome) => (outcome, None),
            Err(failure) => (Outcome::Failed, Some(failure.to_single_line())),
        };
        let object = letter.object.as_ref().map(|object| object.key.clone());
        let done = Self { message_id: letter.message.id.clone(), load, object, outcome, reason };
        output::print_message(&done.in_words());
        done
    }

    pub(super) fn is_removed(&self) -> bool {
        !matches!(self.outcome, Outcome::Left | Outcome::Failed)
    }

    pub(super) fn is(&self, outcome: Outcome) -> bool {
        self.outcome == outcome
    }

    fn in_words(&self) -> String {
        let what = match (&self.load, &self.object) {
            (Some(load), Some(object)) => format!("the load {load} of {}", sanitize_line(object, 200)),
            (None, Some(object)) => format!("the load of {}", sanitize_line(object, 200)),
            _ => format!("the message {}", self.message_id),
        };
        let reason = self.reason.as_deref().unwrap_or_default();
        match self.outcome {
            Outcome::Redriven => format!("queued {what} again"),
            Outcome::AlreadyLoaded => format!("removed the dead letter of {what}, which is loaded"),
            Outcome::Dropped => format!("dropped the dead letter of {what}"),
            Outcome::Left => format!("left {what}: {reason}"),
            Outcome::Failed => format!("left {what}: {}", sanitize_line(reason, 500)),
        }
    }
}

/// Tells programs, and whether everything was done that was asked for.
pub(super) fn conclude(done: &[Done], named: &[LoadId], out_of_sight: usize) -> Result<()> {
    if output::chosen_format() == Format::Json {
        output::print_json(&done)?;
    }
    let is_missing = |load: &&LoadId| !done.iter().any(|done| done.load.as_ref() == Some(*load));
    if let Some(load) = named.iter().find(is_missing) {
        let failure =
            Failure::new(format!("there is no dead letter of the load {load}")).exit(Exit::NotFound);
        return Err(match out_of_sight {
            0 => failure.next(format!("restctl loads show {load}")),
            _ => failure
                .why(format!(
                    "of a queue like this SQS shows the first ten; about {out_of_sight} are behind them"
                ))
                .next(format!(
                    "restctl loads retry {load}, which needs no dead letter; or begin without --load"
                )),
        });
    }
    let stay = done.iter().filter(|done| !done.is_removed()).count();
    if stay + out_of_sight == 0 {
        return Ok(());
    }
    let failure =
        Failure::new(format!("{} of the dead letters stay", stay + out_of_sight)).exit(Exit::Partial);
    Err(match done.iter().any(|done| done.is(Outcome::Failed)) {
        true => {
            failure.next("the same command again, once what is named above is mended; twice does no harm")
        }
        false => failure.next("restctl dlq drop --all, which deletes also what is no load"),
    })
}
