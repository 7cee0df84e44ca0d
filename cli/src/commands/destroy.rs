//! `restctl destroy`: removes the stack and everything that `setup` and `deploy` created beside it. Removes the data only on
//! request.

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

use inventory::OwnedResource;

#[derive(Debug, Args)]
#[command(after_help = "\
Lists what it will remove, asks, removes it and checks that it is gone. The tables, the data bucket and the logs stay unless \
you pass --delete-data; you can do that later, after the stack is gone. `restctl setup` and `restctl deploy` work again at once.

It takes the deletion protection off what it removes, after it has asked. What stays keeps it.

Exit code 3 if something remains that should be gone.")]
pub(crate) struct Destroy {
    /// Remove the tables, the data bucket and the logs too, with everything in them
    #[arg(long)]
    delete_data: bool,

    /// Do not ask for the stack's name
    #[arg(long)]
    yes: bool,
}

pub(crate) async fn run(args: Destroy, context: Result<Context>) -> Result<Exit> {
    let report = NdjsonReport::new("destroy");
    report.write_result(async { destroy_stack(&args, &context?, &report).await }.await)?;
    Ok(Exit::Done)
}

async fn destroy_stack(args: &Destroy, context: &Context, report: &NdjsonReport) -> Result<Value> {
    let (aws, name) = (context.aws().await?, &context.stack);
    let resources = inventory::list_owned_resources(context).await?;
    check_stack_is_idle(&resources)?;
    check_stack_keeps_data(args, &resources)?;
    let (to_remove, kept): (Vec<_>, Vec<_>) =
        resources.iter().partition(|resource| args.delete_data || !resource.is_data());
    for (action, resources) in [("remove", &to_remove), ("keep", &kept)] {
        for resource in resources {
            report.write_line(action, &resource.to_json())?;
            output::print_message(format!("  {action:<6}  {resource}"));
        }
    }
    if to_remove.is_empty() {
        output::print_message(format!("the stack {name} has nothing to remove in {}", aws.region));
    } else {
        confirm_by_name(args, context)?;
    }
    let removed = remove_resources(context, &to_remove, &kept, report).await;
    verify_removal(args, context, &to_remove, &kept, removed).await
}

/// Removes the resources in their order. Stops at the first one that cannot be removed, because those after it are needed to
/// try again.
async fn remove_resources(
    context: &Context,
    to_remove: &[&OwnedResource],
    kept: &[&OwnedResource],
    report: &NdjsonReport,
) -> Result<()> {
    let (aws, name) = (context.aws().await?, &context.stack);
    let interrupted = || Failure::new("interrupted before everything was removed");
    // CloudFormation deletes the bucket of a stack that an earlier version of restctl deployed, if the bucket is empty.
    for resource in to_remove.iter().filter(|resource| resource.is_data()) {
        unless_interrupted(interrupted(), resource.empty_if_bucket(aws)).await?;
    }
    for resource in kept {
        resource.tag_for_later(aws, name).await?;
    }
    for resource in to_remove {
        if let OwnedResource::Stack { stack, .. } = resource {
            // Ctrl-C asks whether to continue.
            operation::delete_stack(aws, stack, report).await?;
        } else {
            unless_interrupted(interrupted(), resource.remove(aws)).await?;
        }
    }
    session_cache::clear_session(context)?;
    completion_cache::forget_stack(name);
    if let Some(local) = &context.local {
        local.served_stacks()?.forget_stack(name)?;
    }
    Ok(())
}

fn check_stack_is_idle(resources: &[OwnedResource]) -> Result<()> {
    for resource in resources {
        if let OwnedResource::Stack { stack, .. } = resource
            && stack.is_busy()
            && stack.status != StackStatus::DeleteInProgress
        {
            return Err(Failure::new("nothing was removed")
                .why(format!("the stack is busy: it is in {}", stack.status.as_str()))
                .next("wait until the other operation ends, then: restctl destroy"));
        }
    }
    Ok(())
}

/// The template of earlier versions deletes the data together with the stack.
fn check_stack_keeps_data(args: &Destroy, resources: &[OwnedResource]) -> Result<()> {
    let is_deleted_with_stack = resources
        .iter()
        .any(|resource| matches!(resource, OwnedResource::Stack { stack, .. } if !stack.keeps_data()));
    if args.delete_data || !is_deleted_with_stack {
        return Ok(());
    }
    Err(Failure::new("nothing was removed")
        .exit(Exit::Usage)
        .why("an earlier version of restctl deployed the stack, and CloudFormation would delete the data with it")
        .next("to keep the data: restctl deploy, then restctl destroy\nto remove it too: restctl destroy --delete-data"))
}

fn confirm_by_name(args: &Destroy, context: &Context) -> Result<()> {
    if args.yes {
        return Ok(());
    }
    let question = format!("Type the stack's name, {}, to confirm", context.stack);
    if prompt::ask_text(&question, "--yes")? == context.stack.as_str() {
        return Ok(());
    }
    Err(Failure::new("nothing was removed").exit(Exit::Usage).why("the answer was not the stack's name"))
}

/// Checks that everything is gone. Returns what was removed and kept, or an error that lists what remains.
async fn verify_removal(
    args: &Destroy,
    context: &Context,
    to_remove: &[&OwnedResource],
    kept: &[&OwnedResource],
    removed: Result<()>,
) -> Result<Value> {
    let (aws, name) = (context.aws().await?, &context.stack);
    let mut remaining = Vec::new();
    for resource in to_remove {
        if resource.exists(aws).await? {
            remaining.push(resource.to_string());
        }
    }
    let gone = to_remove.len() - remaining.len();
    if let Err(failure) = removed {
        output::print_message(format!("removed {gone} of {}; still there:", to_remove.len()));
        remaining.iter().for_each(|resource| output::print_message(format!("  {resource}")));
        return Err(failure.then("restctl destroy, which removes the rest"));
    }
    if !remaining.is_empty() {
        return Err(Failure::new(format!("some resources of the stack {name} remain"))
            .exit(Exit::Partial)
            .why_lines(std::iter::once("still there:".to_owned()).chain(remaining))
            .next("restctl destroy, which removes the rest"));
    }
    if !to_remove.is_empty() {
        output::print_message(format!("removed {gone} of {gone}, and checked that they are gone"));
    }
    if kept.is_empty() {
        output::print_message(format!("nothing of the stack {name} remains in {}", aws.region));
    } else {
        output::print_message(format!(
            "{} resources with data remain in {}; to remove them: restctl destroy --delete-data",
            kept.len(),
            aws.region
        ));
    }
    let names = |resources: &[&OwnedResource]| {
        resources.iter().map(|resource| resource.to_json()["name"].clone()).collect::<Vec<_>>()
    };
    Ok(json!({
        "outcome": if args.delete_data { "removed with the data" } else { "removed" },
        "removed": names(to_remove),
        "kept": names(kept),
    }))
}
