//! A stack that cannot be updated as it is, and what brings it back.

use aws_sdk_cloudformation::types::{ResourceStatus, StackStatus};
use restctl_contract::stack::StackName;

use crate::aws::Aws;
use crate::aws::cloudformation::{self, Stack};
use crate::deployment::operation::{self, Operation, OperationKind};
use crate::failure::{Exit, Failure, Result};
use crate::terminal::ndjson::NdjsonReport;
use crate::terminal::{output, prompt};

/// What a stack needs before it can be deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Remedy {
    /// Nothing.
    None,
    /// Somebody's operation to end.
    Wait,
    /// To be removed: its creation failed, so there is nothing to go back to.
    Remove,
    /// The rollback of its last update to be tried again.
    ContinueRollback,
}

/// The states are those of "Understand CloudFormation stack creation events" and "Stack status codes".
fn remedy(status: &StackStatus) -> Remedy {
    use StackStatus::*;
    match status {
        RollbackComplete | RollbackFailed | CreateFailed | DeleteFailed | ReviewInProgress => Remedy::Remove,
        UpdateRollbackFailed => Remedy::ContinueRollback,
        other if other.as_str().ends_with("_IN_PROGRESS") => Remedy::Wait,
        _ => Remedy::None,
    }
}

/// What a deployment starts from.
#[derive(Default)]
pub(crate) struct Start {
    /// The stack to update; none where there is none to make one from.
    pub(crate) stack: Option<Stack>,
    /// The one that stood in its place and had to be removed.
    removed: Option<Stack>,
}

impl Start {
    fn update(stack: Option<Stack>) -> Self {
        Self { stack, removed: None }
    }

    /// The stack whose options stay where they are not given anew.
    pub(crate) fn chosen(&self) -> Option<&Stack> {
        self.stack.as_ref().or(self.removed.as_ref()).filter(|stack| !stack.is_in_review())
    }
}

/// What there is to start from, once it can be updated; `yes` answers what would be asked.
pub(crate) async fn repaired(aws: &Aws, name: &StackName, yes: bool, report: &NdjsonReport) -> Result<Start> {
    let Some(stack) = cloudformation::find_own(aws, name).await? else { return Ok(Start::default()) };
    let status = stack.status.as_str().to_owned();
    match remedy(&stack.status) {
        Remedy::None => Ok(Start::update(Some(stack))),
        Remedy::Wait => Err(Failure::new(format!("the stack {name} is busy: it is in {status}"))
            .next("wait until the other operation has ended, then: restctl deploy")),
        Remedy::Remove => {
            let why = why_to_remove(&stack);
            let question = format!("The stack {name} is in {status}: {why}. Remove it, and go on?");
            prompt::confirm(&question, yes)?;
            operation::delete_stack(aws, &stack, report).await?;
            output::print_message(&format!(
                "removed the stack {name}, which was in {status}; its options stay"
            ));
            Ok(Start { stack: None, removed: Some(stack) })
        }
        Remedy::ContinueRollback => {
            let why = "its last update failed, and so did the way back";
            let question =
                format!("The stack {name} is in {status}: {why}. Try the way back again, and go on?");
            prompt::confirm(&question, yes)?;
            let mut operation = Operation::prepare(aws, &stack, OperationKind::RollBack).await?;
            cloudformation::continue_rollback(aws, &stack).await?;
            let ended = operation.follow(aws, report).await?;
            if ended != ResourceStatus::UpdateRollbackComplete {
                let failure = operation.failure("the stack cannot go back", &ended);
                return Err(failure.then("restctl deploy"));
            }
            Ok(Start::update(cloudformation::find_own(aws, name).await?))
        }
    }
}

fn why_to_remove(stack: &Stack) -> &'static str {
    match stack.status {
        StackStatus::ReviewInProgress => "its creation was prepared and never begun, so nothing is in it",
        StackStatus::DeleteFailed => "its removal was begun and failed",
        _ => "its creation failed, and such a stack can only be removed",
    }
}

/// What there is to start from for a dry run, which repairs nothing.
pub(crate) async fn unrepaired(aws: &Aws, name: &StackName) -> Result<Start> {
    let Some(stack) = cloudformation::find_own(aws, name).await? else { return Ok(Start::default()) };
    match remedy(&stack.status) {
        Remedy::None => Ok(Start::update(Some(stack))),
        _ => Err(Failure::new(format!("the stack {name} is in {}", stack.status.as_str()))
            .exit(Exit::Failure)
            .why("no change can be prepared for it as it is, and a dry run repairs nothing")
            .next("restctl deploy")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_its_remedy() {
        for (status, expected) in [
            ("CREATE_COMPLETE", Remedy::None),
            ("UPDATE_COMPLETE", Remedy::None),
            ("UPDATE_ROLLBACK_COMPLETE", Remedy::None),
            ("IMPORT_COMPLETE", Remedy::None),
            ("REVIEW_IN_PROGRESS", Remedy::Remove),
            ("CREATE_FAILED", Remedy::Remove),
            ("ROLLBACK_COMPLETE", Remedy::Remove),
            ("ROLLBACK_FAILED", Remedy::Remove),
            ("DELETE_FAILED", Remedy::Remove),
            ("UPDATE_ROLLBACK_FAILED", Remedy::ContinueRollback),
            ("CREATE_IN_PROGRESS", Remedy::Wait),
            ("UPDATE_IN_PROGRESS", Remedy::Wait),
            ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Remedy::Wait),
            ("UPDATE_ROLLBACK_IN_PROGRESS", Remedy::Wait),
            ("DELETE_IN_PROGRESS", Remedy::Wait),
        ] {
            assert_eq!(remedy(&StackStatus::from(status)), expected, "{status}");
        }
    }
}
