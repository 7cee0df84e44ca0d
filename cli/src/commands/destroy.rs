//! `restctl destroy`: removes the stack, and what `setup` and `deploy` made beside it; the data only when told to.

mod inventory;

use aws_sdk_cloudformation::types::StackStatus;
use clap::Args;
use serde_json::{Value, json};

use crate::api::session_cache;
use crate::cli::completion_cache;
use crate::context::Context;
use crate::deployment::operation;
use crate::failure::{Exit, Failure, Result};
use crate::terminal::interrupt::unless_interrupted;
use crate::terminal::ndjson::NdjsonReport;
use crate::terminal::{output, prompt};

use inventory::Thing;

#[derive(Debug, Args)]
#[command(after_help = "\
Lists what it will remove, asks, removes it, and looks again. The tables and the data bucket stay unless \
--delete-data is given; given later, it finds them although the stack is gone. `restctl setup` and \
`restctl deploy` work at once again.

Exit code 3 where something is left that should be gone.")]
pub(crate) struct Destroy {
    /// Remove the tables and the data bucket too, with all that is in them
    #[arg(long)]
    delete_data: bool,

    /// Do not ask for the stack's name
    #[arg(long)]
    yes: bool,
}

pub(crate) async fn run(args: Destroy, context: Result<Context>) -> Result<Exit> {
    let report = NdjsonReport::new("destroy");
    report.conclude(async { destroy(&args, &context?, &report).await }.await)?;
    Ok(Exit::Done)
}

async fn destroy(args: &Destroy, context: &Context, report: &NdjsonReport) -> Result<Value> {
    let (aws, name) = (context.aws().await?, &context.stack);
    let things = inventory::take(context).await?;
    check_that_nobody_is_at_work(&things)?;
    check_that_data_outlives_the_stack(args, &things)?;
    let (doomed, kept): (Vec<_>, Vec<_>) =
        things.iter().partition(|thing| args.delete_data || !thing.is_data());
    for (fate, things) in [("remove", &doomed), ("keep", &kept)] {
        for thing in things {
            report.write_line(fate, &thing.json())?;
            output::print_message(&format!("  {fate:<6}  {thing}"));
        }
    }
    if doomed.is_empty() {
        output::print_message(&format!("there is nothing of the stack {name} to remove in {}", aws.region));
    } else {
        confirm(args, context)?;
    }
    let removed = remove(context, &doomed, &kept, report).await;
    look_again(args, context, &doomed, &kept, removed).await
}

/// Stops at the first thing that does not go: those behind it are needed to try again.
async fn remove(context: &Context, doomed: &[&Thing], kept: &[&Thing], report: &NdjsonReport) -> Result<()> {
    let (aws, name) = (context.aws().await?, &context.stack);
    let interrupted = || Failure::new("interrupted before all was removed");
    // A stack of an earlier version deletes its bucket itself, which must be empty then.
    for thing in doomed.iter().filter(|thing| thing.is_data()) {
        unless_interrupted(interrupted(), thing.empty(aws)).await?;
    }
    for thing in kept {
        thing.label(aws, name).await?;
    }
    for thing in doomed {
        if let Thing::Stack { stack, .. } = thing {
            // Ctrl-C asks what is to become of it.
            operation::delete_stack(aws, stack, report).await?;
        } else {
            unless_interrupted(interrupted(), thing.remove(aws)).await?;
        }
    }
    session_cache::clear(context)?;
    completion_cache::forget(name);
    if let Some(local) = &context.local {
        local.forget(name)?;
    }
    Ok(())
}

fn check_that_nobody_is_at_work(things: &[Thing]) -> Result<()> {
    for thing in things {
        if let Thing::Stack { stack, .. } = thing
            && stack.is_busy()
            && stack.status != StackStatus::DeleteInProgress
        {
            return Err(Failure::new("nothing was removed")
                .why(format!("the stack is busy: it is in {}", stack.status.as_str()))
                .next("wait until the other operation has ended, then: restctl destroy"));
        }
    }
    Ok(())
}

/// The template of an earlier version let the data go with the stack.
fn check_that_data_outlives_the_stack(args: &Destroy, things: &[Thing]) -> Result<()> {
    let goes_with_it =
        things.iter().any(|thing| matches!(thing, Thing::Stack { stack, .. } if !stack.keeps_data()));
    if args.delete_data || !goes_with_it {
        return Ok(());
    }
    Err(Failure::new("nothing was removed")
        .exit(Exit::Usage)
        .why("the stack was deployed by an earlier version of restctl, with which the data goes when the stack goes")
        .next("to keep the data: restctl deploy, then restctl destroy\nto remove it too: restctl destroy --delete-data"))
}

fn confirm(args: &Destroy, context: &Context) -> Result<()> {
    if args.yes {
        return Ok(());
    }
    let question = format!("Type the stack's name, {}, to remove this", context.stack);
    if prompt::ask_text(&question, "--yes")? == context.stack.as_str() {
        return Ok(());
    }
    Err(Failure::new("nothing was removed").exit(Exit::Usage).why("that is not the stack's name"))
}

/// The receipt, or what is left and why.
async fn look_again(
    args: &Destroy,
    context: &Context,
    doomed: &[&Thing],
    kept: &[&Thing],
    removed: Result<()>,
) -> Result<Value> {
    let (aws, name) = (context.aws().await?, &context.stack);
    let mut remaining = Vec::new();
    for thing in doomed {
        if thing.is_there(aws).await? {
            remaining.push(thing.to_string());
        }
    }
    let gone = doomed.len() - remaining.len();
    if let Err(failure) = removed {
        output::print_message(&format!("removed {gone} of {}; there is still:", doomed.len()));
        remaining.iter().for_each(|thing| output::print_message(&format!("  {thing}")));
        return Err(failure.then("restctl destroy, which removes what is left"));
    }
    if !remaining.is_empty() {
        return Err(Failure::new(format!("of the stack {name}, not all is gone"))
            .exit(Exit::Partial)
            .why(format!("there is still {}", remaining.join("\n")))
            .next("restctl destroy, which removes what is left"));
    }
    if !doomed.is_empty() {
        output::print_message(&format!("removed {gone} of {gone}, looked again: gone"));
    }
    if kept.is_empty() {
        output::print_message(&format!("nothing of {name} is left in {}", aws.region));
    } else {
        output::print_message(&format!(
            "{} with data stay in {}; to remove them: restctl destroy --delete-data",
            kept.len(),
            aws.region
        ));
    }
    let names =
        |things: &[&Thing]| things.iter().map(|thing| thing.json()["name"].clone()).collect::<Vec<_>>();
    Ok(json!({
        "outcome": if args.delete_data { "removed with the data" } else { "removed" },
        "removed": names(doomed),
        "kept": names(kept),
    }))
}
