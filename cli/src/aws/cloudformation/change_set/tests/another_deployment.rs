//! What CloudFormation answers if another deployment changes the same stack.

use super::super::*;
use crate::aws::cloudformation::tests::{StackStub, connect, name};

const CAME_FIRST: &str = "another deployment of the stack restctl came first";

async fn create(aws: &Aws, existing: Option<&Stack>) -> Result<Option<ChangeSet>> {
    let desired = Desired { template: "{}", parameters: &[], tags: &[], imports: Vec::new() };
    create_change_set(aws, &name(), existing, desired, std::future::pending()).await
}

async fn read(aws: &Aws) -> Stack {
    cloudformation::find_own(aws, &name()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_change_set_of_what_was_read_before_another_deployment_is_dropped() {
    let (aws, stack) = connect(StackStub::new("UPDATE_COMPLETE")).await;
    let before = read(&aws).await;
    assert!(create(&aws, Some(&before)).await.unwrap().is_some());
    stack.lock().unwrap().changed = "2026-11-20T09:05:00Z";
    let failure = create(&aws, Some(&before)).await.map(drop).unwrap_err().to_string();
    assert!(failure.contains(CAME_FIRST), "{failure}");
    assert!(failure.contains("the stack is in UPDATE_COMPLETE, since 2026-11-20T09:05:00.000Z"), "{failure}");
    assert_eq!(stack.lock().unwrap().calls.last().unwrap(), "DeleteChangeSet");
}

#[tokio::test]
async fn a_change_set_that_is_refused_during_another_deployment_says_so() {
    let (aws, stack) = connect(StackStub::new("UPDATE_COMPLETE")).await;
    let before = read(&aws).await;
    stack.lock().unwrap().refusal = Some(("CreateChangeSet", "ValidationError"));
    let failure = create(&aws, Some(&before)).await.map(drop).unwrap_err().to_string();
    assert!(failure.contains("ValidationError: refused"), "{failure}");
    stack.lock().unwrap().status = "UPDATE_IN_PROGRESS";
    let failure = create(&aws, Some(&before)).await.map(drop).unwrap_err().to_string();
    assert!(failure.contains(CAME_FIRST) && failure.contains("UPDATE_IN_PROGRESS"), "{failure}");
}

#[tokio::test]
async fn of_two_creations_the_second_leaves_the_stack_of_the_first_alone() {
    for code in ["ChangeSetNotFound", "InvalidChangeSetStatus"] {
        let (aws, stack) = connect(StackStub::new("REVIEW_IN_PROGRESS")).await;
        let change_set = create(&aws, None).await.unwrap().unwrap();
        (stack.lock().unwrap().status, stack.lock().unwrap().refusal) =
            ("CREATE_IN_PROGRESS", Some(("ExecuteChangeSet", code)));
        let failure = execute_change_set(&aws, &name(), &change_set).await.unwrap_err().to_string();
        assert!(failure.contains(CAME_FIRST) && failure.contains("CREATE_IN_PROGRESS"), "{failure}");
        discard_change_set(&aws, &change_set).await.unwrap();
        assert!(!stack.lock().unwrap().calls.contains(&"DeleteStack".to_owned()));
    }
}

/// The answer to the first request was lost.
#[tokio::test]
async fn a_change_set_that_was_executed_by_this_deployment_is_not_refused() {
    let (aws, stack) = connect(StackStub::new("UPDATE_COMPLETE")).await;
    let before = read(&aws).await;
    let change_set = create(&aws, Some(&before)).await.unwrap().unwrap();
    stack.lock().unwrap().refusal = Some(("ExecuteChangeSet", "TokenAlreadyExistsException"));
    execute_change_set(&aws, &name(), &change_set).await.unwrap();
    stack.lock().unwrap().refusal = Some(("ExecuteChangeSet", "InvalidChangeSetStatus"));
    for (execution, is_own) in [
        ("EXECUTE_IN_PROGRESS", true),
        ("EXECUTE_COMPLETE", true),
        ("EXECUTE_FAILED", true),
        ("OBSOLETE", false),
    ] {
        stack.lock().unwrap().execution = execution;
        let executed = execute_change_set(&aws, &name(), &change_set).await;
        assert_eq!(executed.is_ok(), is_own, "{execution}");
    }
}

/// As when it executes its own change set of the same new stack, or when a dry run deletes that stack.
#[tokio::test]
async fn a_change_set_that_another_deployment_has_deleted_says_so() {
    let (aws, stack) = connect(StackStub::new("REVIEW_IN_PROGRESS")).await;
    stack.lock().unwrap().refusal = Some(("DescribeChangeSet", "ChangeSetNotFound"));
    let failure = create(&aws, None).await.map(drop).unwrap_err().to_string();
    assert!(failure.contains(CAME_FIRST), "{failure}");
}
