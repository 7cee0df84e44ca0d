//! Progress bars on standard error. Their texts are escaped like any other.

use std::fmt;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressState, ProgressStyle};

use super::sanitize::sanitize;

/// A bar or a spinner, which is drawn only on a terminal.
#[derive(Debug, Clone)]
pub(crate) struct ProgressBar(indicatif::ProgressBar);

impl ProgressBar {
    /// Returns a bar that is never drawn.
    pub(crate) fn hidden() -> Self {
        Self(indicatif::ProgressBar::hidden())
    }

    pub(crate) fn set_message(&self, message: &str) {
        self.0.set_message(sanitize(message));
    }

    pub(crate) fn set_position(&self, position: u64) {
        self.0.set_position(position);
    }

    pub(crate) fn position(&self) -> u64 {
        self.0.position()
    }

    pub(crate) fn inc(&self, delta: u64) {
        self.0.inc(delta);
    }

    /// Moves to a position that was reached without this command: it counts for no rate.
    pub(crate) fn start_at(&self, position: u64) {
        self.0.set_position(position);
        // The estimator takes note of the position only when the bar is drawn, and then has to forget how fast it was reached.
        self.0.set_message(self.0.message());
        self.0.reset_eta();
    }

    pub(crate) fn is_hidden(&self) -> bool {
        self.0.is_hidden()
    }

    /// Clears the bar while `work` uses the terminal.
    pub(crate) fn suspend<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.suspend(work)
    }

    pub(crate) fn finish_and_clear(&self) {
        self.0.finish_and_clear();
    }
}

/// Returns a progress bar of bytes.
pub(crate) fn bytes_bar(label: &str, total: u64) -> ProgressBar {
    let template = "{prefix} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
    ProgressBar(labeled_bar(indicatif::ProgressBar::new(total), label, template))
}

/// Returns a spinner with a message.
pub(crate) fn new_spinner(label: &str) -> ProgressBar {
    with_steady_tick(labeled_bar(indicatif::ProgressBar::new_spinner(), label, "{spinner} {prefix} {msg}"))
}

/// Returns a progress bar of rows with a message, or a spinner if their number is unknown.
pub(crate) fn rows_bar(label: &str, total: Option<u64>) -> ProgressBar {
    with_steady_tick(match total {
        Some(total) => {
            let template = "{spinner} {prefix} [{bar:30}] {pos}/{len} rows {rate} {eta} {msg}";
            labeled_bar(indicatif::ProgressBar::new(total), label, template)
        }
        None => {
            labeled_bar(indicatif::ProgressBar::new_spinner(), label, "{spinner} {prefix} {pos} rows {msg}")
        }
    })
}

/// Makes the bar move between updates.
fn with_steady_tick(bar: indicatif::ProgressBar) -> ProgressBar {
    bar.enable_steady_tick(Duration::from_millis(100));
    ProgressBar(bar)
}

fn labeled_bar(bar: indicatif::ProgressBar, label: &str, template: &str) -> indicatif::ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let rate = |state: &ProgressState, text: &mut dyn fmt::Write| {
        // The rate is left out if it cannot be formatted.
        let _ = write!(text, "{:.0}/s", state.per_sec());
    };
    bar.with_style(style.progress_chars("=> ").with_key("rate", rate)).with_prefix(sanitize(label))
}

/// Lines at the bottom of the terminal, one for each of several things in progress.
pub(crate) struct ProgressLines(MultiProgress);

impl ProgressLines {
    pub(crate) fn new() -> Self {
        Self(MultiProgress::new())
    }

    /// Adds a line, which says how long it has been there.
    pub(crate) fn add_line(&self, text: &str) -> ProgressBar {
        let style = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = self.0.add(indicatif::ProgressBar::new_spinner().with_style(style));
        let bar = with_steady_tick(bar);
        bar.set_message(text);
        bar
    }

    /// Clears the lines while `work` uses the terminal.
    pub(crate) fn suspend<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.suspend(work)
    }
}

impl Drop for ProgressLines {
    fn drop(&mut self) {
        // If the lines cannot be cleared, there is nowhere to say so.
        let _ = self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_before_counts_for_no_rate() {
        for bar in [bytes_bar("uploading", 1000), rows_bar("loading", Some(1000))] {
            bar.start_at(900);
            bar.set_message("drawn again");
            assert_eq!((bar.position(), bar.0.per_sec()), (900, 0.0));
            bar.set_position(901);
            bar.set_message("drawn again");
            assert!(bar.0.per_sec() > 0.0);
        }
    }
}
