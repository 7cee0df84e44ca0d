//! A deployment as it is seen before it is done.

use super::Deploy;
use crate::aws::cloudformation::change_set::Change;
use crate::failure::{Exit, Failure, Result};
use crate::terminal::ndjson::NdjsonReport;
use crate::terminal::output::{self, Format};

/// The changes as a tree, which is the data of a dry run.
pub(super) fn show(changes: &[Change], args: &Deploy, stack: &str, report: &NdjsonReport) -> Result<()> {
    if !args.dry_run && !changes.is_empty() && changes.iter().all(Change::is_addition) {
        output::print_message(&format!("{stack}: {} resources to add", changes.len()));
        return changes.iter().try_for_each(|change| report.write_line("change", &change.to_json()));
    }
    if changes.is_empty() {
        output::print_message(&format!("{stack}: nothing but its outputs changes"));
    } else {
        output::print_message(&format!("{stack}:"));
    }
    for change in changes {
        report.write_line("change", &change.to_json())?;
        if args.dry_run && output::chosen_format() == Format::Text {
            output::print_line(&change.to_string())?;
        } else {
            output::print_message(&change.to_string());
        }
    }
    Ok(())
}

/// What holds data is replaced or removed only by name: those whose names are missing.
pub(super) fn unnamed_losses(changes: &[Change], allowed: &[String]) -> Vec<String> {
    let lost = changes.iter().filter(|change| change.loses_data()).map(Change::resource);
    lost.filter(|resource| !allowed.iter().any(|name| name == resource)).map(str::to_owned).collect()
}

pub(super) fn refuse(losses: &[String]) -> Result<()> {
    if losses.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("this would replace or remove {}, and nothing was changed", losses.join(", ")))
        .exit(Exit::Usage)
        .why("what it holds now would stay in the account, and the API would no longer have it")
        .next(format!("leave out what changes it; or: restctl deploy … {}", flags(losses))))
}

/// With which a deployment does it all the same.
pub(super) fn flags(losses: &[String]) -> String {
    let flags: Vec<_> = losses.iter().map(|resource| format!("--allow-replacement {resource}")).collect();
    flags.join(" ")
}
