//! Prints events for people or for programs.

use console::Style;

use super::{LoggedFunction, json, line};
use crate::aws::cloudwatchlogs::LogEvent;
use crate::failure::Result;
use crate::terminal::output;
use crate::terminal::text::Text;
use crate::timestamp;

pub(super) struct LogPrinter {
    for_people: bool,
    /// Whether to print the lines in which Lambda says only that an invocation went as it should.
    all: bool,
    /// Whether all lines so far were left out.
    pub(super) has_printed_none: bool,
    /// The date of the last printed line.
    date: String,
}

impl LogPrinter {
    pub(super) fn new(all: bool) -> Self {
        Self { for_people: output::is_for_people(), all, has_printed_none: true, date: String::new() }
    }

    pub(super) fn print_event(&mut self, function: LoggedFunction, event: &LogEvent) -> Result<()> {
        if !self.all && line::is_routine(&event.message) {
            return Ok(());
        }
        self.has_printed_none = false;
        let written = timestamp::from_milliseconds(event.timestamp).unwrap_or_default();
        if !self.for_people {
            return output::print_json_line(&json::json_line(function, &written, &event.message));
        }
        let (date, time) = written.split_once('T').unwrap_or_default();
        if self.date != date {
            date.clone_into(&mut self.date);
            output::print_text(Text::styled(&format!("{date}, UTC"), &Style::new().dim()))?;
        }
        let time = time.trim_end_matches('Z');
        output::print_wrapped_text(
            &line::format_line(function, time, &event.message),
            time.len() + line::NAME_COLUMNS + 2,
        )
    }
}
