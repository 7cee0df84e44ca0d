//! The only module that prints: data to standard output, everything else to standard error.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::failure::{During, Failure, Result};

/// Writes data, and ends the process quietly with success where the reader has gone (`restctl get … | head`).
#[expect(clippy::disallowed_methods, reason = "this is the module that prints")]
pub(crate) fn data(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.write_all(b"\n"))
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        written => written.during("standard output cannot be written"),
    }
}

/// A line for the person who typed the command. Standard error that cannot be written has nobody to tell.
#[expect(clippy::disallowed_methods, reason = "this is the module that prints")]
pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

pub(crate) fn failure(failure: &Failure) {
    say(&format!("error: {failure}"));
}

/// Someone is there to be asked: both ends of the conversation are a terminal.
#[expect(clippy::disallowed_methods, reason = "this is the module that prints")]
pub(crate) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// A bar of bytes; indicatif draws it only on a terminal.
pub(crate) fn bytes_bar(label: &str, total: u64) -> ProgressBar {
    let template = "{prefix} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
    bar(ProgressBar::new(total), label, template)
}

/// A spinner with a message; indicatif draws it only on a terminal.
pub(crate) fn spinner(label: &str) -> ProgressBar {
    let spinner = bar(ProgressBar::new_spinner(), label, "{spinner} {prefix} {msg}");
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}

fn bar(bar: ProgressBar, label: &str, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style.progress_chars("=> ")).with_prefix(label.to_owned())
}
