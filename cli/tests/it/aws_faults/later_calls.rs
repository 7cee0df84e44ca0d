//! Faults in the midst of a command: each operation fails once, after those before it have succeeded in the local cloud.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use super::call::AwsCall;
use super::fault::Fault;
use super::network::{AwsNetwork, Reaction};
use super::outcomes::Outcomes;
use crate::cloud::{Cloud, CommandOutput};
use crate::interposed::interpose;
use crate::snapshots::Snapshots;

/// Commands that change nothing. LOAD is the load of `bad.csv`.
const READING: &[&[&str]] = &[
    &["cert", "show"],
    &["config", "show"],
    &["deploy", "--dry-run"],
    &["dlq", "ls"],
    &["doctor"],
    &["export"],
    &["get", "--id", "1"],
    &["idp", "show"],
    &["loads", "ls"],
    &["loads", "rejects", "LOAD"],
    &["loads", "show", "LOAD"],
    &["logs"],
    &["status"],
    &["token"],
    &["token", "explain"],
    &["upload", "--dry-run", "items.csv"],
];

/// Commands that change something, in an order in which each of them can succeed.
const CHANGING: &[&[&str]] = &[
    &["upload", "items.csv"],
    &["loads", "retry", "LOAD"],
    &["dlq", "redrive"],
    &["dlq", "drop", "--all", "--yes"],
    &["rollback"],
    &["destroy", "--yes", "--delete-data"],
];

/// Chooses a fault for an operation in this turn, other than what it is called again for until some seconds are over.
fn choose_fault(operation: &str, turn: usize) -> Fault {
    let fault = Fault::choose_for(operation, turn);
    let is_retried = operation == "cloudformation DetectStackResourceDrift" && fault == Fault::Throttled;
    if is_retried { Fault::Denied } else { fault }
}

/// A run of a command in which the first call of an operation that is not known yet fails, and all others of that operation.
#[derive(Default)]
struct Progress {
    known: Vec<String>,
    failing: Option<String>,
    turn: usize,
}

impl Progress {
    fn react(&mut self, call: &AwsCall) -> Reaction {
        let operation = call.operation();
        if self.known.contains(&operation) {
            return Reaction::PassOn;
        }
        if self.failing.get_or_insert_with(|| operation.clone()) != &operation {
            return Reaction::PassOn;
        }
        Reaction::Answer(choose_fault(&operation, self.turn).answer(call))
    }
}

/// The local cloud as AWS, with a stack whose name is not one of this machine.
struct Deployed {
    cloud: Cloud,
    load: String,
}

impl Deployed {
    fn start() -> Self {
        let cloud = Cloud::start_empty();
        cloud.succeed(&["setup", "--self-signed", "api.example.com"]);
        cloud.succeed(&["deploy", "--list", "on"]);
        cloud.run(&["upload", "bad.csv"]).failed_with(3, &[]);
        let loads = cloud.succeed(&["loads", "ls", "--output", "json"]).json();
        let load = loads[0]["load"].as_str().unwrap().to_owned();
        // The emulator takes signatures for its own address only.
        interpose(&cloud, |_| None);
        Self { cloud, load }
    }

    /// Lets each operation of the command fail in its turn.
    fn compare(&self, args: &[&str], turns: usize, snapshots: &mut Snapshots) {
        let progress: Arc<Mutex<Progress>> = Arc::default();
        let reacting = Arc::clone(&progress);
        let record = self.cloud.record();
        let address = |member: &str| -> SocketAddr {
            record[member]
                .as_str()
                .unwrap()
                .trim_start_matches("http://")
                .trim_end_matches('/')
                .parse()
                .unwrap()
        };
        let react = move |call: &AwsCall| reacting.lock().unwrap().react(call);
        let network =
            AwsNetwork::start(Arc::new(react), Some(address("endpoint_url")), Some(address("front")));
        let key = |member: &str| record["access_key"][member].as_str().unwrap();
        let filled: Vec<&str> =
            args.iter().map(|arg| if *arg == "LOAD" { &self.load } else { *arg }).collect();
        let run = || {
            // What one attempt has cached, the next one would not ask for.
            let _ = std::fs::remove_dir_all(self.cloud.state_folder().join("restctl/tokens"));
            network.run(&filled, self.cloud.state_folder(), (key("id"), key("secret")))
        };
        let take_failing = || progress.lock().unwrap().failing.take();
        let mut runs: Vec<(String, CommandOutput)> = Vec::new();
        let mut usual = None;
        for turn in 0..turns {
            *progress.lock().unwrap() = Progress { turn, ..Progress::default() };
            let mut ran = run();
            while let Some(failed) = take_failing() {
                runs.push((format!("{failed}: {:?}", choose_fault(&failed, turn)), ran));
                progress.lock().unwrap().known.push(failed);
                ran = run();
            }
            usual = Some(ran);
        }
        runs.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut outcomes = Outcomes::default();
        let usual = usual.unwrap();
        for (cause, ran) in &runs {
            match args {
                ["doctor"] => outcomes.add_checks(cause.clone(), ran, &usual),
                _ => outcomes.add_unusual(cause.clone(), ran, &usual),
            }
        }
        if usual.exit != 0 {
            outcomes.add_unusual("without a fault".to_owned(), &usual, &usual);
        }
        let words = args.join("-").replace("--", "").replace('.', "-").to_lowercase();
        snapshots.compare(&format!("later-calls-{words}"), &outcomes.to_text());
    }
}

fn compare_all(commands: &[&[&str]], turns: usize) {
    let deployed = Deployed::start();
    let mut snapshots = Snapshots::in_folder("aws_faults");
    for args in commands {
        deployed.compare(args, turns, &mut snapshots);
    }
    snapshots.finish();
}

#[test]
fn a_failing_call_of_a_reading_command_is_not_taken_for_another_state() {
    compare_all(READING, 2);
}

#[test]
fn a_failing_call_of_a_changing_command_is_not_taken_for_another_state() {
    compare_all(CHANGING, 1);
}
