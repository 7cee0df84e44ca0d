//! Shows how far a load is while its uploader waits.

use restctl_contract::event::VISIBILITY_TIMEOUT;
use restctl_contract::load::{LedgerEntry, LoadState, MAX_ATTEMPTS};

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

    pub(super) fn update(&mut self, entry: Option<&LedgerEntry>) {
        let rows = entry.map_or(0, |entry| entry.progress.max(entry.receipt.read));
        if rows > 0 && self.bar.position() == 0 {
            // The time in the queue does not count for the rate.
            self.bar.reset_eta();
        }
        self.bar.set_position(rows);
        let state = describe_state(entry);
        if self.state != state {
            if self.bar.is_hidden() {
                output::print_message(&state);
            }
            self.bar.set_message(&state);
            self.state = state;
        }
    }
}

impl Drop for LoadProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn describe_state(entry: Option<&LedgerEntry>) -> String {
    let Some(entry) = entry else { return "waiting for its turn".to_owned() };
    match (entry.state, &entry.reason) {
        (LoadState::Loading, Some(reason)) => {
            format!("attempt {} of {MAX_ATTEMPTS}, after a failure: {reason}", entry.attempts)
        }
        (LoadState::Loading, None) if entry.attempts == 0 => {
            format!("waiting for the next run of the function, which begins {}", describe_longest_pause())
        }
        (state, _) => state.to_string(),
    }
}

/// Describes when the next attempt at a load begins, if none is running.
pub(crate) fn describe_next_attempt(entry: &LedgerEntry) -> Option<String> {
    let is_waiting = entry.state == LoadState::Loading && (entry.attempts == 0 || entry.reason.is_some());
    is_waiting.then(|| format!("{} of the last update, if none is running", describe_longest_pause()))
}

/// Mostly it begins much sooner: at once if time ran short, after a failure between 30 seconds and 15 minutes later.
fn describe_longest_pause() -> String {
    format!("within {} minutes", VISIBILITY_TIMEOUT.as_secs() / 60)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
                "waiting for the next run of the function, which begins within 30 minutes",
                pause,
            ),
            ("loading", 2, failure, "attempt 2 of 5, after a failure: S3 is away", pause),
            ("stopped", 5, failure, "stopped", None),
            ("ignored", 0, failure, "ignored", None),
        ] {
            let entry = json!({ "load": "0123456789abcdef", "object": "a.csv", "version": "v1", "size": 1, "uploaded": "",
                "began": "", "updated": "", "state": state, "reason": reason, "attempts": attempts, "progress": 0,
                "position": { "offset": 0, "line": 1 }, "blind": false, "confirmed": { "offset": 0, "line": 1 },
                "reject_parts": 0, "read": 0, "new": 0, "changed": 0, "unchanged": 0, "stale": 0, "rejected": 0,
                "duplicates": 0, "read_units": 0.0, "write_units": 0.0, "seconds": 0.0 });
            let entry: LedgerEntry = serde_json::from_value(entry).unwrap();
            assert_eq!(describe_state(Some(&entry)), described);
            assert_eq!(describe_next_attempt(&entry).as_deref(), next, "{described}");
        }
    }
}
