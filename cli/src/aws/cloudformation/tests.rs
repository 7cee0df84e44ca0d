use std::future::ready;
use std::sync::{Arc, Mutex};

use axum::http::StatusCode;

use super::*;
use crate::aws::test_server;

/// A stack as DescribeStacks returns it, and how often it still does so after DeleteStack.
pub(super) struct StackStub {
    pub(super) status: &'static str,
    /// When its last operation began.
    pub(super) changed: &'static str,
    pub(super) tag: &'static str,
    /// The execution status of its change set.
    pub(super) execution: &'static str,
    pub(super) looks_until_gone: usize,
    /// How often it is returned as it was before its last operation.
    old_looks: usize,
    /// The action that fails, and its error code.
    pub(super) refusal: Option<(&'static str, &'static str)>,
    pub(super) calls: Vec<String>,
}

impl StackStub {
    /// A stack of restctl.
    pub(super) fn new(status: &'static str) -> Self {
        let (changed, tag) = ("2026-11-20T09:00:00Z", STACK_TAG);
        let execution = "AVAILABLE";
        Self {
            status,
            changed,
            tag,
            execution,
            looks_until_gone: 0,
            old_looks: 0,
            refusal: None,
            calls: Vec::new(),
        }
    }

    /// A stack that has never been deployed.
    fn empty(status: &'static str, looks_until_gone: usize) -> Self {
        Self { tag: "other", looks_until_gone, ..Self::new(status) }
    }

    fn answer(&mut self, action: &str) -> (StatusCode, String) {
        self.calls.push(action.to_owned());
        if let Some((_, code)) = self.refusal.filter(|(refused, _)| *refused == action) {
            return refuse(code, "refused");
        }
        let result = match action {
            "DescribeStacks" if self.status == "DELETE_IN_PROGRESS" && self.looks_until_gone == 0 => {
                return refuse("ValidationError", "Stack with id restctl does not exist");
            }
            "DescribeStacks" => {
                self.looks_until_gone = self.looks_until_gone.saturating_sub(1);
                let is_old = self.old_looks > 0;
                self.old_looks = self.old_looks.saturating_sub(1);
                let changed = if is_old { "2026-11-20T08:00:00Z" } else { self.changed };
                format!(
                    "<Stacks><member><StackId>stack</StackId><StackStatus>{}</StackStatus><LastUpdatedTime>{}</LastUpdatedTime>\
                     <Tags><member><Key>{}</Key><Value>restctl</Value></member></Tags></member></Stacks>",
                    self.status, changed, self.tag
                )
            }
            "DeleteStack" => {
                self.status = "DELETE_IN_PROGRESS";
                String::new()
            }
            "CreateChangeSet" => "<Id>change-set</Id><StackId>stack</StackId>".to_owned(),
            "DescribeChangeSet" => format!(
                "<Status>CREATE_COMPLETE</Status><ExecutionStatus>{}</ExecutionStatus><Changes><member><ResourceChange>\
                 <Action>Modify</Action><LogicalResourceId>Api</LogicalResourceId></ResourceChange></member></Changes>",
                self.execution
            ),
            _ => String::new(),
        };
        let result = format!("<{action}Result>{result}</{action}Result>");
        (StatusCode::OK, format!("<{action}Response>{result}</{action}Response>"))
    }
}

fn refuse(code: &str, message: &str) -> (StatusCode, String) {
    let refusal = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    (StatusCode::BAD_REQUEST, format!("<ErrorResponse>{refusal}</ErrorResponse>"))
}

pub(super) async fn connect(stack: StackStub) -> (Aws, Arc<Mutex<StackStub>>) {
    let stack = Arc::new(Mutex::new(stack));
    let shared = Arc::clone(&stack);
    let aws = test_server::connect(move |form: String| {
        let action = form.split('&').find_map(|part| part.strip_prefix("Action=")).unwrap_or_default();
        ready(shared.lock().unwrap().answer(action))
    })
    .await;
    (aws, stack)
}

pub(super) fn name() -> StackName {
    "restctl".parse().unwrap()
}

/// A stop of a deployment would otherwise have to wait, too.
#[tokio::test]
async fn the_deletion_of_an_empty_stack_is_not_awaited() {
    let (aws, stack) = connect(StackStub::empty("REVIEW_IN_PROGRESS", usize::MAX)).await;
    delete_empty_stack(&aws, "stack").await.unwrap();
    assert_eq!(stack.lock().unwrap().calls, ["DescribeStacks", "DeleteStack"]);
}

#[tokio::test]
async fn an_empty_stack_that_is_not_deleted_in_time_is_a_failure() {
    let (aws, _) = connect(StackStub::empty("DELETE_IN_PROGRESS", usize::MAX)).await;
    let failure = wait_until_name_is_free(&aws, &name(), || ()).await.unwrap_err().to_string();
    assert!(failure.contains("the stack stack is still being deleted"), "{failure}");
    assert_eq!(aws.clock.slept(), EMPTY_STACK_PATIENCE);
}

