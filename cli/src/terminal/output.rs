//! The only module that prints: data to standard output, everything else to standard error.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, OnceLock};

use clap::{Args, ValueEnum};
use comfy_table::{ContentArrangement, Table, presets};
use console::{Style, Term};
use restctl_contract::escape::is_unsafe;
use serde::Serialize;
use serde_json::Value;

use super::advice;
use super::sanitize::{Syntax, escape_data, escape_json, sanitize};
use super::sent_secrets;
use super::text::{GAP, Text, cut_lines};
use crate::failure::{Exit, Failure, FailureContext, Result};

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

/// Sets how this process writes a failure before [`configure`]: `--output` may be part of what cannot be parsed.
pub(crate) fn configure_failures(output: Format) {
    configure(OutputArgs { output, color: Color::Auto, no_input: false });
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

/// Whether data is read on a terminal, where it must be escaped. Elsewhere its bytes are what they are.
#[expect(clippy::disallowed_methods, reason = "this is the module that prints")]
fn is_data_on_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Writes data, escaped if it goes to a terminal. If the reader is gone (`restctl get … | head`), the process ends quietly with
/// success.
pub(crate) fn write_data(bytes: &[u8], syntax: Syntax) -> Result<()> {
    if is_data_on_terminal() {
        return write_bytes(escape_data(bytes, syntax).as_bytes());
    }
    write_bytes(bytes)
}

#[expect(clippy::disallowed_methods, reason = "this is the module that prints")]
fn write_bytes(bytes: &[u8]) -> Result<()> {
    let mut stdout = io::stdout().lock();
    end_if_reader_is_gone(stdout.write_all(bytes).and_then(|()| stdout.flush()))
}

/// Returns what became of a write to standard output.
fn end_if_reader_is_gone(written: io::Result<()>) -> Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        written => written
            .context("cannot write to standard output")
            .map_err(|failure| failure.next("write to a disk with more space, or into another program")),
    }
}

/// Writes a JSON text as a line. The caller decides what to do if the reader is gone.
#[expect(clippy::disallowed_methods, reason = "this is the module that prints")]
pub(super) fn write_json_line(json: &str) -> io::Result<()> {
    let json = prepare_json(json);
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{json}").and_then(|()| stdout.flush())
}

/// Writes a JSON text as a line, as [`write_data`] does.
pub(crate) fn print_json_line(json: &str) -> Result<()> {
    write_bytes(format!("{}\n", prepare_json(json)).as_bytes())
}

/// Removes secrets that were sent, and escapes the text for a terminal.
fn prepare_json(json: &str) -> String {
    let json = sent_secrets::redact(json);
    if is_data_on_terminal() { escape_json(&json) } else { json.into_owned() }
}

/// Writes lines for people, as [`write_data`] does. They are escaped wherever they go: a name with a line break must not look
/// like two rows.
pub(crate) fn print_text(text: impl Into<Text>) -> Result<()> {
    write_bytes(format!("{}\n", text.into().as_str()).as_bytes())
}

/// [`print_text`], with what does not fit into a line of the terminal indented by `margin`.
pub(crate) fn print_wrapped_text(text: &Text, margin: usize) -> Result<()> {
    print_text(terminal_width().map_or_else(|| text.clone(), |width| text.wrapped(width, margin)))
}

/// Writes data as indented JSON.
pub(crate) fn print_json(value: &impl Serialize) -> Result<()> {
    print_json_line(&serde_json::to_string_pretty(value).context("cannot write the answer as JSON")?)
}

/// Writes one of several results as a line of JSON, or the only one as indented JSON.
pub(crate) fn print_json_result(value: &impl Serialize, results: usize) -> Result<()> {
    match results {
        1 => print_json(value),
        _ => print_json_line(&serde_json::to_string(value).context("cannot write the answer as JSON")?),
    }
}

/// Formats each name and value as a line, with the values aligned and wrapped for the terminal.
pub(crate) fn align_values<V: Clone + Into<Text>>(lines: &[(&str, V)]) -> Text {
    let pairs = lines.iter().map(|(name, value)| (sanitize(name), value.clone().into().cut()));
    Text::from_pairs(&pairs.collect::<Vec<_>>(), terminal_width())
}

/// Returns a table without borders, which is wrapped for the terminal. A last column that is empty in each row is left out.
pub(crate) fn new_table<C: Into<Text>>(header: &[&str], rows: Vec<Vec<C>>) -> Table {
    let cells = |row: Vec<C>| row.into_iter().map(|cell| cell.into().cut()).collect::<Vec<Text>>();
    let rows: Vec<Vec<Text>> = rows.into_iter().map(cells).collect();
    let last_has_text = rows.iter().any(|row| row.last().is_some_and(|cell| !cell.is_empty()));
    let columns = if last_has_text { header.len() } else { header.len() - 1 };
    let rows = rows.iter().map(|row| row.iter().take(columns).map(Text::as_str));
    let mut table = Table::new();
    let header = header.iter().take(columns).map(|name| sanitize(name));
    table.load_style(presets::NOTHING).set_header(header).add_rows(rows);
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, GAP));
    });
    if let Some(width) = terminal_width() {
        // The last column needs no gap after it.
        let width = u16::try_from(width).unwrap_or(u16::MAX).saturating_add(GAP);
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    table
}

