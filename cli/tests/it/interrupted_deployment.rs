//! Ctrl-C while CloudFormation is at work. The local cloud is done too soon for that, so a CloudFormation that takes its time
//! stands before it: once a change set has been executed, it tells of nothing until it is told to cancel.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::cloud::{Cloud, Ran, eventually};
use crate::interposed::interpose;

const WORKING: usize = 1;
const CANCELLED: usize = 2;

#[derive(Default)]
struct Slow {
    phase: AtomicUsize,
    /// How often somebody looked while it worked.
    looks: AtomicUsize,
}

/// Of an update.
fn events(phase: usize, stack: &str) -> String {
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

/// A deployed stack whose next update takes its time.
fn updating(cloud: &Cloud) -> Arc<Slow> {
    cloud.succeed(&["setup"]);
    cloud.succeed(&["deploy"]);
    let slow = Arc::new(Slow::default());
    let state = Arc::clone(&slow);
    interpose(cloud, move |call| {
        let phase = state.phase.load(Ordering::SeqCst);
        if phase != 0 && call.is("DescribeStackEvents") {
            state.looks.fetch_add(1, Ordering::SeqCst);
            return Some(events(phase, &call.parameter("StackName")));
        }
        if call.is("CancelUpdateStack") {
            state.phase.store(CANCELLED, Ordering::SeqCst);
            return Some("<CancelUpdateStackResponse/>".to_owned());
        }
        if call.is("ExecuteChangeSet") {
            state.phase.store(WORKING, Ordering::SeqCst);
        }
        None
    });
    slow
}

/// `restctl deploy --list on`, off a terminal, to which Ctrl-C happens once it is so far.
fn interrupted(cloud: &Cloud, is_so_far: impl Fn() -> bool) -> Ran {
    let mut command = cloud.command(&["deploy", "--list", "on"]);
    let deploying = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    eventually("it is so far", || is_so_far().then_some(()));
    let interrupt = Command::new("kill").args(["-INT", &deploying.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    Ran::from(deploying.wait_with_output().unwrap())
}

/// Ctrl-C was heard of before, while CloudFormation was followed.
#[test]
fn what_comes_after_cloudformation_is_interrupted_too() {
    let cloud = Cloud::up();
    cloud.succeed(&["setup"]);
    cloud.succeed(&["deploy"]);
    let looks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&looks);
    interpose(&cloud, move |call| {
        call.uri.contains("/configuration").then(|| {
            counted.fetch_add(1, Ordering::SeqCst);
            r#"{"State":"Pending"}"#.to_owned()
        })
    });
    let ended = interrupted(&cloud, || looks.load(Ordering::SeqCst) > 2);
    ended
        .failed_with(130, &["UPDATE_COMPLETE      restctl", "interrupted before the new versions were live"]);
    ended.failed_with(130, &["next: restctl deploy, which goes on from there"]);
}

#[test]
fn off_a_terminal_it_says_that_the_update_goes_on() {
    let cloud = Cloud::up();
    let slow = updating(&cloud);
    let ended = interrupted(&cloud, || slow.looks.load(Ordering::SeqCst) > 2);
    ended.failed_with(130, &["interrupted: the stack is still being updated", "next: restctl deploy when"]);
    assert_eq!(slow.phase.load(Ordering::SeqCst), WORKING, "nothing was cancelled");
}

/// Types into a pseudo-terminal: Python has them without another crate.
const TERMINAL: &str = r#"
import os, pty, select, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
said, keys = b"", sys.stdin.buffer
def read():
    global said
    try:
        piece = os.read(terminal, 65536)
    except OSError:
        piece = b""
    said += piece
    return piece
def type_now(text):
    os.write(terminal, text)
os.set_blocking(0, False)
while True:
    ready, _, _ = select.select([terminal, 0] if keys else [terminal], [], [])
    if terminal in ready and not read():
        break
    if keys and 0 in ready:
        typed = os.read(0, 64)
        if typed:
            type_now(typed)
        else:
            keys = None
    open(os.environ["SAID"], "wb").write(said)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

#[test]
fn on_a_terminal_it_asks_and_cancels() {
    let cloud = Cloud::up();
    let slow = updating(&cloud);
    let said = cloud.state().join("said");
    let command = cloud.command(&["deploy", "--list", "on"]);
    let mut terminal = Command::new("python3");
    terminal.args(["-c", TERMINAL, command.get_program().to_str().unwrap()]).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => terminal.env(name, value),
            None => terminal.env_remove(name),
        };
    }
    terminal.env("SAID", &said).env("TERM", "xterm").current_dir(command.get_current_dir().unwrap());
    let mut deploying = terminal.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut keys = deploying.stdin.take().unwrap();
    let screen = || String::from_utf8_lossy(&std::fs::read(&said).unwrap_or_default()).into_owned();

    eventually("it waits", || (slow.looks.load(Ordering::SeqCst) > 2).then_some(()));
    let running = "UPDATE_IN_PROGRESS   ApiFunction (AWS::Lambda::Function)";
    eventually("it shows what is under way", || screen().contains(running).then_some(()));
    keys.write_all(b"\x03").unwrap();
    eventually("it asks", || screen().contains("CloudFormation is in the middle of it").then_some(()));
    eventually("it offers", || screen().contains("cancel the update").then_some(()));
    // One down, and Enter.
    keys.write_all(b"\x1b[B\r").unwrap();
    let exit = deploying.wait().unwrap().code();
    let screen = screen();
    assert_eq!(exit, Some(1), "{screen}");
    assert!(screen.contains("why:  the update was cancelled"), "{screen}");
    assert_eq!(slow.phase.load(Ordering::SeqCst), CANCELLED);
}
