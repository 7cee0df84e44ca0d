//! Shows how far a load is while its uploader waits.

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
        (state, _) => state.to_string(),
    }
}
