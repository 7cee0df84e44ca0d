//! Ctrl-C while CloudFormation works. The local cloud is too fast for that, so a slow CloudFormation stands in front of it:
//! after a change set has been executed, it reports nothing new until the update is cancelled.

use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::cloud::{Cloud, CommandOutput, eventually, interrupt};
use crate::deploy::{append_byte, lambdas_with_api};
use crate::interposed::{Call, Gate, interpose};
use crate::terminal::Terminal;

const WORKING: usize = 1;
const CANCELLED: usize = 2;

#[derive(Default)]
struct SlowCloudFormation {
    phase: AtomicUsize,
    /// How many times the events were read while it worked.
    looks: AtomicUsize,
}

/// Returns the events of an update as XML.
fn events_answer(phase: usize, stack: &str) -> String {
    let event = |resource: &str, status: &str| {
        let (id, kind) = match resource {
            "restctl" => (stack, "AWS::CloudFormation::Stack"),
            _ => ("id", "AWS::Lambda::Function"),
        };
        format!(
            "<member><EventId>{resource} {status}</EventId><StackId>{stack}</StackId><StackName>restctl</StackName>\
             <LogicalResourceId>{resource}</LogicalResourceId><PhysicalResourceId>{id}</PhysicalResourceId>\
             <ResourceType>{kind}</ResourceType><Timestamp>2026-11-20T09:00:00Z</Timestamp>\
             <ResourceStatus>{status}</ResourceStatus><ResourceStatusReason>User Initiated</ResourceStatusReason></member>"
        )
    };
    let begun = event("ApiFunction", "UPDATE_IN_PROGRESS") + &event("restctl", "UPDATE_IN_PROGRESS");
    let happened = match phase {
        CANCELLED => {
            event("restctl", "UPDATE_ROLLBACK_COMPLETE")
                + &event("restctl", "UPDATE_ROLLBACK_IN_PROGRESS")
                + &begun
        }
        _ => begun,
    };
    format!(
        "<DescribeStackEventsResponse><DescribeStackEventsResult><StackEvents>{happened}</StackEvents>\
         </DescribeStackEventsResult></DescribeStackEventsResponse>"
    )
}

/// Deploys a stack whose next update does not end by itself.
fn deploy_slow_update(cloud: &Cloud) -> Arc<SlowCloudFormation> {
    cloud.succeed(&["setup"]);
    cloud.succeed(&["deploy"]);
    let slow = Arc::new(SlowCloudFormation::default());
    let state = Arc::clone(&slow);
    interpose(cloud, move |call| {
        let phase = state.phase.load(Ordering::SeqCst);
        if phase != 0 && call.is_action("DescribeStackEvents") {
            state.looks.fetch_add(1, Ordering::SeqCst);
            return Some(events_answer(phase, &call.query_parameter("StackName")));
        }
        if call.is_action("CancelUpdateStack") {
            state.phase.store(CANCELLED, Ordering::SeqCst);
            return Some("<CancelUpdateStackResponse/>".to_owned());
        }
        if call.is_action("ExecuteChangeSet") {
            state.phase.store(WORKING, Ordering::SeqCst);
        }
        None
    });
    slow
}

/// Runs `restctl deploy --list on` without a terminal, and interrupts it when `is_time` returns true.
fn interrupt_deployment(cloud: &Cloud, is_time: impl Fn() -> bool) -> CommandOutput {
    let mut command = cloud.command(&["deploy", "--list", "on"]);
    let deploying = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    eventually("it is time", || is_time().then_some(()));
    interrupt(&deploying);
    CommandOutput::from(deploying.wait_with_output().unwrap())
}

/// Starts `restctl ARGS` without a terminal, and returns it when it waits for the answer to the first call `is_time`. The answer
/// comes when the gate is open.
fn run_until_call(
    cloud: &Cloud,
    args: &[&str],
    is_time: impl Fn(&Call) -> bool + Send + Sync + 'static,
) -> (Child, Gate) {
    let (calls, answer) = (Arc::new(AtomicUsize::new(0)), Gate::default());
    let (counted, gate) = (Arc::clone(&calls), answer.clone());
    interpose(cloud, move |call| {
        if is_time(call) && counted.fetch_add(1, Ordering::SeqCst) == 0 {
            gate.wait_until_open();
        }
        None
    });
    let running = cloud.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    eventually("it calls", || (calls.load(Ordering::SeqCst) > 0).then_some(()));
    (running, answer)
}

/// Runs `restctl ARGS`, and interrupts it so many times before the answer to the first call `is_time`.
fn interrupt_during_call(
    cloud: &Cloud,
    args: &[&str],
    interrupts: usize,
    is_time: impl Fn(&Call) -> bool + Send + Sync + 'static,
) -> CommandOutput {
    let (running, answer) = run_until_call(cloud, args, is_time);
    (0..interrupts).for_each(|_| interrupt(&running));
    answer.open();
    CommandOutput::from(running.wait_with_output().unwrap())
}

fn live_version(cloud: &Cloud, function: &str) -> Value {
    let path = format!("/2015-03-31/functions/{}/aliases/live", cloud.resource_id(function));
    let alias: Value = serde_json::from_str(&cloud.get_from("lambda", &path)).unwrap();
    alias["FunctionVersion"].clone()
}

