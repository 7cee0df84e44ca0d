//! Ctrl-C, where something has to be undone, asked or said before the process ends.

use std::future::Future;

use crate::aws::cloudformation::events::Operation;
use crate::failure::{Exit, Failure, FailureContext, Result};
use crate::terminal::prompt;

/// What `work` comes to, unless Ctrl-C comes first: then `work` is dropped, and `what` is the failure.
///
/// From then on Ctrl-C no longer ends this process by itself: tokio keeps its handler.
pub(crate) async fn unless_interrupted<T>(what: Failure, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        // First, so that Ctrl-C is heard before the work begins, which may begin with a question.
        biased;
        interrupted = signal() => {
            interrupted?;
            Err(what.exit(Exit::Interrupted))
        }
        done = work => done,
    }
}

/// Waits for Ctrl-C.
pub(crate) async fn signal() -> Result<()> {
    tokio::signal::ctrl_c().await.context("Ctrl-C cannot be waited for")
}

/// What whoever typed Ctrl-C wants of the operation that CloudFormation is in the middle of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InterruptChoice {
    Cancel,
    Wait,
    /// To see no more of it.
    Leave,
}

/// Asks. Off a terminal, and where the answer is another Ctrl-C, the operation is left to itself.
pub(crate) fn ask(can_be_cancelled: bool) -> Result<InterruptChoice> {
    let mut wishes = vec![
        (InterruptChoice::Wait, "go on"),
        (
            InterruptChoice::Cancel,
            "cancel the update, so that CloudFormation brings the stack back to what it was",
        ),
        (InterruptChoice::Leave, "leave it running, and see no more of it"),
    ];
    wishes.retain(|(wish, _)| can_be_cancelled || *wish != InterruptChoice::Cancel);
    let answers: Vec<_> = wishes.iter().map(|(_, answer)| *answer).collect();
    let chosen = prompt::choose("CloudFormation is in the middle of it.", &answers);
    Ok(chosen.and_then(|place| wishes.get(place)).map_or(InterruptChoice::Leave, |(wish, _)| *wish))
}

pub(crate) fn left_alone(operation: Operation) -> Failure {
    let what = match operation {
        Operation::Create => "the stack is still being created",
        Operation::Update => "the stack is still being updated",
        Operation::Delete => "the stack is still being deleted",
        Operation::RollBack => "the stack is still on its way back",
    };
    Failure::new(format!("interrupted: {what}, and this no longer waits for it"))
        .exit(Exit::Interrupted)
        .next(after(operation))
}

/// What to type after an operation that goes on without anybody watching.
pub(crate) fn after(operation: Operation) -> &'static str {
    match operation {
        Operation::Create => {
            "restctl deploy when that has ended, which goes on from there;\nor restctl destroy"
        }
        Operation::Update => {
            "restctl deploy when that has ended, which tries the new versions and makes them live"
        }
        Operation::Delete => "restctl destroy, which removes what is left",
        Operation::RollBack => "restctl deploy when that has ended",
    }
}
