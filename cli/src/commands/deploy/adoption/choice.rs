//! The new stack adopts what a deleted one left, or begins anew beside it. The user chooses, because an empty table beside the full
//! one would look like a loss.

use restctl_contract::stack::StackName;

use super::super::Deploy;
use super::Adoption;
use crate::aws::{Aws, sts};
use crate::context::Context;
use crate::deployment::retained_data::{RetainedData, RetainedResource, note_unlisted};
use crate::failure::{Exit, Failure, Result};
use crate::terminal::ndjson::NdjsonReport;
use crate::terminal::{output, prompt};

/// Finds what a deleted stack left and shows it, and returns what the new stack adopts. Fails if the user has not chosen.
pub(in super::super) async fn choose_adoption(
    args: &Deploy,
    context: &Context,
    report: &NdjsonReport,
) -> Result<Option<Adoption>> {
    let (aws, name) = (context.aws().await?, &context.stack);
    let mut found = RetainedData::find(aws, Some(name), &[]).await?;
    for (what, denied) in found.unlisted.drain(..) {
        // A dry run may leave the choice open, and logs hold nothing that the API serves.
        let is_needed = args.adopt.is_some() || !(args.fresh_data || args.dry_run);
        if is_needed && what != "logs" {
            return Err(unlisted_failure(name, what, &denied));
        }
        output::print_message(note_unlisted(what, &denied));
    }
    if found.resources.iter().all(RetainedResource::is_log) {
        return match args.adopt {
            Some(_) => Err(nothing_to_adopt(aws, name)),
            None => Ok(None),
        };
    }
    found.count_objects(aws, &sts::read_account(aws).await?).await?;
    output::print_message(format!("a deleted stack {name} left in {}:", aws.region));
    for resource in &found.resources {
        report.write_line("retained", &resource.to_json())?;
        output::print_wrapped_message(format!("  {resource}"), 4);
    }
    match choose_data(args, name)? {
        DataChoice::Adopt => {
            let adoption = Adoption::select(found.resources, args.adopt.as_deref().unwrap_or_default())?;
            if let Some(key) = adoption.key() {
                args.options.check_adopted_key(key)?;
            }
            Ok(Some(adoption))
        }
        DataChoice::FreshData => {
            output::print_message(
                "this data stays beside the new stack: restctl status --all lists it, and restctl destroy --delete-data \
                 removes it together with the stack",
            );
            Ok(None)
        }
        DataChoice::Undecided => {
            output::print_message(
                "a deployment needs --adopt or --fresh-data; this is a dry run with --fresh-data",
            );
            Ok(None)
        }
    }
}

fn unlisted_failure(name: &StackName, what: &str, denied: &Failure) -> Failure {
    Failure::new(format!("nothing was changed: cannot look for {what} that a deleted stack {name} left"))
        .exit(denied.exit)
        .why(denied.to_single_line())
        .next(
            "to adopt what was left, ask for the permission, then: restctl deploy --adopt\n\
             to begin with an empty table and an empty bucket: restctl deploy --fresh-data",
        )
}

pub(in super::super) fn nothing_to_adopt(aws: &Aws, name: &StackName) -> Failure {
    Failure::new(format!(
        "there is nothing to adopt: no deleted stack {name} left a table or a bucket in {}",
        aws.region
    ))
    .exit(Exit::NotFound)
    .next("leave out --adopt; or name another --stack, --region or --profile")
}

/// What becomes of the data.
enum DataChoice {
    Adopt,
    FreshData,
    /// Only in a dry run.
    Undecided,
}

fn choose_data(args: &Deploy, name: &StackName) -> Result<DataChoice> {
    const ANSWERS: [&str; 2] = [
        "adopt it, so that the new stack serves it",
        "begin with an empty table and an empty bucket beside it",
    ];
    if args.adopt.is_some() {
        return Ok(DataChoice::Adopt);
    }
    if args.fresh_data {
        return Ok(DataChoice::FreshData);
    }
    if args.dry_run {
        return Ok(DataChoice::Undecided);
    }
    let question = "What should the new stack do with this data?";
    let interrupted = Failure::new("interrupted: nothing was changed").exit(Exit::Interrupted);
    match prompt::ask_optional_choice(question, &ANSWERS, interrupted) {
        Some(0) => Ok(DataChoice::Adopt),
        Some(_) => Ok(DataChoice::FreshData),
        None => Err(Failure::usage(format!("nothing was changed: a deleted stack {name} left data"))
            .why("the new stack can adopt the data, or begin with an empty table beside it")
            .next(
                "to adopt it: restctl deploy --adopt\n\
                 to begin with an empty table beside it: restctl deploy --fresh-data",
            )),
    }
}
