//! Questions to the user. Without a terminal, the failure names the flag to use instead.

use std::io::{ErrorKind, stdin};
use std::{fmt, thread};

use dialoguer::theme::Theme;
use dialoguer::{Confirm, Input, Password, Select};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use crate::failure::{Exit, Failure, FailureContext, Result};
use crate::terminal::sanitize::sanitize;
use crate::terminal::{interrupt, output};

/// The theme of dialoguer, which ends each prompt with a colon, for questions that end with a question mark.
struct QuestionTheme;

impl Theme for QuestionTheme {
    fn format_prompt(&self, f: &mut dyn fmt::Write, prompt: &str) -> fmt::Result {
        let colon = if prompt.ends_with('?') { "" } else { ":" };
        write!(f, "{prompt}{colon}")
    }

    fn format_select_prompt_selection(
        &self,
        f: &mut dyn fmt::Write,
        prompt: &str,
        answer: &str,
    ) -> fmt::Result {
        self.format_prompt(f, prompt)?;
        write!(f, " {answer}")
    }
}

/// Asks for a line of text. `flag` gives the same answer on the command line.
pub(crate) fn ask_text(question: &str, flag: &str) -> Result<String> {
    require_terminal(question, flag)?;
    let answer: String = ask(question, || Input::new().with_prompt(sanitize(question)).interact_text())?;
    Ok(answer.trim().to_owned())
}

/// Asks for a line of text that may be empty.
pub(crate) fn ask_optional_text(question: &str, flag: &str) -> Result<String> {
    require_terminal(question, flag)?;
    let new_input = || Input::<String>::new().with_prompt(sanitize(question)).allow_empty(true);
    Ok(ask(question, || new_input().interact_text())?.trim().to_owned())
}

/// Asks whether to go on, unless `yes` is set. The answer no is a failure.
pub(crate) fn confirm(question: &str, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    require_terminal(question, "--yes")?;
    if ask(question, || Confirm::new().with_prompt(sanitize(question)).default(false).interact())? {
        return Ok(());
    }
    Err(Failure::new("nothing was changed").exit(Exit::Usage).why("the answer was no"))
}

/// Asks for one of several answers and returns its position.
pub(crate) fn ask_choice(question: &str, answers: &[&str]) -> Result<usize> {
    ask(question, || new_choice(question, answers).interact())
}

/// Asks for one of several answers. Returns `None` without a terminal, and after Escape. Ctrl-C ends the process with
/// `interrupted`.
pub(crate) fn ask_optional_choice(question: &str, answers: &[&str], interrupted: Failure) -> Option<usize> {
    if !output::is_interactive() {
        return None;
    }
    ask_or_end(question, interrupted, || new_choice(question, answers).interact_opt()).ok().flatten()
}

fn new_choice(question: &str, answers: &[&str]) -> Select<'static> {
    let answers = answers.iter().map(|answer| sanitize(answer));
    Select::with_theme(&QuestionTheme).with_prompt(sanitize(question)).items(answers).default(0)
}

/// Asks for a secret without showing it.
pub(crate) fn ask_secret(question: &str, flag: &str) -> Result<String> {
    require_terminal(question, flag)?;
    ask(question, || Password::new().with_prompt(sanitize(question)).interact())
}

fn ask<T>(question: &str, interact: impl FnMut() -> dialoguer::Result<T>) -> Result<T> {
    let interrupted = Failure::new("interrupted; nothing was changed").next("the same command again");
    ask_or_end(question, interrupted, interact)
}

/// Returns the answer. Ctrl-C restores the terminal and ends the process with `interrupted`.
fn ask_or_end<T>(
    question: &str,
    interrupted: Failure,
    mut interact: impl FnMut() -> dialoguer::Result<T>,
) -> Result<T> {
    let before = tcgetattr(stdin()).ok();
    let _ending = interrupt::end_process_with(interrupted, move || {
        // If the terminal is gone, there is nothing to restore.
        let _ = before.map(|before| tcsetattr(stdin(), OptionalActions::Now, &before));
    });
    loop {
        let dialoguer::Error::IO(error) = match interact() {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        match (error.kind(), error.raw_os_error()) {
            // The question has read Ctrl-C and raised the signal, which ends the process in another thread.
            (ErrorKind::Interrupted, None) => wait_for_end(),
            // Another signal, such as SIGCONT, has interrupted a system call.
            (ErrorKind::Interrupted, Some(_)) => {}
            _ => return Err(error).context(format!("no answer to {question:?}")),
        }
    }
}

fn wait_for_end() -> ! {
    loop {
        thread::park();
    }
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

#[cfg(test)]
mod tests {
    use std::io::Error;

    use super::*;

    #[test]
    fn a_question_ends_with_one_mark() {
        let prompt_of = |question: &str| {
            let mut prompt = String::new();
            QuestionTheme.format_select_prompt(&mut prompt, question).unwrap();
            prompt
        };
        assert_eq!([prompt_of("Run it now?"), prompt_of("Provider")], ["Run it now?", "Provider:"]);
    }

    #[test]
    fn a_question_that_another_signal_interrupts_is_asked_again() {
        let mut answers = vec![Ok("yes"), Err(dialoguer::Error::IO(Error::from_raw_os_error(4)))];
        assert_eq!(ask("again", || answers.pop().unwrap()).unwrap(), "yes");
    }
}
