//! `restctl destroy`: removes the stack and everything that `setup` and `deploy` created beside it. Removes the data only on
//! request.

mod certificate;
mod inventory;

use std::time::Duration;

use aws_sdk_cloudformation::types::StackStatus;
use clap::Args;
use serde_json::{Value, json};

use crate::api::session_cache;
use crate::cli::completion_cache;
use crate::cli::wait::{WaitArgs, WaitDeadline};
use crate::context::Context;
use crate::deployment::operation;
use crate::deployment::retained_data::RetainedResource;
use crate::failure::{Exit, Failure, Result};
use crate::terminal::interrupt::unless_interrupted;
use crate::terminal::ndjson::NdjsonReport;
use crate::terminal::{output, prompt};

use certificate::{CertificateDeletion, UsedCertificate};
use inventory::{DeletionState, Inventory, OwnedResource};

/// How long services may list what they have deleted.
const DELETION_PATIENCE: Duration = Duration::from_secs(60);

/// The column in which the name of what is removed or kept begins.
const MARGIN: usize = 10;

const REMOVE_REST: &str = "restctl destroy, which removes the rest";

#[derive(Debug, Args)]
#[command(after_help = "\
Lists what it will remove, asks, removes it and checks that it is gone. The tables, the data bucket and the logs stay unless \
you pass --delete-data; you can do that later, after the stack is gone. To begin again, run `restctl setup`, then `restctl deploy --adopt` to serve the data that stayed, or \
`restctl deploy --fresh-data` to begin without it.

It takes the deletion protection off what it removes, after it has asked. What stays keeps it.

ACM may take 20 minutes or longer to release the certificate of a deleted load balancer. Until then it cannot be deleted: \
destroy waits for up to 20 minutes, and with --no-wait it leaves the certificate to a later destroy. If something else uses \
the certificate, destroy does not wait, but says what; with --no-wait, the certificate then stays and no longer belongs to the stack.

Exit code 3 if something remains that should be gone.")]
pub(crate) struct Destroy {
    /// Remove the tables, the data bucket and the logs too, with everything in them
    #[arg(long)]
    delete_data: bool,

    /// Leave the certificate if something uses it or ACM has not released it yet
    #[arg(long)]
    no_wait: bool,

    /// Do not ask for the stack's name
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    wait: WaitArgs,
}

pub(crate) async fn run(args: Destroy, context: Result<Context>) -> Result<Exit> {
    let report = NdjsonReport::new("destroy");
    let work = async { destroy_stack(&args, &context?, &report).await };
    report.write_result(unless_interrupted(Failure::interrupted(), work).await)?;
    Ok(Exit::Done)
}

async fn destroy_stack(args: &Destroy, context: &Context, report: &NdjsonReport) -> Result<Value> {
    let (aws, name) = (context.aws().await?, &context.stack);
    let Inventory { resources, uncertain, unlisted } = inventory::list_owned_resources(context).await?;
    check_stack_is_idle(&resources)?;
    check_stack_keeps_data(args, &resources)?;
    let (to_remove, kept): (Vec<_>, Vec<_>) =
        resources.iter().partition(|resource| args.delete_data || !resource.is_data());
    for (action, resources) in [("remove", &to_remove), ("keep", &kept)] {
        for resource in resources {
            report.write_line(action, &resource.to_json())?;
            output::print_wrapped_message(format!("  {action:<6}  {resource}"), MARGIN);
        }
    }
    for resource in &uncertain {
        report.write_line("keep", &resource.to_json())?;
        output::print_wrapped_message(format!("  keep    {resource}"), MARGIN);
    }
    if to_remove.is_empty() {
        output::print_message(format!("the stack {name} has nothing to remove in {}", aws.region));
    } else {
        confirm_by_name(args, context)?;
    }
    let deadline = args.wait.deadline();
    let removal = Removal {
        args,
        context,
        deadline,
        to_remove: &to_remove,
        kept: &kept,
        uncertain: &uncertain,
        unlisted: &unlisted,
    };
    let outcome = removal.run(report).await;
    let interrupted = Failure::new("interrupted before the removal was checked").next("restctl destroy");
    unless_interrupted(interrupted, removal.verify(outcome)).await
}

