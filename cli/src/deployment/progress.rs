//! Each resource of the stack, as CloudFormation works on it: on a terminal a line for each that is under way, which
//! scrolls up when it is done; elsewhere a plain line for each that is done.

use std::cell::RefCell;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::aws::cloudformation::events::Event;
use crate::terminal::output;

/// Lines of the terminal that are left to what is done and to the shell.
const LINES_LEFT: u16 = 6;

pub(crate) struct Progress {
    lines: MultiProgress,
    /// Those under way, the longest first; without a bar where the terminal has no line for it.
    running: RefCell<Vec<(String, Option<ProgressBar>)>>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self { lines: MultiProgress::new(), running: RefCell::default() }
    }

    pub(crate) fn show(&self, event: &Event) {
        let mut running = self.running.borrow_mut();
        if let Some(place) = running.iter().position(|(resource, _)| *resource == event.resource) {
            let (_, bar) = running.remove(place);
            if let Some(bar) = bar {
                bar.finish_and_clear();
            }
        }
        let mut line = format!("{:<20} {} ({})", event.status.as_str(), event.resource, event.kind);
        if let Some(reason) = event.reason.as_deref().filter(|_| event.has_failed()) {
            line = format!("{line}: {reason}");
        }
        if event.has_ended() {
            self.lines.suspend(|| output::print_message(&format!("  {line}")));
            return;
        }
        let has_room = running.iter().filter(|(_, bar)| bar.is_some()).count() < usize::from(room());
        let bar = has_room.then(|| self.lines.add(bar(line)));
        running.push((event.resource.clone(), bar));
    }

    /// Does something else with the terminal.
    pub(crate) fn suspend<T>(&self, work: impl FnOnce() -> T) -> T {
        self.lines.suspend(work)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        // A terminal that cannot be cleared has nobody to tell.
        let _ = self.lines.clear();
    }
}

/// How many lines the terminal has for what is under way.
fn room() -> u16 {
    let (height, _) = console::Term::stderr().size();
    height.saturating_sub(LINES_LEFT).max(1)
}

fn bar(line: String) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}");
    let bar =
        ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(Duration::from_millis(100));
    bar.with_message(line)
}
