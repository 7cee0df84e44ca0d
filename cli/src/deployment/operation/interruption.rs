//! Ctrl-C during an operation of CloudFormation.

use super::OperationKind;
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
    let what = match kind {
        OperationKind::Create => "the stack is still being created",
        OperationKind::Update => "the stack is still being updated",
        OperationKind::Delete => "the stack is still being deleted",
        OperationKind::RollBack => "the stack is still rolling back",
    };
    Failure::new(format!("interrupted: {what}, and restctl no longer waits for it"))
        .exit(Exit::Interrupted)
        .next(next_step(kind))
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
