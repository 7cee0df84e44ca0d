//! A deployment that meets another deployment, or the end of a dry run. The local cloud ends every operation at once, so a server in
//! front of it answers as CloudFormation does in between.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::cloud::{Cloud, CommandOutput, eventually};
use crate::deploy::{append_byte, lambdas_with_api};
use crate::interposed::{Call, Gate, interpose};

/// Returns DescribeStacks' answer.
fn describe_stack(status: &str, tags: &str) -> String {
    format!(
        "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackId>stack</StackId><StackName>restctl</StackName>\
         <StackStatus>{status}</StackStatus>{tags}</member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
    )
}

/// Whether the call publishes a version of a function, or makes one live.
fn changes_version(call: &Call) -> bool {
    let is_version = call.uri.ends_with("/versions") || call.uri.contains("/aliases/");
    is_version && !call.body.is_empty()
}

/// Both are real processes: the first one waits before its change set is executed until the second one has ended.
#[test]
fn of_two_deployments_at_once_the_later_one_changes_nothing() {
    let cloud = Cloud::start_deployed(&[]);
    let (second_has_ended, executions) = (Gate::default(), Arc::new(AtomicUsize::new(0)));
    let version_changes = Arc::new(AtomicUsize::new(0));
    let (gate, counted, changed) =
        (second_has_ended.clone(), Arc::clone(&executions), Arc::clone(&version_changes));
    interpose(&cloud, move |call| {
        changed.fetch_add(usize::from(changes_version(call)), Ordering::SeqCst);
        if !call.is_action("ExecuteChangeSet") || counted.fetch_add(1, Ordering::SeqCst) > 0 {
            return None;
        }
        gate.wait_until_open();
        let obsolete = "<Error><Code>InvalidChangeSetStatus</Code><Message>cannot be executed in its current execution status of \
            [OBSOLETE]</Message></Error>";
        Some(format!("<ErrorResponse>{obsolete}</ErrorResponse>"))
    });
    let mut first = cloud.command(&["deploy", "--list", "on"]);
    let first = first.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    eventually("it executes its change set", || (executions.load(Ordering::SeqCst) > 0).then_some(()));

    cloud.succeed(&["deploy", "--openapi", "open"]);
    let after_second = version_changes.load(Ordering::SeqCst);
    assert!(after_second > 0);
    second_has_ended.open();
    let first = CommandOutput::from(first.wait_with_output().unwrap());
    first.failed_with(1, &["nothing went live: another deployment of the stack restctl came first"]);
    first.failed_with(
        1,
        &["the stack is in UPDATE_COMPLETE", "next: wait until it has ended, then run the same"],
    );
    assert_eq!(version_changes.load(Ordering::SeqCst), after_second);
    let unchanged = cloud.succeed(&["deploy", "--openapi", "open"]).stderr;
    assert!(
        unchanged.contains("no change") && unchanged.contains("the list of all items is off"),
        "{unchanged}"
    );
}

/// A version of this moment would be half of each deployment.
#[test]
fn no_version_goes_live_while_another_deployment_changes_the_stack() {
    let cloud = Cloud::start_deployed(&[]);
    let (is_tested, is_busy) = (Arc::new(AtomicBool::new(false)), Gate::default());
    let alias_changes = Arc::new(AtomicUsize::new(0));
    let (tested, gate, changed) = (Arc::clone(&is_tested), is_busy.clone(), Arc::clone(&alias_changes));
    interpose(&cloud, move |call| {
        let changes_alias = call.uri.contains("/aliases/") && changes_version(call);
        changed.fetch_add(usize::from(changes_alias), Ordering::SeqCst);
        if call.uri.contains("/invocations") {
            tested.store(true, Ordering::SeqCst);
            gate.wait_until_open();
        }
        let is_read = tested.load(Ordering::SeqCst) && call.is_action("DescribeStacks");
        let tag = "<Tags><member><Key>restctl:stack</Key><Value>restctl</Value></member></Tags>";
        is_read.then(|| describe_stack("UPDATE_IN_PROGRESS", tag))
    });
    let folder = lambdas_with_api(append_byte);
    let mut deploying = cloud.command(&["deploy", "--lambdas", folder.path().to_str().unwrap()]);
    let deploying = deploying.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    eventually("it tests its versions", || is_tested.load(Ordering::SeqCst).then_some(()));
    is_busy.open();
    let refused = CommandOutput::from(deploying.wait_with_output().unwrap());
    refused.failed_with(1, &["another deployment of the stack restctl came first", "UPDATE_IN_PROGRESS"]);
    assert_eq!(alias_changes.load(Ordering::SeqCst), 0);
}

/// DeleteStack only begins the deletion. Until it is complete, the empty stack has neither tags nor parameters.
#[test]
fn a_deployment_right_after_a_dry_run_waits_for_the_end_of_its_stack() {
    let cloud = Cloud::start_set_up();
    let looks = Arc::new(AtomicUsize::new(0));
    let left = Arc::clone(&looks);
    interpose(&cloud, move |call| {
        if call.is_action("DeleteStack") {
            left.store(2, Ordering::SeqCst);
        }
        let is_listed = call.is_action("DescribeStacks")
            && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        is_listed.then(|| describe_stack("DELETE_IN_PROGRESS", ""))
    });
    assert_eq!(cloud.run(&["deploy", "--dry-run"]).exit, 6);
    assert_eq!(looks.load(Ordering::SeqCst), 2, "the dry run does not wait");
    let deployed = cloud.succeed(&["deploy"]).stderr;
    assert!(deployed.contains("an empty stack restctl is being deleted, as after a dry run"), "{deployed}");
}

#[test]
fn a_busy_stack_is_not_said_to_need_a_repair() {
    let cloud = Cloud::start_set_up();
    let tag = "<Tags><member><Key>restctl:stack</Key><Value>restctl</Value></member></Tags>";
    interpose(&cloud, move |call| {
        call.is_action("DescribeStacks").then(|| describe_stack("UPDATE_IN_PROGRESS", tag))
    });
    for command in [&["deploy"][..], &["deploy", "--dry-run"]] {
        cloud
            .run(command)
            .failed_with(1, &["the stack restctl is busy: it is in UPDATE_IN_PROGRESS", "wait until"]);
    }
}
