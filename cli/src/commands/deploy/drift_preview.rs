//! Shows in a dry run what was changed without restctl since the last deployment.

use crate::aws::Aws;
use crate::aws::cloudformation::Stack;
use crate::aws::cloudformation::drift::can_compare;
use crate::deployment::drift::{self, Difference, ResourceDrift};
use crate::failure::Result;
use crate::terminal::ndjson::NdjsonReport;
use crate::terminal::output::{self, Format};
use crate::terminal::text::Text;

/// Prints each resource that was changed, like a change of the deployment, and returns how many there are.
pub(super) async fn print_drift(aws: &Aws, stack: &Stack, report: &NdjsonReport) -> Result<usize> {
    if !can_compare(stack) {
        return Ok(0);
    }
    let found = drift::compare_stack(aws, stack).await?;
    for failure in &found.failures {
        output::print_message(format!("note: {}", failure.to_single_line()));
    }
    if !found.drifts.is_empty() {
        output::print_message(
            "changed without restctl; a deployment reverts it, or says what it cannot revert:",
        );
    }
    for drift in &found.drifts {
        report.write_line("drift", &drift.to_json())?;
        if output::chosen_format() == Format::Text {
            output::print_text(Text::from_lines(tree_lines(drift)))?;
        }
    }
    Ok(found.drifts.len())
}

/// Describes a drift in the form of [`Change::to_lines`](crate::aws::cloudformation::change_set::Change::to_lines).
fn tree_lines(drift: &ResourceDrift) -> Vec<String> {
    let verb = if drift.is_deleted() { "deleted" } else { "drifted" };
    let mut lines = vec![format!("  ! {verb} {} ({})", drift.resource, drift.kind)];
    let mut differences = drift.differences.iter().map(Difference::describe).peekable();
    while let Some(difference) = differences.next() {
        let branch = if differences.peek().is_some() { '├' } else { '└' };
        lines.push(format!("      {branch} {difference}"));
    }
    lines
}