/// Returns the width of standard output in columns, or `None` if it is not a terminal.
pub(crate) fn terminal_width() -> Option<usize> {
    width_of(&Term::stdout())
}

fn width_of(terminal: &Term) -> Option<usize> {
    terminal.is_term().then(|| usize::from(terminal.size().1))
}

/// Writes a message for the user to standard error, with the target of its commands. If that fails, there is nowhere to say so.
#[expect(clippy::disallowed_methods, reason = "this is the module that prints")]
pub(crate) fn print_message(text: impl Into<Text>) {
    let _ = writeln!(io::stderr(), "{}", advice::name_target(text.into().cut().as_str()));
}

/// [`print_message`], with what does not fit into a line of the terminal indented by `margin`. Not for commands, which are copied.
pub(crate) fn print_wrapped_message(text: impl Into<Text>, margin: usize) {
    let text = text.into().cut();
    print_message(
        width_of(&Term::stderr()).map_or_else(|| text.clone(), |width| text.wrapped(width, margin)),
    );
}

/// Writes a failure to standard error: as text, or as a line of JSON.
#[expect(clippy::disallowed_methods, reason = "this is the module that prints")]
pub(crate) fn print_failure(failure: &Failure) {
    match chosen_format() {
        Format::Text => {
            let mut text = Text::styled("error:", &Style::new().red().bold().for_stderr());
            text.push(" ");
            text.push(Text::from_lines(failure.to_lines()));
            print_message(text);
        }
        Format::Json => {
            let line = describe_failure(failure).to_string();
            let _ = writeln!(io::stderr(), "{}", escape_json(&sent_secrets::redact(&line)));
        }
    }
}

/// Held while the process ends, so that it ends once.
static ENDING: Mutex<()> = Mutex::new(());

/// Ends the process, unless Ctrl-C has begun to end it with a message.
pub(crate) fn exit_with(exit: Exit) -> ! {
    let _ending = ENDING.lock();
    std::process::exit(exit as i32)
}

/// Writes the failure and ends the process. If two threads fail, as with Ctrl-C during a failure, only the first one writes.
pub(crate) fn exit_with_failure(failure: &Failure) -> ! {
    let _ending = ENDING.lock();
    let terminal = Term::stderr();
    if failure.exit == Exit::Interrupted && terminal.is_term() {
        // After the ^C that the terminal shows. A question may have hidden the cursor.
        let _ = terminal.clear_line().and_then(|()| terminal.show_cursor());
    }
    print_failure(failure);
    std::process::exit(failure.exit as i32)
}

/// Returns the failure as JSON, with its texts cut as in any message.
pub(super) fn describe_failure(failure: &Failure) -> Value {
    let mut json = failure.to_json();
    json["next"] = json["next"].as_str().map(advice::name_target).into();
    for text in json.as_object_mut().into_iter().flat_map(|members| members.values_mut()) {
        if let Value::String(text) = text {
            *text = cut_lines(text);
        }
    }
    json
}

/// Prints the help or the error of clap, and ends the process as clap does. An error quotes words and values of restctl.toml
/// that someone else may have chosen.
pub(crate) fn exit_with_clap_error(error: &clap::Error) -> ! {
    if error.use_stderr() && chosen_format() == Format::Json {
        exit_with_failure(&clap_failure(error));
    }
    let text = error.render().to_string();
    let is_safe = !text.contains(|character| is_unsafe(character) && character != '\n');
    let written = match error.use_stderr() {
        _ if is_safe => end_if_reader_is_gone(error.print()),
        true => {
            print_message(Text::from_lines(text.lines()));
            Ok(())
        }
        false => print_text(Text::from_lines(text.lines())),
    };
    match written {
        Err(failure) if !error.use_stderr() => exit_with_failure(&failure),
        // If a message cannot be written, there is nowhere to say so.
        _ => std::process::exit(error.exit_code()),
    }
}

/// Returns clap's error without its last paragraphs, which repeat the command's usage.
fn clap_failure(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let join_lines = |paragraph: &str| paragraph.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let paragraphs =
        text.split("\n\n").take_while(|text| !text.starts_with("Usage:") && !text.starts_with("For more"));
    let mut paragraphs = paragraphs.map(join_lines);
    let what = paragraphs.next().unwrap_or_default();
    Failure::usage(what.trim_start_matches("error: ")).why_lines(paragraphs)
}

/// Whether the user can be asked: standard input and standard error are terminals, and `--no-input` is not given.
#[expect(clippy::disallowed_methods, reason = "this is the module that prints")]
pub(crate) fn is_interactive() -> bool {
    let may_ask = OUTPUT_ARGS.get().is_none_or(|args| !args.no_input);
    may_ask && io::stdin().is_terminal() && io::stderr().is_terminal()
}