/// Otherwise half of each deployment would be live.
#[test]
fn both_versions_go_live_although_the_deployment_is_interrupted_in_between() {
    let cloud = Cloud::start_deployed(&[]);
    let folder = lambdas_with_api(append_byte);
    let ingest = folder.path().join("restctl-ingest");
    std::fs::write(&ingest, append_byte(std::fs::read(&ingest).unwrap())).unwrap();
    let args = ["deploy", "--lambdas", folder.path().to_str().unwrap()];
    let ended = interrupt_during_call(&cloud, &args, 1, |call| {
        call.uri.contains("/aliases/live") && call.body.contains("FunctionVersion")
    });
    ended.failed_with(130, &["interrupted before the deployment was complete; its versions are live"]);
    ended.failed_with(130, &["next: restctl deploy, which does what remains"]);
    assert_eq!(["ApiFunction", "IngestFunction"].map(|name| live_version(&cloud, name)), ["2", "2"]);
    cloud.succeed(&["deploy", "--lambdas", folder.path().to_str().unwrap()]);
    let ended = interrupt_during_call(&cloud, &["rollback"], 2, |call| {
        call.uri.contains("/aliases/live") && call.body.contains("FunctionVersion")
    });
    assert_eq!(
        ["ApiFunction", "IngestFunction"].map(|name| live_version(&cloud, name)),
        ["1", "1"],
        "{}",
        ended.stderr
    );
}

#[test]
fn an_interrupted_removal_does_not_leave_the_stack_unprotected() {
    let cloud = Cloud::start_deployed(&[]);
    let ended = interrupt_during_call(&cloud, &["destroy", "--yes"], 1, |call| {
        call.is_action("ModifyLoadBalancerAttributes")
    });
    let stacks = cloud.call_query("cloudformation", &[("Action", "DescribeStacks")]);
    assert!(!stacks.contains("<StackName>restctl</StackName>"), "it was deleted: {}", ended.stderr);
}

fn assert_no_empty_stack(cloud: &Cloud) {
    let stacks = cloud.call_query("cloudformation", &[("Action", "DescribeStacks")]);
    assert!(!stacks.contains("REVIEW_IN_PROGRESS"), "{stacks}");
}

#[test]
fn a_deployment_that_is_interrupted_before_the_execution_leaves_no_empty_stack() {
    let cloud = Cloud::start_set_up();
    let (running, answer) = run_until_call(&cloud, &["deploy"], |call| call.is_action("DescribeStackEvents"));
    interrupt(&running);
    let ended = CommandOutput::from(running.wait_with_output().unwrap());
    answer.open();
    ended.failed_with(130, &["error: interrupted before the stack was changed"]);
    assert_no_empty_stack(&cloud);
}

/// Following CloudFormation handles Ctrl-C itself; the steps after it must do so, too.
#[test]
fn the_steps_after_cloudformation_can_be_interrupted() {
    let cloud = Cloud::start_deployed(&[]);
    let looks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&looks);
    interpose(&cloud, move |call| {
        call.uri.contains("/configuration").then(|| {
            counted.fetch_add(1, Ordering::SeqCst);
            r#"{"State":"Pending"}"#.to_owned()
        })
    });
    let ended = interrupt_deployment(&cloud, || looks.load(Ordering::SeqCst) > 2);
    ended
        .failed_with(130, &["UPDATE_COMPLETE      restctl", "interrupted before the new versions were live"]);
    ended.failed_with(130, &["next: restctl deploy, which continues from there"]);
}

/// CloudFormation creates an empty stack with the first change set.
#[test]
fn an_interrupted_plan_leaves_no_empty_stack() {
    let cloud = Cloud::start_set_up();
    let looks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&looks);
    interpose(&cloud, move |call| {
        call.is_action("DescribeChangeSet").then(|| {
            counted.fetch_add(1, Ordering::SeqCst);
            "<DescribeChangeSetResponse><DescribeChangeSetResult><Status>CREATE_IN_PROGRESS</Status>\
             </DescribeChangeSetResult></DescribeChangeSetResponse>"
                .to_owned()
        })
    });
    let ended = interrupt_deployment(&cloud, || looks.load(Ordering::SeqCst) > 1);
    ended.failed_with(130, &["error: interrupted before the stack was changed"]);
    assert_no_empty_stack(&cloud);
    let ended = cloud.run(&["deploy", "--timeout", "5s"]);
    ended.failed_with(7, &["stopped waiting after 5 s, before the stack was changed"]);
    assert_no_empty_stack(&cloud);
}

#[test]
fn without_a_terminal_an_interrupted_update_continues() {
    let cloud = Cloud::start_empty();
    let slow = deploy_slow_update(&cloud);
    let ended = interrupt_deployment(&cloud, || slow.looks.load(Ordering::SeqCst) > 2);
    ended.failed_with(
        130,
        &["interrupted: the stack is still being updated", "next: restctl deploy after it has ended"],
    );
    assert_eq!(slow.phase.load(Ordering::SeqCst), WORKING, "nothing was cancelled");
}

#[test]
fn at_a_terminal_an_interrupted_update_can_be_cancelled() {
    let cloud = Cloud::start_empty();
    let slow = deploy_slow_update(&cloud);
    let mut deploying = Terminal::open(&cloud, &["deploy", "--list", "on"]);
    eventually("it waits", || (slow.looks.load(Ordering::SeqCst) > 2).then_some(()));
    deploying.wait_for_text("UPDATE_IN_PROGRESS   ApiFunction (AWS::Lambda::Function)");
    deploying.type_keys("\x03");
    deploying.wait_for_text("CloudFormation is still working on the stack");
    deploying.wait_for_text("cancel the update");
    // One line down, and Enter.
    deploying.type_keys("\x1b[B\r");
    let (exit, screen) = deploying.wait_for_end();
    assert_eq!(exit, Some(1), "{screen}");
    assert!(screen.contains("why:  the update was cancelled"), "{screen}");
    assert_eq!(slow.phase.load(Ordering::SeqCst), CANCELLED);
}
