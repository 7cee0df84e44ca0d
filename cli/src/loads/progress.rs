//! Shows how far a load is while its uploader waits.

use restctl_contract::load::LedgerEntry;

use super::obstacle::Obstacle;
use super::state_text::describe_state;
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
