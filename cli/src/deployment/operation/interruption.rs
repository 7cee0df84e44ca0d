//! Ctrl-C during an operation of CloudFormation.

use super::OperationKind;
use crate::cli::wait::WaitDeadline;
use crate::failure::{Exit, Failure};
use crate::terminal::prompt;

/// What the user wants to happen to the operation in progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InterruptChoice {
    Cancel,
    Wait,
    /// Stop watching.
    Leave,
}

/// Asks the user what to do. Without a terminal, the operation is left running; another Ctrl-C also ends the process.
pub(super) fn ask_user(kind: OperationKind, can_be_cancelled: bool) -> InterruptChoice {
    let mut choices = vec![
        (InterruptChoice::Wait, "keep waiting"),
        (InterruptChoice::Cancel, "cancel the update; CloudFormation restores the stack as it was"),
        (InterruptChoice::Leave, "stop watching; the operation keeps running"),
    ];
    choices.retain(|(choice, _)| can_be_cancelled || *choice != InterruptChoice::Cancel);
    let answers: Vec<_> = choices.iter().map(|(_, answer)| *answer).collect();
    let question = "CloudFormation is still working on the stack.";
    let chosen = prompt::ask_optional_choice(question, &answers, left_running_failure(kind));
    chosen.and_then(|position| choices.get(position)).map_or(InterruptChoice::Leave, |(choice, _)| *choice)
}

pub(super) fn left_running_failure(kind: OperationKind) -> Failure {
    Failure::new(format!("interrupted: {}, and restctl no longer waits for it", describe_running(kind)))
        .exit(Exit::Interrupted)
        .next(next_step(kind))
}

/// Returns the failure of a command whose `--timeout` is over while the operation continues.
pub(super) fn timeout_failure(kind: OperationKind, deadline: WaitDeadline) -> Failure {
    deadline.failure(describe_running(kind)).next(next_step(kind))
}

fn describe_running(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::Create => "the stack is still being created",
        OperationKind::Update => "the stack is still being updated",
        OperationKind::Delete => "the stack is still being deleted",
        OperationKind::RollBack => "the stack is still rolling back",
    }
}

/// Returns what to type after an operation that the user did not watch to its end.
pub(super) fn next_step(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::Create => {
            "restctl deploy after it has ended, to continue from there;\nor restctl destroy"
        }
        OperationKind::Update => {
            "restctl deploy after it has ended, to try the new versions and make them live"
        }
        OperationKind::Delete => "restctl destroy, which removes what is left",
        OperationKind::RollBack => "restctl deploy after it has ended",
    }
}
