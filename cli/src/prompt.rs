//! Questions to the person at the terminal. Off a terminal nothing is asked: the flag is named instead.

use dialoguer::{Confirm, Input, Password, Select};

use crate::failure::{During, Exit, Failure, Result};
use crate::output;

/// Asks for a line of text; `flag` is what gives the answer on the command line.
pub(crate) fn text(question: &str, flag: &str) -> Result<String> {
    need_terminal(question, flag)?;
    let answer: String =
        Input::new().with_prompt(question).interact_text().during(format!("no answer to {question:?}"))?;
    Ok(answer.trim().to_owned())
}

/// Asks whether to go on, unless `yes` says so already; an error where the answer is no.
pub(crate) fn confirm(question: &str, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    need_terminal(question, "--yes")?;
    let answer = Confirm::new().with_prompt(question).default(false).interact();
    if answer.during(format!("no answer to {question:?}"))? {
        return Ok(());
    }
    Err(Failure::new("nothing was changed").exit(Exit::Usage).why("the answer was no"))
}

/// Asks for one of several; none where nobody is there, or where the answer is Ctrl-C or Escape.
pub(crate) fn choose(question: &str, answers: &[&str]) -> Option<usize> {
    if !output::is_interactive() {
        return None;
    }
    Select::new().with_prompt(question).items(answers).default(0).interact_opt().ok().flatten()
}

/// Asks for a secret without showing it.
pub(crate) fn secret(question: &str, flag: &str) -> Result<String> {
    need_terminal(question, flag)?;
    Password::new().with_prompt(question).interact().during(format!("no answer to {question:?}"))
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
