//! Questions to the user. Without a terminal, the failure names the flag to use instead.

use std::io::ErrorKind;

use console::Term;
use dialoguer::{Confirm, Input, Password, Select};

use crate::failure::{Exit, Failure, FailureContext, Result};
use crate::terminal::output;
use crate::terminal::sanitize::sanitize;

/// Asks for a line of text. `flag` gives the same answer on the command line.
pub(crate) fn ask_text(question: &str, flag: &str) -> Result<String> {
    require_terminal(question, flag)?;
    let answer: String = to_answer(question, Input::new().with_prompt(sanitize(question)).interact_text())?;
    Ok(answer.trim().to_owned())
}

/// Asks for a line of text that may be empty.
pub(crate) fn ask_optional_text(question: &str, flag: &str) -> Result<String> {
    require_terminal(question, flag)?;
    let input = Input::<String>::new().with_prompt(sanitize(question)).allow_empty(true);
    Ok(to_answer(question, input.interact_text())?.trim().to_owned())
}

/// Asks whether to go on, unless `yes` is set. The answer no is a failure.
pub(crate) fn confirm(question: &str, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    require_terminal(question, "--yes")?;
    if to_answer(question, Confirm::new().with_prompt(sanitize(question)).default(false).interact())? {
        return Ok(());
    }
    Err(Failure::new("nothing was changed").exit(Exit::Usage).why("the answer was no"))
}

/// Asks for one of several answers and returns its position.
pub(crate) fn ask_choice(question: &str, answers: &[&str]) -> Result<usize> {
    to_answer(
        question,
        Select::new()
            .with_prompt(sanitize(question))
            .items(answers.iter().map(|answer| sanitize(answer)))
            .default(0)
            .interact(),
    )
}

/// Asks for one of several answers. Returns `None` without a terminal, and after Ctrl-C or Escape.
pub(crate) fn ask_optional_choice(question: &str, answers: &[&str]) -> Option<usize> {
    if !output::is_interactive() {
        return None;
    }
    let answer = Select::new()
        .with_prompt(sanitize(question))
        .items(answers.iter().map(|answer| sanitize(answer)))
        .default(0)
        .interact_opt();
    to_answer(question, answer).ok().flatten()
}

/// Asks for a secret without showing it.
pub(crate) fn ask_secret(question: &str, flag: &str) -> Result<String> {
    require_terminal(question, flag)?;
    to_answer(question, Password::new().with_prompt(sanitize(question)).interact())
}

/// Returns the answer, or a failure if there is none. Shows the cursor, which dialoguer leaves hidden after Ctrl-C.
fn to_answer<T>(question: &str, answer: dialoguer::Result<T>) -> Result<T> {
    answer.or_else(|dialoguer::Error::IO(error)| {
        // If the cursor cannot be shown, there is nowhere to say so.
        let _ = Term::stderr().show_cursor();
        match error.kind() {
            ErrorKind::Interrupted => {
                Err(Failure::new("interrupted; nothing was changed").exit(Exit::Interrupted))
            }
            _ => Err(error).context(format!("no answer to {question:?}")),
        }
    })
}

fn require_terminal(question: &str, flag: &str) -> Result<()> {
    if output::is_interactive() {
        return Ok(());
    }
    Err(Failure::new(format!("this needs an answer: {question}"))
        .exit(Exit::Usage)
        .why("there is no terminal to ask on")
        .next(format!("answer with {flag}")))
}