/// Another deployment has executed its change set of the same stack.
#[tokio::test]
async fn a_stack_that_is_no_longer_empty_is_not_deleted() {
    for status in ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"] {
        let (aws, stack) = connect(StackStub::new(status)).await;
        delete_empty_stack(&aws, "stack").await.unwrap();
        assert_eq!(stack.lock().unwrap().calls, ["DescribeStacks"]);
    }
}

/// It has neither restctl's tag nor its parameters, and is no stack of another tool for that.
#[tokio::test]
async fn a_deployment_waits_for_the_stack_of_a_dry_run() {
    let (aws, stack) = connect(StackStub::empty("DELETE_IN_PROGRESS", 5)).await;
    assert!(find_own(&aws, &name()).await.unwrap().is_none());
    let mut has_waited = false;
    wait_until_name_is_free(&aws, &name(), || has_waited = true).await.unwrap();
    assert!(has_waited);
    assert_eq!(stack.lock().unwrap().looks_until_gone, 0);
    wait_until_name_is_free(&aws, &name(), || panic!("the name is free")).await.unwrap();
}

#[tokio::test]
async fn nobody_waits_for_the_deletion_of_a_deployed_stack() {
    let (aws, _) = connect(StackStub { looks_until_gone: 9, ..StackStub::new("DELETE_IN_PROGRESS") }).await;
    wait_until_name_is_free(&aws, &name(), || panic!("it is restctl's")).await.unwrap();
    assert!(find_own(&aws, &name()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_stack_on_which_another_deployment_works_is_not_idle() {
    let (aws, stack) = connect(StackStub::new("CREATE_IN_PROGRESS")).await;
    let failure = find_idle(&aws, &name(), None).await.map(drop).unwrap_err().to_string();
    assert!(failure.contains("another deployment of the stack restctl came first"), "{failure}");
    assert!(
        failure.contains("the stack is in CREATE_IN_PROGRESS, since 2026-11-20T09:00:00.000Z"),
        "{failure}"
    );
    stack.lock().unwrap().status = "UPDATE_COMPLETE";
    let idle = find_idle(&aws, &name(), None).await.unwrap();
    check_unchanged(&aws, &name(), &idle).await.unwrap();
    stack.lock().unwrap().changed = "2026-11-20T09:05:00Z";
    assert!(check_unchanged(&aws, &name(), &idle).await.is_err());
}

/// DescribeStacks may still return the state before an operation that has just ended.
#[tokio::test]
async fn the_state_before_a_short_operation_is_not_taken_for_the_one_after_it() {
    let old = StackStub { old_looks: 2, ..StackStub::new("UPDATE_COMPLETE") };
    let (aws, _) = connect(old).await;
    let before = find_own(&aws, &name()).await.unwrap().unwrap();
    let idle = find_idle(&aws, &name(), Some(&before)).await.unwrap();
    check_unchanged(&aws, &name(), &idle).await.unwrap();
    // A service that keeps no such time delays a deployment and does not fail it.
    find_idle(&aws, &name(), Some(&idle)).await.unwrap();
}

#[tokio::test]
async fn a_stack_that_can_be_neither_deleted_nor_protected_again_names_both_failures() {
    let aws = test_server::connect(|form: String| {
        let is_allowed = form.contains("EnableTerminationProtection=false");
        let done = "<UpdateTerminationProtectionResponse><UpdateTerminationProtectionResult/>\
            </UpdateTerminationProtectionResponse>";
        ready(if is_allowed { (StatusCode::OK, done.to_owned()) } else { refuse("Busy", "later") })
    })
    .await;
    let protected = aws_sdk_cloudformation::types::Stack::builder().enable_termination_protection(true);
    let failure = begin_deletion(&aws, &from_sdk(protected.stack_id("stack").build())).await.unwrap_err();
    let failure = failure.to_string();
    assert!(failure.starts_with("cannot delete the stack\n"), "{failure}");
    assert!(failure.contains("cannot change the stack's termination protection: Busy: later"), "{failure}");
}

#[test]
fn a_stack_without_outputs_that_was_updated_has_only_adopted_data() {
    use aws_sdk_cloudformation::types::{Output, Stack};
    let output = Output::builder().output_key("ItemsTable").output_value("items").build();
    for (status, is_expected) in [
        ("IMPORT_COMPLETE", true),
        ("UPDATE_IN_PROGRESS", true),
        ("UPDATE_ROLLBACK_IN_PROGRESS", true),
        ("UPDATE_ROLLBACK_FAILED", true),
        ("UPDATE_ROLLBACK_COMPLETE", true),
        ("IMPORT_ROLLBACK_COMPLETE", false),
        ("CREATE_FAILED", false),
        ("ROLLBACK_COMPLETE", false),
        ("REVIEW_IN_PROGRESS", false),
    ] {
        let stack = Stack::builder().stack_status(status.into());
        assert_eq!(from_sdk(stack.clone().build()).has_only_adopted_data(), is_expected, "{status}");
        assert!(!from_sdk(stack.outputs(output.clone()).build()).has_only_adopted_data(), "{status}");
    }
}
