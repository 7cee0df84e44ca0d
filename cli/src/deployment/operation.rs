//! One operation of CloudFormation on the stack, followed until it ends.

mod interruption;

use std::pin::Pin;
use std::time::Duration;

use aws_sdk_cloudformation::types::ResourceStatus;

use self::interruption::InterruptChoice;
use crate::aws::Aws;
use crate::aws::cloudformation::events::{self, Event, EventLog};
use crate::aws::cloudformation::{self, Stack};
use crate::cli::wait::WaitDeadline;
use crate::deployment::progress::Progress;
use crate::deployment::protection;
use crate::deployment::root_cause::RootCause;
use crate::failure::{AwsCause, Failure, Result};
use crate::terminal::ndjson::NdjsonReport;
use crate::terminal::{interrupt, output};

/// The longest pause between two requests: events come every few seconds, and the service throttles frequent callers.
const MAX_PAUSE: Duration = Duration::from_secs(4);

/// How long requests may get no answer, or be refused because the account sends too many. The operation continues meanwhile.
const MAX_UNOBSERVED: Duration = Duration::from_secs(900);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OperationKind {
    Create,
    Update,
    Delete,
    /// The rollback of an update. CloudFormation cannot cancel it.
    RollBack,
}

pub(crate) struct Operation {
    stack_id: String,
    kind: OperationKind,
    log: EventLog,
    /// The events of this operation, oldest first.
    history: Vec<Event>,
}

impl Operation {
    /// Prepares to follow an operation that is about to begin: the events up to now belong to earlier ones.
    pub(crate) async fn prepare(aws: &Aws, stack: &Stack, kind: OperationKind) -> Result<Self> {
        let log = EventLog::from_now(aws, &stack.id).await?;
        Ok(Self { stack_id: stack.id.clone(), kind, log, history: Vec::new() })
    }

    /// Sends the `request` that begins the operation, with all that belongs to it, and follows the operation to its end. Ctrl-C
    /// during the request waits for its result.
    pub(crate) async fn run_to_end(
        &mut self,
        aws: &Aws,
        deadline: WaitDeadline,
        report: &NdjsonReport,
        request: impl Future<Output = Result<()>>,
    ) -> Result<ResourceStatus> {
        let interrupted = Box::pin(interrupt::ctrl_c());
        interrupt::postpone_during(request).await?;
        self.follow_to_end(aws, deadline, report, interrupted).await
    }

    /// Shows each resource until the operation ends, and returns the stack's final state.
    ///
    /// The stack's own events mark the end: for a moment after the start of an operation, DescribeStacks still returns the
    /// state before it. After an update, CloudFormation removes what was replaced, which ends with a separate event.
    ///
    /// Ctrl-C by itself stops nothing in CloudFormation, so the user is asked what to do. At the deadline, it continues.
    async fn follow_to_end(
        &mut self,
        aws: &Aws,
        deadline: WaitDeadline,
        report: &NdjsonReport,
        // It also notices a Ctrl-C that comes while something else is awaited.
        mut interrupted: Pin<Box<dyn Future<Output = Result<()>>>>,
    ) -> Result<ResourceStatus> {
        let progress = Progress::new();
        let mut pause = Duration::from_millis(200);
        let mut lost_since = None;
        loop {
            match self.show_new_events(aws, &progress, report).await {
                Ok(Some(ended)) => return Ok(ended),
                Ok(None) => lost_since = None,
                Err(failure)
                    if is_temporary(&failure)
                        && lost_since.is_none_or(|since| aws.clock.now() < since + MAX_UNOBSERVED) =>
                {
                    lost_since.get_or_insert_with(|| {
                        let note = "note: CloudFormation continues, but cannot be watched at the moment";
                        let note = format!("{note}: {}", failure.to_single_line());
                        progress.suspend(|| output::print_message(note));
                        aws.clock.now()
                    });
                }
                // The operation continues although the user can no longer watch it.
                Err(failure) => return Err(failure.then(interruption::next_step(self.kind))),
            }
            tokio::select! {
                () = deadline.reached() => return Err(interruption::timeout_failure(self.kind, deadline)),
                () = aws.clock.sleep(pause) => pause = (pause * 2).min(MAX_PAUSE),
                signal = &mut interrupted => {
                    signal?;
                    interrupted = Box::pin(interrupt::ctrl_c());
                    let can_be_cancelled = self.can_be_cancelled();
                    let choice = progress.suspend(|| interruption::ask_user(self.kind, can_be_cancelled));
                    self.apply_choice(choice, aws).await?;
                }
            }
        }
    }

