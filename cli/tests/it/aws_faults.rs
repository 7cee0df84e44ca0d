//! What each command says if AWS, or something on the way to AWS, answers in a way that no command expects:
//! `cli/tests/aws_faults`.

mod advice;
mod call;
mod cases;
mod deployed;
mod fault;
mod later_calls;
mod network;
mod other_servers;
mod outcomes;
mod rotated_keys;
mod states;

use std::sync::{Arc, Mutex};

use self::advice::assert_no_circle;
use self::call::AwsCall;
use self::fault::Fault;
use self::network::{AwsNetwork, Reaction, Secrets};
use self::outcomes::Outcomes;
use crate::snapshots::Snapshots;

const LOAD: &str = "0123456789abcdef";
const SECRETS: Secrets<'_> =
    Secrets { access_key_id: "AKIAIOSFODNN7EXAMPLE", access_key: "secret", client_secret: "another" };

/// Command lines of every command that calls AWS.
const COMMANDS: &[&[&str]] = &[
    &["auth-test"],
    &["cert", "renew"],
    &["cert", "show"],
    &["config", "show"],
    &["deploy"],
    &["deploy", "--dry-run"],
    &["destroy", "--yes"],
    &["dlq", "drop", "--all", "--yes"],
    &["dlq", "ls"],
    &["dlq", "redrive"],
    &["doctor"],
    &["export"],
    &["get", "--id", "1"],
    &["idp", "add", "--issuer", "https://login.example.com/", "--audience", "items"],
    &["idp", "remove", "https://login.example.com/"],
    &["idp", "rotate-secret"],
    &["idp", "show"],
    &["loads", "ls"],
    &["loads", "rejects", LOAD],
    &["loads", "retry", LOAD],
    &["loads", "show", LOAD],
    &["logs"],
    &["rollback"],
    &["setup", "--self-signed", "api.example.com"],
    &["status"],
    &["token"],
    &["token", "explain", "X"],
    &["upload", "items.csv"],
    &["upload", "--dry-run", "items.csv"],
    &["verify", "items.csv"],
];

/// Commands that do not call AWS.
const OFFLINE: [&str; 4] = ["completions", "demo", "local", "man"];

#[test]
fn every_command_that_calls_aws_is_tested() {
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/help")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(name) = name.strip_prefix("restctl-") else { continue };
        let name = name.strip_suffix(".snap").unwrap();
        let is_offline = OFFLINE.contains(&name.split('-').next().unwrap());
        let is_tested = COMMANDS.iter().any(|args| args.join("-").starts_with(name));
        assert!(is_offline || is_tested, "{name}");
    }
}

/// Returns the services that answer the first calls of a command. If it makes several at the same time, the others never answer,
/// so that it is always the same one that fails first. `None` means all.
fn first_to_answer(args: &[&str]) -> Option<&'static [&'static str]> {
    match args {
        ["get" | "export", ..] | ["token"] => Some(&["cloudformation", "ssm"]),
        // It waits for all of its calls.
        ["auth-test"] => Some(&["cloudformation", "secretsmanager"]),
        ["cert" | "config", ..] | ["token", "explain", ..] => Some(&["cloudformation"]),
        ["idp", "show" | "rotate-secret", ..] => Some(&["cloudformation"]),
        _ => None,
    }
}

/// Answers every call of every command with a fault. So each command fails at its first call, except those that go on.
fn compare_first_calls(fault: Fault) {
    let first: Arc<Mutex<Option<&[&str]>>> = Arc::default();
    let answering = Arc::clone(&first);
    let answer = move |call: &AwsCall| {
        let answers = answering.lock().unwrap().is_none_or(|first| first.contains(&call.service()));
        if answers { Reaction::Answer(fault.answer(call)) } else { Reaction::None }
    };
    let network = AwsNetwork::start(Arc::new(answer), None, None);
    let (mut outcomes, mut ends) = (Outcomes::default(), Vec::new());
    for args in COMMANDS {
        *first.lock().unwrap() = first_to_answer(args);
        let state = tempfile::tempdir().unwrap();
        let ran = network.run(args, state.path(), &SECRETS);
        outcomes.add(format!("restctl {}", args.join(" ")), &ran);
        ends.push((*args, ran));
    }
    assert_no_circle(&ends);
    let mut snapshots = Snapshots::in_folder("aws_faults");
    snapshots.compare(&format!("first-call-{fault:?}").to_lowercase(), &outcomes.to_text());
    snapshots.finish();
}

macro_rules! first_calls {
    ($($name:ident: $fault:ident;)+) => {
        $(#[test] fn $name() { compare_first_calls(Fault::$fault); })+

        #[test]
        fn each_fault_is_tested() {
            assert_eq!([$(Fault::$fault),+], Fault::ALL);
        }
    };
}

first_calls! {
    throttled: Throttled;
    denied: Denied;
    forbidden: Forbidden;
    internal: Internal;
    unavailable: Unavailable;
    proxy_page: ProxyPage;
    sign_in_page: SignInPage;
    cut: Cut;
    empty: Empty;
    closed: Closed;
}
