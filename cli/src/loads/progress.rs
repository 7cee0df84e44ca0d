//! Shows how far a load is while its uploader waits.

use restctl_contract::event::VISIBILITY_TIMEOUT;
use restctl_contract::load::{LedgerEntry, LoadState, MAX_ATTEMPTS};
use restctl_contract::timestamp::to_rfc3339;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::obstacle::Obstacle;
use crate::terminal::output;
use crate::terminal::progress::{self, ProgressBar};

/// A progress bar on a terminal. Elsewhere, a line whenever the load's state changes.
pub(super) struct LoadProgress {
    bar: ProgressBar,
    state: String,
}

impl LoadProgress {
    /// `rows` is how many the file has, if that is known.
    pub(super) fn new(rows: Option<u64>) -> Self {
        Self { bar: progress::rows_bar("loading", rows), state: String::new() }
    }

    pub(super) fn update(&mut self, entry: Option<&LedgerEntry>, obstacle: Option<&Obstacle>) {
        let rows = entry.map_or(0, |entry| entry.progress.max(entry.receipt.read));
        match self.bar.position() {
            // Neither the time in the queue nor the rows of earlier attempts count for the rate.
            0 => self.bar.start_at(rows),
            _ => self.bar.set_position(rows),
        }
        let mut state = describe_state(entry);
        state.extend(obstacle.map(|obstacle| format!(": {}", obstacle.reason)));
        let extent = obstacle.map_or("", |obstacle| obstacle.extent.as_str());
        self.bar.set_message(&format!("{state}{extent}"));
        if self.state != state {
            if self.bar.is_hidden() {
                output::print_message(format!("{state}{extent}"));
            }
            self.state = state;
        }
    }
}

impl Drop for LoadProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

pub(super) fn describe_state(entry: Option<&LedgerEntry>) -> String {
    let Some(entry) = entry else { return "waiting for its turn".to_owned() };
    match (entry.state, &entry.reason) {
        (LoadState::Loading, Some(reason)) => {
            let (attempts, latest) = (entry.attempts, describe_latest_attempt(entry));
            format!(
                "attempt {attempts} of {MAX_ATTEMPTS} (if none is running, another begins {latest}), after a failure: {reason}"
            )
        }
        (LoadState::Loading, None) if entry.attempts == 0 => {
            format!(
                "waiting for the next run of the function, which begins {}",
                describe_latest_attempt(entry)
            )
        }
        (state, _) => state.to_string(),
    }
}

/// Describes when the next attempt at a load begins, if none is running.
pub(crate) fn describe_next_attempt(entry: &LedgerEntry) -> Option<String> {
    let is_waiting = entry.state == LoadState::Loading && (entry.attempts == 0 || entry.reason.is_some());
    is_waiting.then(|| format!("{} of the last update, if none is running", describe_longest_pause()))
}

/// Says until when the next attempt begins.
fn describe_latest_attempt(entry: &LedgerEntry) -> String {
    match OffsetDateTime::parse(&entry.updated, &Rfc3339) {
        Ok(updated) => format!("by {}", to_rfc3339(updated + VISIBILITY_TIMEOUT)),
        Err(_) => describe_longest_pause(),
    }
}

/// Mostly it begins much sooner: at once if time ran short, after a failure between 30 seconds and 15 minutes later.
fn describe_longest_pause() -> String {
    format!("within {} minutes", VISIBILITY_TIMEOUT.as_secs() / 60)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::loads::test_entry::ledger_entry;

    #[test]
    fn a_load_that_waits_for_its_next_attempt_says_for_how_long() {
        let (failure, pause) =
            (Some("S3 is away"), Some("within 30 minutes of the last update, if none is running"));
        for (state, attempts, reason, described, next) in [
            ("loading", 1, None, "loading", None),
            (
                "loading",
                0,
                None,
                "waiting for the next run of the function, which begins by 2026-01-15T10:00:07.000Z",
                pause,
            ),
            (
                "loading",
                2,
                failure,
                "attempt 2 of 5 (if none is running, another begins by 2026-01-15T10:00:07.000Z), after a failure: S3 is away",
                pause,
            ),
            ("stopped", 5, failure, "stopped", None),
            ("ignored", 0, failure, "ignored", None),
        ] {
            let entry = ledger_entry(&json!({ "state": state, "reason": reason, "attempts": attempts }));
            assert_eq!(describe_state(Some(&entry)), described);
            assert_eq!(describe_next_attempt(&entry).as_deref(), next, "{described}");
        }
    }
}
