//! Questions to the person at the terminal. Off a terminal nothing is asked: the flag is named instead.

use dialoguer::{Input, Password};

use crate::failure::{During, Exit, Failure, Result};
use crate::output;

/// Asks for a line of text; `flag` is what gives the answer on the command line.
pub(crate) fn text(question: &str, flag: &str) -> Result<String> {
    need_terminal(question, flag)?;
    let answer: String =
        Input::new().with_prompt(question).interact_text().during(format!("no answer to {question:?}"))?;
    Ok(answer.trim().to_owned())
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
