//! Another deployment of the same stack that comes first, and the stack that is left alone by others.

use std::time::Duration;

use restctl_contract::stack::StackName;

use super::{PAUSE, Stack, find_own, require_deployed};
use crate::aws::Aws;
use crate::failure::{Failure, Result};

/// For a moment after the end of an operation, DescribeStacks still returns the state before it.
const STATE_PATIENCE: Duration = Duration::from_secs(10);

/// Returns the stack when no operation on it is in progress. Fails if one is: another deployment came first.
///
/// `before` is the stack before this deployment changed it. Until DescribeStacks returns another state, the end of a very short
/// operation would look like its beginning, and what is read later like another deployment.
pub(crate) async fn find_idle(aws: &Aws, name: &StackName, before: Option<&Stack>) -> Result<Stack> {
    let attempt = async || {
        let found = find_own(aws, name).await?;
        let is_old = found.as_ref().zip(before).is_some_and(|(stack, before)| stack.is_same_as(before));
        let is_busy = found.as_ref().is_some_and(Stack::is_busy);
        Ok((!is_old && !is_busy).then_some(found))
    };
    let found = match aws.clock.poll(PAUSE, STATE_PATIENCE, attempt).await? {
        Some(idle) => idle,
        None => find_own(aws, name).await?,
    };
    match found {
        Some(busy) if busy.is_busy() => Err(another_deployment_failure(name, Some(&busy))),
        idle => require_deployed(aws, name, idle),
    }
}

/// Fails if an operation on the stack has begun since it was read: what would be done now may be based on what is no longer so.
pub(crate) async fn check_unchanged(aws: &Aws, name: &StackName, read: &Stack) -> Result<()> {
    match find_own(aws, name).await? {
        Some(now) if !now.has_changed_since(read) => Ok(()),
        now => Err(another_deployment_failure(name, now.as_ref())),
    }
}

/// Returns the failure of a deployment that another one has overtaken, with what the other one has done to the stack so far.
pub(super) async fn explain_another_deployment(aws: &Aws, name: &StackName) -> Failure {
    match find_own(aws, name).await {
        Ok(now) => another_deployment_failure(name, now.as_ref()),
        Err(failure) => failure,
    }
}

/// `now` is the stack as it is now.
pub(super) fn another_deployment_failure(name: &StackName, now: Option<&Stack>) -> Failure {
    let failure =
        Failure::new(format!("nothing went live: another deployment of the stack {name} came first"));
    let failure = failure.next("wait until it has ended, then run the same command again");
    let Some(now) = now else { return failure.why("the stack was deleted in the meantime") };
    let since = now.changed.as_ref().map(|changed| format!(", since {changed}")).unwrap_or_default();
    failure.why(format!("the stack is in {}{since}", now.status.as_str()))
}
