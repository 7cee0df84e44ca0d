//! Repairs a stack that CloudFormation cannot update.

use aws_sdk_cloudformation::types::{ResourceStatus, StackStatus};
use restctl_contract::stack::StackName;

use super::{Deploy, adoption};
use crate::aws::Aws;
use crate::aws::cloudformation::{self, Stack};
use crate::cli::wait::WaitDeadline;
use crate::context::Context;
use crate::deployment::operation::{self, Operation, OperationKind};
use crate::failure::{Exit, Failure, Result};
use crate::terminal::ndjson::NdjsonReport;
use crate::terminal::{output, prompt};

/// What a deployment starts from.
#[derive(Default)]
pub(super) struct StartingPoint {
    /// The stack to update. `None` if the deployment creates it.
    pub(super) stack: Option<Stack>,
    /// The failed stack that had to be removed first.
    removed: Option<Stack>,
}

impl StartingPoint {
    fn from_stack(stack: Option<Stack>) -> Self {
        Self { stack, removed: None }
    }

    /// Returns the stack whose options stay unless new ones are given.
    pub(super) fn stack_with_options(&self) -> Option<&Stack> {
        self.stack.as_ref().or(self.removed.as_ref()).filter(|stack| !stack.is_in_review())
    }
}

/// Repairs the stack if it cannot be updated, after a confirmation unless `--yes` is given, and returns the starting point.
pub(super) async fn repair_if_needed(
    args: &Deploy,
    context: &Context,
    deadline: WaitDeadline,
    report: &NdjsonReport,
) -> Result<StartingPoint> {
    let (aws, name) = (context.aws().await?, &context.stack);
    let Some(stack) = find_stack(aws, name, deadline).await? else { return Ok(StartingPoint::default()) };
    let status = stack.status.as_str();
    match find_remedy(&stack) {
        StackRemedy::None => Ok(StartingPoint::from_stack(Some(stack))),
        StackRemedy::Wait => Err(busy_failure(name, &stack)),
        StackRemedy::Remove => {
            adoption::check_failed_import_is_empty(aws, &stack).await?;
            let why = why_to_remove(&stack);
            let question = format!("The stack {name} is in {status}: {why}. Remove it and continue?");
            prompt::confirm(&question, args.yes)?;
            operation::delete_stack(aws, &stack, deadline, report).await?;
            wait_until_name_is_free(aws, name, deadline).await?;
            output::print_message(format!(
                "removed the stack {name}, which was in {status}; its options are kept"
            ));
            Ok(StartingPoint { stack: None, removed: Some(stack) })
        }
        StackRemedy::ContinueRollback => {
            let why = "its last update failed, and so did the rollback";
            let question =
                format!("The stack {name} is in {status}: {why}. Retry the rollback and continue?");
            prompt::confirm(&question, args.yes)?;
            continue_rollback(aws, &stack, deadline, report).await?;
            Ok(StartingPoint::from_stack(cloudformation::find_own(aws, name).await?))
        }
    }
}

async fn continue_rollback(
    aws: &Aws,
    stack: &Stack,
    deadline: WaitDeadline,
    report: &NdjsonReport,
) -> Result<()> {
    let mut operation = Operation::prepare(aws, stack, OperationKind::RollBack).await?;
    let request = cloudformation::continue_rollback(aws, stack);
    let ended = operation.run_to_end(aws, deadline, report, request).await?;
    if ended == ResourceStatus::UpdateRollbackComplete {
        return Ok(());
    }
    let failure = operation.to_failure(aws, "the rollback failed again", &ended).await;
    Err(failure.then("restctl deploy"))
}

/// Returns the starting point of a dry run, which repairs nothing.
pub(super) async fn starting_point_for_dry_run(
    aws: &Aws,
    name: &StackName,
    deadline: WaitDeadline,
) -> Result<StartingPoint> {
    let Some(stack) = find_stack(aws, name, deadline).await? else { return Ok(StartingPoint::default()) };
    match find_remedy(&stack) {
        StackRemedy::None => Ok(StartingPoint::from_stack(Some(stack))),
        StackRemedy::Wait => Err(busy_failure(name, &stack)),
        _ => Err(Failure::new(format!("the stack {name} is in {}", stack.status.as_str()))
            .exit(Exit::Failure)
            .why("it must be repaired before it can change, and a dry run repairs nothing")
            .next("restctl deploy")),
    }
}

