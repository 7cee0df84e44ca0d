//! What commands printed, with equal outcomes shown once.

use std::fmt::Write;

use crate::cloud::CommandOutput;
use crate::outputs::replace_variables;

/// Outcomes and their causes, such as the commands that ended so, in the order of their first occurrence.
#[derive(Default)]
pub(super) struct Outcomes(Vec<(String, Vec<String>)>);

impl Outcomes {
    /// Adds the outcome of a command, of which it shows less if it is the usual one.
    pub(super) fn add_unusual(&mut self, cause: String, ran: &CommandOutput, usual: &CommandOutput) {
        let is_usual =
            ran.exit == usual.exit && replace_variables(&ran.stdout) == replace_variables(&usual.stdout);
        let stdout = if is_usual { "(the usual output)\n" } else { &ran.stdout };
        self.add(
            cause,
            &CommandOutput { exit: ran.exit, stdout: stdout.to_owned(), stderr: ran.stderr.clone() },
        );
    }

    pub(super) fn add(&mut self, cause: String, ran: &CommandOutput) {
        let CommandOutput { exit, stdout, stderr } = ran;
        // What a failed command wrote before is in other snapshots.
        let stdout = if *exit == 0 { stdout } else { "" };
        let outcome = replace_variables(&format!("{stdout}{stderr}? {exit}\n"));
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
