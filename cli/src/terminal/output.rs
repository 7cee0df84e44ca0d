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

use crate::failure::{Failure, FailureContext, Result};

/// How everything is written: the arguments that every command takes beside its [`crate::cli::target::TargetArgs`].
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// How data is written: for people, or for programs
    #[arg(long, global = true, value_name = "FORMAT", value_enum, default_value = "text")]
    pub(crate) output: Format,

    /// When colours are used; NO_COLOR in the environment means never
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value = "auto")]
    pub(crate) color: Color,

    /// Ask nothing: an answer that is missing is an error, as it is off a terminal
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

/// From now on, for as long as the process lives.
pub(crate) fn configure(args: OutputArgs) {
    match args.color {
        // The terminal and NO_COLOR decide, for each of the two outputs.
        Color::Auto => {}
        Color::Always | Color::Never => {
            console::set_colors_enabled(args.color == Color::Always);
            console::set_colors_enabled_stderr(args.color == Color::Always);
        }
    }
    // It is called once; a second call would have nobody who gave it.
    let _ = OUTPUT_ARGS.set(args);
}

/// How data is written.
pub(crate) fn chosen_format() -> Format {
    OUTPUT_ARGS.get().map_or(Format::Text, |args| args.output)
}

/// A person reads the data: at a terminal, or behind a pipe that is to have colours, as before `less -R`.
#[expect(clippy::disallowed_methods, reason = "this is the module that prints")]
pub(crate) fn is_for_people() -> bool {
    let colored = OUTPUT_ARGS.get().is_some_and(|args| args.color == Color::Always);
    chosen_format() == Format::Text && (colored || io::stdout().is_terminal())
}

/// Writes data, and ends the process quietly with success where the reader has gone (`restctl get … | head`).
#[expect(clippy::disallowed_methods, reason = "this is the module that prints")]
pub(crate) fn write_bytes(bytes: &[u8]) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        written => written.context("standard output cannot be written"),
    }
}

/// Writes a line of data, and leaves it to the caller what becomes of a reader who has gone.
#[expect(clippy::disallowed_methods, reason = "this is the module that prints")]
pub(crate) fn write_line(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}").and_then(|()| stdout.flush())
}

/// [`write_bytes`], a line.
pub(crate) fn print_line(text: &str) -> Result<()> {
    write_bytes(format!("{text}\n").as_bytes())
}

/// [`print_line`], for programs.
pub(crate) fn print_json(value: &impl Serialize) -> Result<()> {
    print_line(&serde_json::to_string_pretty(value).context("the answer cannot be written as JSON")?)
}

/// A name and its value a line, the values below each other.
pub(crate) fn align_values(lines: &[(&str, String)]) -> String {
    let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let lines: Vec<String> = lines.iter().map(|(name, value)| format!("{name:width$}  {value}")).collect();
    lines.join("\n")
}

/// Columns beside each other, without lines. A last column that has nothing to say in any row is left out.
pub(crate) fn new_table(header: &[&str], rows: Vec<Vec<String>>) -> Table {
    let last_says_something = rows.iter().any(|row| row.last().is_some_and(|cell| !cell.is_empty()));
    let columns = if last_says_something { header.len() } else { header.len() - 1 };
    let rows = rows.into_iter().map(|row| row.into_iter().take(columns));
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.iter().take(columns)).add_rows(rows);
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 2));
    });
    table
}

/// How many columns the terminal has on which data appears; none where that is no terminal.
pub(crate) fn terminal_width() -> Option<usize> {
    let terminal = console::Term::stdout();
    terminal.is_term().then(|| usize::from(terminal.size().1))
}

/// A line for the person who typed the command. Standard error that cannot be written has nobody to tell.
#[expect(clippy::disallowed_methods, reason = "this is the module that prints")]
pub(crate) fn print_message(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// For people, or a line of JSON for programs.
pub(crate) fn print_failure(failure: &Failure) {
    match chosen_format() {
        Format::Text => print_message(&format!("{} {failure}", style("error:").red().bold().for_stderr())),
        Format::Json => print_message(&failure.json().to_string()),
    }
}

/// Someone is there to be asked, and may be: both ends of the conversation are a terminal.
#[expect(clippy::disallowed_methods, reason = "this is the module that prints")]
pub(crate) fn is_interactive() -> bool {
    let may_ask = OUTPUT_ARGS.get().is_none_or(|args| !args.no_input);
    may_ask && io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// A bar of bytes; indicatif draws it only on a terminal.
pub(crate) fn bytes_bar(label: &str, total: u64) -> ProgressBar {
    let template = "{prefix} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
    bar(ProgressBar::new(total), label, template)
}

/// A spinner with a message; indicatif draws it only on a terminal.
pub(crate) fn spinner(label: &str) -> ProgressBar {
    ticking(bar(ProgressBar::new_spinner(), label, "{spinner} {prefix} {msg}"))
}

/// A bar of rows with a message, or a spinner where their number is not known; indicatif draws it only on a terminal.
pub(crate) fn rows_bar(label: &str, total: Option<u64>) -> ProgressBar {
    ticking(match total {
        Some(total) => {
            let template = "{spinner} {prefix} [{bar:30}] {pos}/{len} rows {rate} {eta} {msg}";
            bar(ProgressBar::new(total), label, template)
        }
        None => bar(ProgressBar::new_spinner(), label, "{spinner} {prefix} {pos} rows {msg}"),
    })
}

/// It moves while nothing is known to.
fn ticking(bar: ProgressBar) -> ProgressBar {
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn bar(bar: ProgressBar, label: &str, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let rate = |state: &ProgressState, text: &mut dyn fmt::Write| {
        // Text that cannot be put together is not shown.
        let _ = write!(text, "{:.0}/s", state.per_sec());
    };
    bar.with_style(style.progress_chars("=> ").with_key("rate", rate)).with_prefix(label.to_owned())
}