/// Returns the stack, if there is one. Waits until one that was never deployed is deleted.
async fn find_stack(aws: &Aws, name: &StackName, deadline: WaitDeadline) -> Result<Option<Stack>> {
    wait_until_name_is_free(aws, name, deadline).await?;
    cloudformation::find_own(aws, name).await
}

/// Waits while a stack that was never deployed, such as that of a dry run, is being deleted.
async fn wait_until_name_is_free(aws: &Aws, name: &StackName, deadline: WaitDeadline) -> Result<()> {
    let on_wait = || {
        output::print_message(format!(
            "an empty stack {name} is being deleted, as after a dry run; waiting until it is gone"
        ))
    };
    let waiting = cloudformation::wait_until_name_is_free(aws, name, on_wait);
    deadline.limit("the stack was changed", "the same command again", waiting).await
}

fn busy_failure(name: &StackName, stack: &Stack) -> Failure {
    Failure::new(format!("the stack {name} is busy: it is in {}", stack.status.as_str()))
        .why("another deployment or removal is in progress")
        .next("wait until it ends, then run the same command again")
}

/// What must happen before a stack can be deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StackRemedy {
    None,
    /// Another operation must end.
    Wait,
    /// The stack must be removed: its creation failed, so there is no earlier state to return to.
    Remove,
    /// The rollback of its last update must be tried again.
    ContinueRollback,
}

/// The states are those of "Understand CloudFormation stack creation events" and "Stack status codes" (AWS CloudFormation
/// User Guide).
fn find_remedy(stack: &Stack) -> StackRemedy {
    use StackStatus::*;
    match &stack.status {
        _ if stack.is_failed_import() => StackRemedy::Remove,
        RollbackComplete | RollbackFailed | CreateFailed | DeleteFailed | ReviewInProgress => {
            StackRemedy::Remove
        }
        UpdateRollbackFailed => StackRemedy::ContinueRollback,
        other if other.as_str().ends_with("_IN_PROGRESS") => StackRemedy::Wait,
        _ => StackRemedy::None,
    }
}

fn why_to_remove(stack: &Stack) -> &'static str {
    match stack.status {
        StackStatus::ReviewInProgress => {
            "its creation was prepared but never started, so it is empty; another deployment may be about to start it"
        }
        StackStatus::DeleteFailed => "its removal failed",
        _ => "its creation failed, so it can only be removed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_its_remedy() {
        for (status, expected) in [
            ("CREATE_COMPLETE", StackRemedy::None),
            ("UPDATE_COMPLETE", StackRemedy::None),
            ("UPDATE_ROLLBACK_COMPLETE", StackRemedy::None),
            ("IMPORT_COMPLETE", StackRemedy::None),
            ("IMPORT_ROLLBACK_COMPLETE", StackRemedy::Remove),
            ("REVIEW_IN_PROGRESS", StackRemedy::Remove),
            ("CREATE_FAILED", StackRemedy::Remove),
            ("ROLLBACK_COMPLETE", StackRemedy::Remove),
            ("ROLLBACK_FAILED", StackRemedy::Remove),
            ("DELETE_FAILED", StackRemedy::Remove),
            ("UPDATE_ROLLBACK_FAILED", StackRemedy::ContinueRollback),
            ("CREATE_IN_PROGRESS", StackRemedy::Wait),
            ("IMPORT_IN_PROGRESS", StackRemedy::Wait),
            ("UPDATE_IN_PROGRESS", StackRemedy::Wait),
            ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", StackRemedy::Wait),
            ("UPDATE_ROLLBACK_IN_PROGRESS", StackRemedy::Wait),
            ("DELETE_IN_PROGRESS", StackRemedy::Wait),
        ] {
            let stack = aws_sdk_cloudformation::types::Stack::builder().stack_status(status.into()).build();
            assert_eq!(find_remedy(&cloudformation::from_sdk(stack)), expected, "{status}");
        }
    }
}
