//! Questions to the person at the terminal. Off a terminal nothing is asked: the flag is named instead.

use std::io::ErrorKind;

use console::Term;
use dialoguer::{Confirm, Input, Password, Select};

use crate::failure::{Exit, Failure, FailureContext, Result};
use crate::terminal::output;

/// Asks for a line of text; `flag` is what gives the answer on the command line.
pub(crate) fn text(question: &str, flag: &str) -> Result<String> {
    need_terminal(question, flag)?;
    let answer: String = answered(question, Input::new().with_prompt(question).interact_text())?;
    Ok(answer.trim().to_owned())
}

/// [`text`], which may be left empty.
pub(crate) fn text_or_nothing(question: &str, flag: &str) -> Result<String> {
    need_terminal(question, flag)?;
    let input = Input::<String>::new().with_prompt(question).allow_empty(true);
    Ok(answered(question, input.interact_text())?.trim().to_owned())
}

/// Asks whether to go on, unless `yes` says so already; an error where the answer is no.
pub(crate) fn confirm(question: &str, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    need_terminal(question, "--yes")?;
    if answered(question, Confirm::new().with_prompt(question).default(false).interact())? {
        return Ok(());
    }
    Err(Failure::new("nothing was changed").exit(Exit::Usage).why("the answer was no"))
}

/// Asks for one of several, at a terminal.
pub(crate) fn pick(question: &str, answers: &[&str]) -> Result<usize> {
    answered(question, Select::new().with_prompt(question).items(answers).default(0).interact())
}

/// Asks for one of several; none where nobody is there, or where the answer is Ctrl-C or Escape.
pub(crate) fn choose(question: &str, answers: &[&str]) -> Option<usize> {
    if !output::is_interactive() {
        return None;
    }
    let answer = Select::new().with_prompt(question).items(answers).default(0).interact_opt();
    answered(question, answer).ok().flatten()
}

/// Asks for a secret without showing it.
pub(crate) fn secret(question: &str, flag: &str) -> Result<String> {
    need_terminal(question, flag)?;
    answered(question, Password::new().with_prompt(question).interact())
}

/// Ctrl-C is an answer, too. dialoguer leaves the cursor hidden then.
fn answered<T>(question: &str, answer: dialoguer::Result<T>) -> Result<T> {
    answer.or_else(|dialoguer::Error::IO(error)| {
        // A terminal that cannot be mended has nobody to tell.
        let _ = Term::stderr().show_cursor();
        match error.kind() {
            ErrorKind::Interrupted => {
                Err(Failure::new("interrupted, and nothing was changed by this").exit(Exit::Interrupted))
            }
            _ => Err(error).context(format!("no answer to {question:?}")),
        }
    })
}

fn need_terminal(question: &str, flag: &str) -> Result<()> {
    if output::is_interactive() {
        return Ok(());
    }
    Err(Failure::new(format!("this needs an answer: {question}"))
        .exit(Exit::Usage)
        .why("there is no terminal to ask at")
        .next(format!("give it with {flag}")))
}
