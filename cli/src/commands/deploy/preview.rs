//! Shows the changes of a deployment before they are made.

use serde_json::json;

use super::Deploy;
use crate::aws::cloudformation::change_set::{Change, ChangeSet};
use crate::aws::cloudformation::events::Event;
use crate::deployment::price::AddedPrice;
use crate::failure::{Exit, Failure, Result, shell_argument};
use crate::terminal::ndjson::NdjsonReport;
use crate::terminal::output::{self, Format};
use crate::terminal::text::Text;

/// Prints the changes, what they add to the price, and what CloudFormation warns of.
pub(super) fn print_preview(
    change_set: &ChangeSet,
    added_price: Option<AddedPrice>,
    args: &Deploy,
    stack: &str,
    report: &NdjsonReport,
) -> Result<()> {
    print_changes(&change_set.changes, args, stack, report)?;
    if let Some(price) = added_price.filter(|price| !price.is_zero()) {
        report.write_line("price", &json!({ "usd_per_month": price.usd() }))?;
        output::print_message(price.describe());
    }
    match &change_set.warnings {
        Ok(warnings) => print_warnings(warnings, report),
        Err(failure) => {
            let reason = failure.to_single_line();
            output::print_message(format!("note: warnings of CloudFormation are not shown: {reason}"));
            Ok(())
        }
    }
}

/// Prints the changes as a tree. For a dry run, they go to standard output.
fn print_changes(changes: &[Change], args: &Deploy, stack: &str, report: &NdjsonReport) -> Result<()> {
    if !args.dry_run && !changes.is_empty() && changes.iter().all(Change::is_addition) {
        let resources = if changes.len() == 1 { "resource" } else { "resources" };
        output::print_message(format!("{stack}: {} {resources} to add", changes.len()));
        return changes.iter().try_for_each(|change| report.write_line("change", &change.to_json()));
    }
    if changes.is_empty() {
        output::print_message(format!("{stack}: only its outputs change"));
    } else {
        output::print_message(format!("{stack}:"));
    }
    for change in changes {
        report.write_line("change", &change.to_json())?;
        if args.dry_run && output::chosen_format() == Format::Text {
            output::print_text(Text::from_lines(change.to_lines()))?;
        } else {
            output::print_message(Text::from_lines(change.to_lines()));
        }
    }
    Ok(())
}

/// Prints what CloudFormation's early validation found. It does not prevent the deployment.
fn print_warnings(warnings: &[Event], report: &NdjsonReport) -> Result<()> {
    for warning in warnings {
        report.write_line("warning", &warning.to_json())?;
        output::print_message(format!("warning: {}", warning.describe()));
    }
    Ok(())
}

/// Returns the resources with data that would be replaced or removed and that `--allow-replacement` does not name.
pub(super) fn unnamed_losses(changes: &[Change], allowed: &[String]) -> Vec<String> {
    let lost = changes.iter().filter(|change| change.loses_data()).map(Change::resource_name);
    lost.filter(|resource| !allowed.iter().any(|name| name == resource)).map(str::to_owned).collect()
}

pub(super) fn refuse_losses(losses: &[String]) -> Result<()> {
    if losses.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("nothing was changed: this would replace or remove {}", losses.join(", ")))
        .exit(Exit::Usage)
        .why("its data would stay in the account, but the API could no longer reach it")
        .next(format!("leave out the option that changes it, or: restctl deploy … {}", allow_flags(losses))))
}

/// Returns the flags that allow these losses.
pub(super) fn allow_flags(losses: &[String]) -> String {
    let flags: Vec<_> = losses
        .iter()
        .map(|resource| format!("--allow-replacement {}", shell_argument(resource, "NAME")))
        .collect();
    flags.join(" ")
}
