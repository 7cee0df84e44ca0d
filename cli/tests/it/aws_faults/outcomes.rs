//! What commands printed, with equal outcomes shown once.

use std::fmt::Write;

use regex_lite::Regex;

use crate::cloud::CommandOutput;
use crate::outputs::replace_variables;

/// Outcomes and their causes, such as the commands that ended so, in the order of their first occurrence.
#[derive(Default)]
pub(super) struct Outcomes(Vec<(String, Vec<String>)>);

impl Outcomes {
    /// Adds the outcome of a command with only those lines that it does not write usually, and with its failure. How fast its
    /// work was decides which lines about its progress it writes, so these are left out.
    pub(super) fn add_unusual(&mut self, cause: String, ran: &CommandOutput, usual: &CommandOutput) {
        let mut stdout = unusual_lines(&ran.stdout, &usual.stdout);
        if ran.exit == usual.exit && stdout.is_empty() {
            stdout = "(the usual output)\n".to_owned();
        }
        let (before, failure) = ran.stderr.split_at(ran.stderr.find("error: ").unwrap_or(ran.stderr.len()));
        let mut stderr = unusual_lines(before, &usual.stderr);
        if ran.exit == usual.exit {
            stderr = keep_lines(&stderr, |line| REPORTS.iter().any(|word| line.contains(word)));
        }
        self.add(cause, &CommandOutput { exit: ran.exit, stdout, stderr: stderr + failure });
    }

    /// Adds the outcome of `doctor`, which goes on after a failed check: the checks that are not ok.
    pub(super) fn add_checks(&mut self, cause: String, ran: &CommandOutput, usual: &CommandOutput) {
        let usual = replace_ids(&usual.stdout);
        let written = replace_ids(&ran.stdout);
        let is_fault = |line: &&str| {
            ["failed", "warning", "skipped", " "].iter().any(|start| line.starts_with(start))
                && !usual.lines().any(|each| each == *line)
        };
        let faults: String = written.lines().filter(is_fault).map(|line| format!("{line}\n")).collect();
        self.push(cause, format!("{faults}? {}\n", ran.exit));
    }

    pub(super) fn add(&mut self, cause: String, ran: &CommandOutput) {
        let CommandOutput { exit, stdout, stderr } = ran;
        // What a failed command wrote before is in other snapshots.
        let stdout = if *exit == 0 { stdout } else { "" };
        self.push(cause, replace_ids(&format!("{stdout}{stderr}? {exit}\n")));
    }

    fn push(&mut self, cause: String, outcome: String) {
        match self.0.iter_mut().find(|(each, _)| *each == outcome) {
            Some((_, causes)) => causes.push(cause),
            None => self.0.push((outcome, vec![cause])),
        }
    }

    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        for (outcome, causes) in &self.0 {
            for cause in causes {
                writeln!(text, "$ {cause}").unwrap();
            }
            writeln!(text, "{outcome}").unwrap();
        }
        format!("{}\n", text.trim_end())
    }
}

/// The words of lines that say what a command could not do although it succeeded.
const REPORTS: [&str; 3] = ["note: ", "warning: ", "cannot "];

/// The words of lines about the progress of a deployment or a load. Which attempt writes them depends on which of two calls comes
/// first, and on how fast the load is.
const PROGRESS: [&str; 5] =
    ["_COMPLETE ", "_SKIPPED ", "_FAILED ", " is live, instead of ", "waiting for its turn"];

/// Returns the lines of `text`, except those about progress, that are not in `usual`.
fn unusual_lines(text: &str, usual: &str) -> String {
    let usual = replace_ids(usual);
    keep_lines(&replace_ids(text), |line| {
        !PROGRESS.iter().any(|state| line.contains(state)) && !usual.lines().any(|each| each == line)
    })
}

fn keep_lines(text: &str, is_kept: impl Fn(&str) -> bool) -> String {
    text.lines().filter(|line| is_kept(line)).map(|line| format!("{line}\n")).collect()
}

/// Replaces what differs from run to run: ids, times, and which of two equal calls failed first.
fn replace_ids(text: &str) -> String {
    let names = [
        (r"databucket-[0-9a-f]{13}", "databucket-[SUFFIX]"),
        (r"loadbalance[0-9a-z-]+\.", "loadbalancer-[SUFFIX]."),
        (r"loadbalance[0-9a-z-]+/[0-9a-z]+", "loadbalancer-[SUFFIX]"),
        (r"\b[\d.]+ ([KM]i)?B\b", "[SIZE]"),
        (r"\b(Api|Ingest)(Function|Logs|Role)", "[FUNCTION]$2"),
        (r"\b(Items|Ledger)Table", "[TABLE]"),
        (r"\b(Load|DeadLetter)Queue", "[QUEUE]"),
        (r"restctl/restctl/(certificate|client-secret)", "restctl/restctl/[SECRET]"),
        (r"\b[1-9]\d* of \d+ checks", "[NUMBER] checks"),
        // A change that happens to leave the token as it is makes no forgery.
        (r"\b\d\d\d of \d+ requests", "[NUMBER] of [NUMBER] requests"),
        (r"\bof \d+ requests", "of [NUMBER] requests"),
        (r"(item|row|message)s? in [\d.]+ ?m?s", "$1 in [TIME]"),
        (r"since \d\d:\d\d UTC", "since [TIME]"),
    ];
    let text = replace_variables(text);
    names.iter().fold(text, |text, (pattern, name)| {
        Regex::new(pattern).unwrap().replace_all(&text, *name).into_owned()
    })
}
