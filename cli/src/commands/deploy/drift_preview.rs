//! Shows in a dry run what was changed without restctl since the last deployment.

use serde_json::json;

use super::preview::MARGIN;
use crate::aws::Aws;
use crate::aws::cloudformation::Stack;
use crate::aws::cloudformation::drift::can_compare;
use crate::deployment::drift::resources::ComparedResources;
use crate::deployment::drift::{self, Difference, ResourceDrift};
use crate::failure::{Failure, Result};
use crate::terminal::advice::name_target;
use crate::terminal::ndjson::NdjsonReport;
use crate::terminal::output::{self, Format};
use crate::terminal::text::Text;

/// What a dry run found besides the changes of CloudFormation.
#[derive(Default)]
pub(super) struct DriftPreview {
    pub(super) drifts: usize,
    /// Why some comparisons were not possible.
    failures: Vec<Failure>,
}

impl DriftPreview {
    /// Fails if it is unknown whether anything has drifted.
    pub(super) fn require_complete(self) -> Result<()> {
        let Some(first) = self.failures.into_iter().next() else { return Ok(()) };
        let next = first.next_step().unwrap_or("run the same command again, when the stack is idle");
        Err(Failure::new("it is unknown whether a deployment would change anything")
            .exit(first.exit)
            .why(first.to_single_line())
            .next(next))
    }
}

/// Prints each resource that was changed, like a change of the deployment, and what could not be compared.
pub(super) async fn print_drift(aws: &Aws, stack: &Stack, report: &NdjsonReport) -> Result<DriftPreview> {
    let ComparedResources { drifts, failures, .. } = match can_compare(stack) {
        true => drift::compare_stack(aws, stack).await?,
        false => {
            let why = format!("the stack is in {}", stack.status.as_str());
            let failures = vec![Failure::new("changes without restctl cannot be found").why(why)];
            ComparedResources { failures, ..ComparedResources::default() }
        }
    };
    if !failures.is_empty() {
        let reasons: Vec<_> = failures.iter().map(Failure::to_single_line).collect();
        reasons.iter().for_each(|reason| output::print_message(format!("note: {reason}")));
        report.write_line("not_compared", &json!({ "number": reasons.len(), "reasons": reasons }))?;
    }
    if !drifts.is_empty() {
        output::print_message(
            "changed without restctl; a deployment leaves what was added, and reverts the rest or says why it cannot; `restctl doctor` \
             says how to resume paused loads:",
        );
    }
    for drift in &drifts {
        report.write_line("drift", &drift.to_json())?;
        if output::chosen_format() == Format::Text {
            output::print_wrapped_text(&Text::from_lines(tree_lines(drift)), MARGIN)?;
        }
    }
    Ok(DriftPreview { drifts: drifts.len(), failures })
}

/// Describes a drift in the form of [`Change::to_lines`](crate::aws::cloudformation::change_set::Change::to_lines).
fn tree_lines(drift: &ResourceDrift) -> Vec<String> {
    let verb = match drift.remove {
        Some(_) => "added",
        None if drift.is_deleted() => "deleted",
        None => "drifted",
    };
    let mut lines = vec![format!("  ! {verb} {} ({})", drift.resource, drift.kind)];
    let differences = drift.differences.iter().map(Difference::describe);
    let remove = drift.remove.iter().map(|command| format!("to remove it: {}", name_target(command)));
    let mut branches = differences.chain(remove).peekable();
    while let Some(line) = branches.next() {
        let branch = if branches.peek().is_some() { '├' } else { '└' };
        lines.push(format!("      {branch} {line}"));
    }
    lines
}