/// What was to be removed and was not, because of `--no-wait`.
#[derive(Default)]
struct LeftResources<'a> {
    /// A later `destroy` can remove them.
    for_later: Vec<&'a OwnedResource>,
    /// The certificates that something else uses, which are no longer the stack's.
    to_others: Vec<&'a OwnedResource>,
}

impl<'a> LeftResources<'a> {
    fn add_unless_deleted(&mut self, certificate: &'a OwnedResource, deletion: CertificateDeletion) {
        match deletion {
            CertificateDeletion::Deleted => {}
            CertificateDeletion::Unreleased { .. } => self.for_later.push(certificate),
            CertificateDeletion::UsedElsewhere { user } => {
                output::print_message(format!(
                    "note: {certificate} stays in ACM, because {user} also uses it"
                ));
                self.to_others.push(certificate);
            }
        }
    }
}

/// What the user has confirmed.
struct Removal<'a> {
    args: &'a Destroy,
    context: &'a Context,
    deadline: WaitDeadline,
    to_remove: &'a [&'a OwnedResource],
    kept: &'a [&'a OwnedResource],
    /// What may be someone else's, and is kept.
    uncertain: &'a [RetainedResource],
    unlisted: &'a [&'static str],
}

impl<'a> Removal<'a> {
    /// Removes the resources in their order, and returns those that it left. Stops at the first one that cannot be removed,
    /// because those after it are needed to try again.
    async fn run(&self, report: &NdjsonReport) -> Result<LeftResources<'a>> {
        let (aws, name, deadline) = (self.context.aws().await?, &self.context.stack, self.deadline);
        let undone = "everything was removed";
        // CloudFormation deletes the bucket of a stack that an earlier version of restctl deployed, if the bucket is empty.
        for resource in self.to_remove.iter().filter(|resource| resource.is_data()) {
            deadline.limit(undone, REMOVE_REST, resource.empty_if_bucket(aws)).await?;
        }
        let mut left = LeftResources::default();
        for &resource in self.to_remove {
            match resource {
                // Ctrl-C asks whether to continue.
                OwnedResource::Stack { stack, .. } => {
                    operation::delete_stack(aws, stack, deadline, report).await?;
                }
                OwnedResource::Certificate { arn, load_balancer } if self.args.no_wait => {
                    let certificate = UsedCertificate { arn, load_balancer: load_balancer.as_deref() };
                    left.add_unless_deleted(resource, certificate.delete_if_released(aws).await?);
                }
                // It names the certificate, so that the next `destroy` finds it.
                OwnedResource::Secret { name: secret }
                    if !left.for_later.is_empty() && *secret == name.certificate_secret() =>
                {
                    left.for_later.push(resource);
                }
                _ => deadline.limit(undone, REMOVE_REST, resource.remove(aws)).await?,
            }
        }
        session_cache::clear_session(self.context)?;
        completion_cache::forget_stack(name);
        if let Some(local) = &self.context.local {
            local.served_stacks()?.forget_stack(name)?;
        }
        Ok(left)
    }

    /// Checks that everything is gone. Returns what was removed and kept, or an error that lists what remains.
    async fn verify(&self, outcome: Result<LeftResources<'a>>) -> Result<Value> {
        let (aws, name) = (self.context.aws().await?, &self.context.stack);
        let (left, failure) = match outcome {
            Ok(left) => (left, None),
            Err(failure) => (LeftResources::default(), Some(failure)),
        };
        let is_in = |list: &[&OwnedResource], resource: &OwnedResource| {
            list.iter().any(|each| std::ptr::eq(*each, resource))
        };
        let removed: Vec<&OwnedResource> =
            self.to_remove.iter().copied().filter(|resource| !is_in(&left.to_others, resource)).collect();
        let (mut remaining, mut unchecked) = (Vec::new(), None);
        let (mut are_all_left, mut are_all_in_progress) = (true, true);
        for resource in &removed {
            let is_left = is_in(&left.for_later, resource);
            let patience = if failure.is_some() || is_left {
                Duration::ZERO
            } else {
                self.deadline.limit_time(DELETION_PATIENCE)
            };
            // The other checks would fail, too.
            let checked = match unchecked {
                None => resource.await_deletion(aws, patience).await,
                Some(_) => Ok(DeletionState::Unchecked),
            };
            let state = checked.unwrap_or_else(|failure| {
                unchecked = Some(failure);
                DeletionState::Unchecked
            });
            if let Some(line) = describe_remaining(resource, &state) {
                remaining.push(line);
                are_all_left &= is_left;
                are_all_in_progress &= matches!(state, DeletionState::InProgress);
            }
        }
        if let Some(failure) = failure.or(unchecked) {
            let (gone, all) = (removed.len() - remaining.len(), removed.len());
            output::print_message(format!("removed {gone} of {all}; still there:"));
            remaining.iter().for_each(|resource| output::print_message(format!("  {resource}")));
            return Err(failure.then_repeat(REMOVE_REST));
        }
        if !remaining.is_empty() {
            let next = if are_all_left {
                "restctl destroy later, when nothing uses the certificate"
            } else {
                REMOVE_REST
            };
            let is_over = are_all_in_progress && self.deadline.is_over();
            return Err(Failure::new(format!("some resources of the stack {name} remain"))
                .exit(if is_over { Exit::StillRunning } else { Exit::Partial })
                .why_lines(std::iter::once("still there:".to_owned()).chain(remaining))
                .next(next));
        }
        self.print_summary(removed.len(), &aws.region);
        let mut kept = list_names(&[self.kept, &left.to_others].concat());
        kept.extend(self.uncertain.iter().map(|resource| json!(resource.name)));
        Ok(json!({
            "outcome": if self.args.delete_data { "removed with the data" } else { "removed" },
            "removed": list_names(&removed),
            "kept": kept,
            "unlisted": self.unlisted,
        }))
    }

    fn print_summary(&self, gone: usize, region: &str) {
        let (kept, name) = (self.kept.len(), &self.context.stack);
        if gone > 0 {
            output::print_message(format!("removed {gone} of {gone}, and checked that they are gone"));
        }
        if kept > 0 {
            output::print_message(format!(
                "{kept} resources with data remain in {region}; to remove them: restctl destroy --delete-data"
            ));
        }
        for resource in self.uncertain {
            output::print_message(format!(
                "{} remains in {region}, because it may not be of the stack {name}: if it is, remove it with the AWS CLI",
                resource.name
            ));
        }
        if !self.unlisted.is_empty() {
            let unlisted = self.unlisted.join(", ");
            output::print_message(format!(
                "whether a deleted stack left any {unlisted} in {region} is unknown"
            ));
        } else if kept == 0 && self.uncertain.is_empty() {
            output::print_message(format!("nothing of the stack {name} remains in {region}"));
        }
    }
}

/// Returns a line about a resource that was to be removed. `None` if it is gone.
fn describe_remaining(resource: &OwnedResource, state: &DeletionState) -> Option<String> {
    let name = resource.to_name();
    match state {
        DeletionState::Deleted => None,
        DeletionState::InProgress => Some(format!("{name}, which is being deleted")),
        DeletionState::NotDeleted => Some(name),
        DeletionState::Unchecked => Some(format!("{name}, which could not be checked")),
    }
}

fn list_names(resources: &[&OwnedResource]) -> Vec<Value> {
    resources.iter().map(|resource| resource.to_json()["name"].clone()).collect()
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
    Err(Failure::new("nothing was removed")
        .exit(Exit::Usage)
        .why("the answer was not the stack's name")
        .next(format!("the same command again, and answer with {}", context.stack)))
}
