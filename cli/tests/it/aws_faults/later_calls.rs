//! Faults in the midst of a command: each operation fails in its turn, after those before it have succeeded in the local cloud.

use std::sync::{Arc, Mutex};

use super::call::AwsCall;
use super::cases::{CHANGING, Case, READING};
use super::deployed::DeployedStack;
use super::fault::Fault;
use super::network::Reaction;
use super::outcomes::Outcomes;
use crate::cloud::CommandOutput;
use crate::snapshots::Snapshots;

/// Operations that restctl calls again and again, for seconds or minutes, after a fault that passes.
const REPEATED: [&str; 3] = [
    "cloudformation DescribeStackEvents",
    "cloudformation DetectStackResourceDrift",
    "dynamodb BatchGetItem",
];

/// Chooses a fault for an operation in this turn, one for which the command does not wait.
fn choose_fault(operation: &str, turn: usize) -> Fault {
    let is_repeated = REPEATED.contains(&operation);
    let faults: Vec<Fault> =
        Fault::ALL.into_iter().filter(|fault| !(is_repeated && fault.passes())).collect();
    Fault::choose_for(operation, turn, &faults)
}

/// Which calls fail during an attempt: those of the first operation that is not known yet.
#[derive(Default)]
struct FaultPlan {
    known: Vec<String>,
    failing: Option<String>,
    turn: usize,
}

impl FaultPlan {
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

/// What a command said.
struct CaseOutput {
    /// Each with its cause: the operation and the fault.
    faulty: Vec<(String, CommandOutput)>,
    without_fault: CommandOutput,
    /// The operations that it called.
    operations: Vec<String>,
}

/// Lets each operation of the command fail in its turn, except those in `passed`.
fn run_case(case: &Case, stack: &DeployedStack, passed: &[String]) -> CaseOutput {
    let plan: Arc<Mutex<FaultPlan>> = Arc::default();
    let reacting = Arc::clone(&plan);
    let network = stack.start_network(Arc::new(move |call: &AwsCall| reacting.lock().unwrap().react(call)));
    let mut exit = None;
    let mut attempt = || {
        (case.prepare)(stack, exit);
        let ran = stack.run(case.args, &network);
        exit = Some(ran.exit);
        ran
    };
    let mut faulty = Vec::new();
    let mut turn = 0;
    loop {
        *plan.lock().unwrap() = FaultPlan { turn, known: passed.to_vec(), failing: None };
        let without_fault = loop {
            let ran = attempt();
            let mut plan = plan.lock().unwrap();
            let Some(failed) = plan.failing.take() else { break ran };
            faulty.push((format!("{failed}: {:?}", choose_fault(&failed, turn)), ran));
            plan.known.push(failed);
        };
        turn += 1;
        if turn == case.turns {
            let operations = plan.lock().unwrap().known.clone();
            faulty.sort_by(|(one, _), (other, _)| one.cmp(other));
            return CaseOutput { faulty, without_fault, operations };
        }
    }
}

fn describe_outcomes(case: &Case, output: &CaseOutput) -> String {
    let (mut outcomes, usual) = (Outcomes::default(), &output.without_fault);
    for (cause, ran) in &output.faulty {
        match case.args {
            ["doctor"] => outcomes.add_checks(cause.clone(), ran, usual),
            _ => outcomes.add_unusual(cause.clone(), ran, usual),
        }
    }
    if usual.exit != 0 {
        outcomes.add("without a fault".to_owned(), usual);
    }
    outcomes.to_text()
}

fn compare_all(cases: &[Case]) {
    let stack = DeployedStack::start();
    let mut snapshots = Snapshots::in_folder("aws_faults");
    let mut operations = Vec::new();
    for case in cases {
        let passed = if case.continues { operations } else { Vec::new() };
        let output = run_case(case, &stack, &passed);
        let words = case.args.join("-").replace("--", "").replace('.', "-").to_lowercase();
        snapshots.compare(&format!("later-calls-{words}"), &describe_outcomes(case, &output));
        operations = output.operations;
    }
    snapshots.finish();
}

#[test]
fn a_failing_call_of_a_reading_command_is_not_taken_for_another_state() {
    compare_all(READING);
}

#[test]
fn a_failing_call_of_a_changing_command_is_not_taken_for_another_state() {
    compare_all(CHANGING);
}