    /// Returns the stack's final state if the operation has ended.
    async fn show_new_events(
        &mut self,
        aws: &Aws,
        progress: &Progress,
        report: &NdjsonReport,
    ) -> Result<Option<ResourceStatus>> {
        for event in self.log.fetch_new(aws).await? {
            report.write_line("resource", &event.to_json())?;
            progress.show_event(&event);
            let is_end = event.has_ended() && event.is_about_stack(&self.stack_id);
            let status = event.status.clone();
            self.history.push(event);
            if is_end {
                return Ok(Some(status));
            }
        }
        // Someone else may have deleted the stack before the first request.
        let is_gone =
            self.kind == OperationKind::Delete && cloudformation::is_deleted(aws, &self.stack_id).await?;
        Ok(is_gone.then_some(ResourceStatus::DeleteComplete))
    }

    /// Whether CancelUpdateStack accepts the operation: an update, until it cleans up or rolls back.
    fn can_be_cancelled(&self) -> bool {
        let stack_event = self.history.iter().rev().find(|event| event.is_about_stack(&self.stack_id));
        self.kind == OperationKind::Update
            && stack_event.is_none_or(|event| event.status == ResourceStatus::UpdateInProgress)
    }

    async fn apply_choice(&mut self, choice: InterruptChoice, aws: &Aws) -> Result<()> {
        match choice {
            InterruptChoice::Wait => Ok(()),
            InterruptChoice::Cancel => {
                match cloudformation::cancel_update(aws, &self.stack_id).await {
                    Ok(()) => self.kind = OperationKind::RollBack,
                    // The cancellation came too late, and the update continues.
                    Err(refusal) => output::print_failure(&refusal),
                }
                Ok(())
            }
            InterruptChoice::Leave => Err(interruption::left_running_failure(self.kind)),
        }
    }

    /// Returns the resources that CloudFormation failed to delete. They are no longer part of the stack.
    pub(crate) fn undeleted_resources(&self) -> impl Iterator<Item = &Event> {
        self.history.iter().filter(|event| event.status == ResourceStatus::DeleteFailed)
    }

    /// Returns what failed first, why, and what to do about it.
    pub(crate) async fn to_failure(&self, aws: &Aws, what: &str, ended: &ResourceStatus) -> Failure {
        // The first event belongs to this operation; an automatic rollback is another one.
        let mut known = match self.history.iter().find_map(|event| event.operation.as_deref()) {
            Some(operation) => events::fetch_failures(aws, operation).await,
            None => Vec::new(),
        };
        known.extend_from_slice(&self.history);
        RootCause::find(&known, &self.stack_id).to_failure(&format!("{what}: it ended in {}", ended.as_str()))
    }
}

fn is_temporary(failure: &Failure) -> bool {
    failure.aws_cause.is_some_and(AwsCause::is_temporary)
}

/// Deletes the stack even if it or its resources are protected: the caller has asked the user. What outlives the stack stays
/// protected. An empty stack may still be there for a moment.
pub(crate) async fn delete_stack(
    aws: &Aws,
    stack: &Stack,
    deadline: WaitDeadline,
    report: &NdjsonReport,
) -> Result<()> {
    if stack.is_in_review() {
        return cloudformation::delete_empty_stack(aws, &stack.id).await;
    }
    let mut operation = Operation::prepare(aws, stack, OperationKind::Delete).await?;
    let request = async {
        let unprotected = protection::unprotect_stack(aws, stack).await?;
        let begun = cloudformation::begin_deletion(aws, stack).await;
        if begun.is_err() {
            protection::restore_protection(aws, &unprotected).await;
        }
        begun
    };
    let ended = operation.run_to_end(aws, deadline, report, request).await?;
    if ended == ResourceStatus::DeleteComplete {
        Ok(())
    } else {
        Err(operation.to_failure(aws, "the stack could not be deleted", &ended).await)
    }
}

#[cfg(test)]
mod tests;
