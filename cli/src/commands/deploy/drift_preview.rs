//! Shows in a dry run what was changed without restctl since the last deployment.

use serde_json::json;

use crate::aws::Aws;
use crate::aws::cloudformation::Stack;
use crate::aws::cloudformation::drift::can_compare;
use crate::deployment::drift::resources::ComparedResources;
use crate::deployment::drift::{self, Difference, ResourceDrift};
use crate::failure::{Failure, Result};
use crate::terminal::ndjson::NdjsonReport;
use crate::terminal::output::{self, Format};
use crate::terminal::text::Text;

/// Prints each resource that was changed, like a change of the deployment, and returns how many there are. Says how many could
/// not be compared.
pub(super) async fn print_drift(aws: &Aws, stack: &Stack, report: &NdjsonReport) -> Result<usize> {
    if !can_compare(stack) {
        let state = stack.status.as_str();
        output::print_message(format!(
            "note: while the stack is in {state}, changes without restctl are not found"
        ));
        report.write_line("not_compared", &json!({ "reasons": [format!("the stack is in {state}")] }))?;
        return Ok(0);
    }
    let found = drift::compare_stack(aws, stack).await?;
    print_not_compared(&found, report)?;
    if !found.drifts.is_empty() {
        output::print_message(
            "changed without restctl. A deployment reverts it, refuses, or notes what may be a false difference; doctor prints how \
             to resume paused loads:",
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

fn print_not_compared(found: &ComparedResources, report: &NdjsonReport) -> Result<()> {
    let ComparedResources { failures, not_comparable, .. } = found;
    let mut reasons: Vec<_> = failures.iter().map(Failure::to_single_line).collect();
    if *not_comparable > 0 {
        reasons.push(format!("CloudFormation cannot compare the types of {not_comparable} resources"));
    }
    if reasons.is_empty() {
        return Ok(());
    }
    let number = failures.len() + not_comparable;
    output::print_message(Text::from_lines(
        [format!("note: {number} comparisons were not possible:")]
            .into_iter()
            .chain(reasons.iter().map(|why| format!("  {why}"))),
    ));
    report.write_line("not_compared", &json!({ "number": number, "reasons": reasons }))
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
