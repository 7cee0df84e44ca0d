//! The only module that prints: data to standard output, everything else to standard error.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;
use std::time::Duration;

use clap::{Args, ValueEnum};
use comfy_table::{Table, presets};
use console::style;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use serde::Serialize;

use super::sanitize::sanitize;
use crate::failure::{Failure, FailureContext, Result};

/// The output arguments, which every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Write data for people or for programs
    #[arg(long, global = true, value_name = "FORMAT", value_enum, default_value = "text")]
    pub(crate) output: Format,

    /// When to use colors; NO_COLOR in the environment means never
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value = "auto")]
    pub(crate) color: Color,

    /// Do not ask; a missing answer is an error, as it is without a terminal
    #[arg(long, global = true)]
    pub(crate) no_input: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

static OUTPUT_ARGS: OnceLock<OutputArgs> = OnceLock::new();

/// Sets how this process writes. Called once, before anything is written.
pub(crate) fn configure(args: OutputArgs) {
    match args.color {
        // The terminal and NO_COLOR decide, separately for standard output and standard error.
        Color::Auto => {}
        Color::Always | Color::Never => {
            console::set_colors_enabled(args.color == Color::Always);
            console::set_colors_enabled_stderr(args.color == Color::Always);
        }
    }
    let _ = OUTPUT_ARGS.set(args);
}

/// Returns the value of `--output`.
pub(crate) fn chosen_format() -> Format {
    OUTPUT_ARGS.get().map_or(Format::Text, |args| args.output)
}

/// Whether a person reads the data: on a terminal, or through a pipe that wants colors, such as to `less -R`.
#[expect(clippy::disallowed_methods, reason = "this is the module that prints")]
pub(crate) fn is_for_people() -> bool {
    let colored = OUTPUT_ARGS.get().is_some_and(|args| args.color == Color::Always);
    chosen_format() == Format::Text && (colored || io::stdout().is_terminal())
}

/// Writes data. If the reader is gone (`restctl get … | head`), the process ends quietly with success.
#[expect(clippy::disallowed_methods, reason = "this is the module that prints")]
pub(crate) fn write_bytes(bytes: &[u8]) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        written => written
            .context("cannot write to standard output")
            .map_err(|failure| failure.next("write to a disk with more space, or into another program")),
    }
}

/// Writes a line of data. The caller decides what to do if the reader is gone.
#[expect(clippy::disallowed_methods, reason = "this is the module that prints")]
pub(crate) fn write_line(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}").and_then(|()| stdout.flush())
}

/// Writes a line of data, as [`write_bytes`] does.
pub(crate) fn print_line(text: &str) -> Result<()> {
    write_bytes(format!("{text}\n").as_bytes())
}

/// Writes data as indented JSON.
pub(crate) fn print_json(value: &impl Serialize) -> Result<()> {
    print_line(&serde_json::to_string_pretty(value).context("cannot write the answer as JSON")?)
}

/// Formats each name and value as a line, with the values aligned.
pub(crate) fn align_values(lines: &[(&str, String)]) -> String {
    let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let lines: Vec<String> = lines.iter().map(|(name, value)| format!("{name:width$}  {value}")).collect();
    lines.join("\n")
}

/// Returns a table without borders. A last column that is empty in each row is left out.
pub(crate) fn new_table(header: &[&str], rows: Vec<Vec<String>>) -> Table {
    let last_has_text = rows.iter().any(|row| row.last().is_some_and(|cell| !cell.is_empty()));
    let columns = if last_has_text { header.len() } else { header.len() - 1 };
    let rows = rows.into_iter().map(|row| row.into_iter().take(columns));
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.iter().take(columns)).add_rows(rows);
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 2));
    });
    table
}

/// Returns the width of standard output in columns, or `None` if it is not a terminal.
pub(crate) fn terminal_width() -> Option<usize> {
    let terminal = console::Term::stdout();
    terminal.is_term().then(|| usize::from(terminal.size().1))
}

/// Writes a line for the user to standard error. If that fails, there is nowhere to say so.
#[expect(clippy::disallowed_methods, reason = "this is the module that prints")]
pub(crate) fn print_message(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Writes a failure to standard error: as text, or as a line of JSON.
pub(crate) fn print_failure(failure: &Failure) {
    match chosen_format() {
        Format::Text => {
            // It may quote a file, an object's name or a service.
            let lines: Vec<String> = failure.to_string().split('\n').map(sanitize).collect();
            let text = lines.join("\n");
            print_message(&format!("{} {text}", style("error:").red().bold().for_stderr()));
        }
        Format::Json => print_message(&failure.to_json().to_string()),
    }
}

/// Whether the user can be asked: standard input and standard error are terminals, and `--no-input` is not given.
#[expect(clippy::disallowed_methods, reason = "this is the module that prints")]
pub(crate) fn is_interactive() -> bool {
    let may_ask = OUTPUT_ARGS.get().is_none_or(|args| !args.no_input);
    may_ask && io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Returns a progress bar of bytes. Like every bar, it is drawn only on a terminal.
pub(crate) fn bytes_bar(label: &str, total: u64) -> ProgressBar {
    let template = "{prefix} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
    labeled_bar(ProgressBar::new(total), label, template)
}

/// Returns a spinner with a message.
pub(crate) fn new_spinner(label: &str) -> ProgressBar {
    with_steady_tick(labeled_bar(ProgressBar::new_spinner(), label, "{spinner} {prefix} {msg}"))
}

/// Returns a progress bar of rows with a message, or a spinner if their number is unknown.
pub(crate) fn rows_bar(label: &str, total: Option<u64>) -> ProgressBar {
    with_steady_tick(match total {
        Some(total) => {
            let template = "{spinner} {prefix} [{bar:30}] {pos}/{len} rows {rate} {eta} {msg}";
            labeled_bar(ProgressBar::new(total), label, template)
        }
        None => labeled_bar(ProgressBar::new_spinner(), label, "{spinner} {prefix} {pos} rows {msg}"),
    })
}

/// Makes the bar move between updates.
fn with_steady_tick(bar: ProgressBar) -> ProgressBar {
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn labeled_bar(bar: ProgressBar, label: &str, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let rate = |state: &ProgressState, text: &mut dyn fmt::Write| {
        // The rate is left out if it cannot be formatted.
        let _ = write!(text, "{:.0}/s", state.per_sec());
    };
    bar.with_style(style.progress_chars("=> ").with_key("rate", rate)).with_prefix(label.to_owned())
}
