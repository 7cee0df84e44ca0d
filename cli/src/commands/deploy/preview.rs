//! A deployment as it is seen before it is done.

use super::Deploy;
use crate::aws::change_set::Change;
use crate::context::Context;
use crate::failure::{Exit, Failure, Result};
use crate::output::{self, Format};
use crate::report::Report;

/// The changes as a tree, which is the data of a dry run.
pub(super) fn show(changes: &[Change], args: &Deploy, context: &Context, report: &Report) -> Result<()> {
    let stack = format!("the stack {} in {}", context.stack, context.aws.region);
    if !args.dry_run && changes.iter().all(Change::is_addition) {
        output::say(&format!("{stack}: {} resources to add", changes.len()));
        return changes.iter().try_for_each(|change| report.line("change", &change.json()));
    }
    output::say(&format!("{stack}:"));
    for change in changes {
        report.line("change", &change.json())?;
        if args.dry_run && args.output == Format::Text {
            output::data(&change.to_string())?;
        } else {
            output::say(&change.to_string());
        }
    }
    Ok(())
}

/// What holds data is replaced or removed only by name.
pub(super) fn refuse_loss_of_data(changes: &[Change], allowed: &[String]) -> Option<Failure> {
    let lost = changes.iter().filter(|change| change.parts_with_data()).map(Change::resource);
    let lost: Vec<_> = lost.filter(|resource| !allowed.iter().any(|name| name == resource)).collect();
    if lost.is_empty() {
        return None;
    }
    let flags: Vec<_> = lost.iter().map(|resource| format!("--allow-replacement {resource}")).collect();
    Some(
        Failure::new(format!("this would replace or remove {}, and nothing was changed", lost.join(", ")))
            .exit(Exit::Usage)
            .why("what it holds now would stay in the account, and the API would no longer have it")
            .next(format!("leave out what changes it; or: restctl deploy … {}", flags.join(" "))),
    )
}
