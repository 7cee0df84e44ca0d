//! Shows the resources of the stack while CloudFormation works on them. A terminal has a line for each resource in progress,
//! which scrolls up when it is done. Elsewhere, each finished resource is a plain line.

use std::cell::RefCell;

use crate::aws::cloudformation::events::Event;
use crate::terminal::output;
use crate::terminal::progress::{ProgressBar, ProgressLines};

/// Lines of the terminal that are left for finished resources and the shell.
const RESERVED_LINES: u16 = 6;

/// The column in which a line continues that is too long for the terminal.
const MARGIN: usize = 4;

pub(crate) struct Progress {
    lines: ProgressLines,
    /// The resources in progress, oldest first. A resource has no bar if the terminal has no line left.
    running: RefCell<Vec<(String, Option<ProgressBar>)>>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self { lines: ProgressLines::new(), running: RefCell::default() }
    }

    /// Updates the line of the event's resource.
    pub(crate) fn show_event(&self, event: &Event) {
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
            self.lines.suspend(|| output::print_wrapped_message(format!("  {line}"), MARGIN));
            return;
        }
        let has_room =
            running.iter().filter(|(_, bar)| bar.is_some()).count() < usize::from(available_lines());
        let bar = has_room.then(|| self.lines.add_line(&line));
        running.push((event.resource.clone(), bar));
    }

    /// Clears the lines while `work` uses the terminal.
    pub(crate) fn suspend<T>(&self, work: impl FnOnce() -> T) -> T {
        self.lines.suspend(work)
    }
}

/// Returns how many lines the terminal has for resources in progress.
fn available_lines() -> u16 {
    let (height, _) = console::Term::stderr().size();
    height.saturating_sub(RESERVED_LINES).max(1)
}
