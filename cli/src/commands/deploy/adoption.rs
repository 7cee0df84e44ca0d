//! What a deleted stack of the same name left: the new stack adopts it, or begins anew beside it. The user chooses, because an
//! empty table beside the full one would look like a loss.

use std::iter;

use aws_sdk_cloudformation::types::{ResourceStatus, StackStatus};
use restctl_contract::key::Key;
use restctl_contract::stack::StackName;
use restctl_contract::template::output::ITEMS_TABLE;
use restctl_contract::template::parameter;

use super::Deploy;
use super::template::select_resources;
use crate::aws::cloudformation::change_set::{self, Desired};
use crate::aws::cloudformation::{self, Stack};
use crate::aws::{Aws, sts};
use crate::cli::wait::WaitDeadline;
use crate::context::Context;
use crate::deployment::operation::{Operation, OperationKind};
use crate::deployment::retained_data::{
    RETAINED, RetainedData, RetainedKind, RetainedResource, note_unlisted,
};
use crate::failure::{Exit, Failure, Result, shell_argument};
use crate::terminal::ndjson::NdjsonReport;
use crate::terminal::text::Text;
use crate::terminal::{output, prompt};

/// The resources that the new stack adopts: at most one for each name in the template.
pub(super) struct Adoption(Vec<RetainedResource>);

/// Finds what a deleted stack left and shows it, and returns what the new stack adopts. Fails if the user has not chosen.
pub(super) async fn choose_adoption(
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
        output::print_message(format!("  {resource}"));
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

fn nothing_to_adopt(aws: &Aws, name: &StackName) -> Failure {
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

impl Adoption {
    /// Selects the resources to adopt: those of which it is certain that the stack left them, and those in `names`. Fails if it
    /// cannot adopt all that is named or, without names, all tables and buckets.
    fn select(found: Vec<RetainedResource>, names: &[String]) -> Result<Self> {
        check_adoptable(&found, names)?;
        let (mut selected, mut unclear) = (Vec::new(), Vec::new());
        let mut found: Vec<_> = found
            .into_iter()
            .filter(|resource| resource.doubt().is_none() || names.contains(&resource.name))
            .collect();
        for retained in RETAINED {
            let (mut candidates, others): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|resource| resource.template_name == Some(retained));
            found = others;
            if candidates.len() > 1 && candidates.iter().any(|resource| names.contains(&resource.name)) {
                candidates.retain(|resource| names.contains(&resource.name));
            }
            match candidates.len() {
                0 | 1 => selected.extend(candidates),
                _ => unclear.push(candidates),
            }
        }
        if unclear.is_empty() { Ok(Self(selected)) } else { Err(ambiguity_failure(&unclear, names)) }
    }

    /// Returns the key of the items table, if it is adopted.
    fn key(&self) -> Option<&Key> {
        let table = self.0.iter().find(|resource| resource.template_name == Some(ITEMS_TABLE))?;
        match &table.kind {
            RetainedKind::Table { key, .. } => key.as_ref(),
            _ => None,
        }
    }

    /// Gives the stack the key of the adopted table.
    pub(super) fn set_key(&self, parameters: &mut Vec<(&'static str, String)>) {
        let Some(key) = self.key() else { return };
        parameters.retain(|(name, _)| ![parameter::KEY_NAME, parameter::KEY_TYPE].contains(name));
        parameters.push((parameter::KEY_NAME, key.name.clone()));
        parameters.push((parameter::KEY_TYPE, key.kind.letter().to_owned()));
    }

    /// Whether the resource of this name in the template is adopted.
    pub(super) fn adopts(&self, template_name: &str) -> bool {
        self.0.iter().any(|resource| resource.template_name == Some(template_name))
    }

    pub(super) fn print_plan(&self) {
        self.0.iter().for_each(|resource| output::print_message(format!("  would adopt {resource}")));
    }

    /// Makes a stack of the adopted resources, and of nothing else, and returns it. The update that follows makes the rest.
    pub(super) async fn import(
        &self,
        context: &Context,
        parameters: &[(&'static str, String)],
        deadline: WaitDeadline,
        stopped: impl Future<Output = Result<()>>,
        report: &NdjsonReport,
    ) -> Result<Stack> {
        let (aws, name) = (context.aws().await?, &context.stack);
        let names: Vec<_> = self.0.iter().filter_map(|resource| resource.template_name).collect();
        let template = select_resources(&names);
        let imports = self.0.iter().filter_map(RetainedResource::to_import).collect();
        let desired = Desired { template: &template, parameters, tags: &[], imports };
        let created = change_set::create_change_set(aws, name, None, desired, stopped);
        let change_set = created.await?.ok_or_else(|| nothing_to_adopt(aws, name))?;
        for change in &change_set.changes {
            report.write_line("change", &change.to_json())?;
            output::print_message(Text::from_lines(change.to_lines()));
        }
        let mut operation = Operation::prepare(aws, &change_set.stack, OperationKind::Create).await?;
        let request = change_set::execute_change_set(aws, name, &change_set);
        match operation.run_to_end(aws, deadline, report, request).await? {
            ResourceStatus::ImportComplete => {
                cloudformation::find_idle(aws, name, Some(&change_set.stack)).await
            }
            ended => {
                Err(operation.to_failure(aws, "the data was not adopted, and is as before", &ended).await)
            }
        }
    }
}

/// Fails if something that is named cannot be adopted or, without names, if a table or a bucket would be left out.
fn check_adoptable(found: &[RetainedResource], names: &[String]) -> Result<()> {
    if let Some(unknown) = names.iter().find(|name| !found.iter().any(|resource| resource.name == **name)) {
        return Err(Failure::usage(format!("nothing was changed: no deleted stack left {unknown}"))
            .next("choose from the names above: restctl deploy --adopt NAME…"));
    }
    let is_named = |resource: &&RetainedResource| names.contains(&resource.name);
    if let Some(unfit) = found.iter().filter(is_named).find(|resource| resource.template_name.is_none()) {
        return Err(Failure::usage(format!("nothing was changed: a stack cannot adopt {}", unfit.name))
            .why(unfit.doubt().unwrap_or_default())
            .next("choose others from the names above: restctl deploy --adopt NAME…"));
    }
    let left_out: Vec<_> =
        found.iter().filter(|resource| !resource.is_log() && resource.doubt().is_some()).collect();
    if names.is_empty() && !left_out.is_empty() {
        return Err(Failure::usage("nothing was changed: --adopt without names would leave out data")
            .why_lines(left_out.iter().map(ToString::to_string))
            .next("name what to adopt, one of each kind: restctl deploy --adopt NAME…"));
    }
    Ok(())
}

/// Fails if a failed import has left resources in the stack. Their removal is for the user to see and to confirm.
pub(super) async fn check_failed_import_is_empty(aws: &Aws, stack: &Stack) -> Result<()> {
    if stack.status != StackStatus::ImportRollbackFailed {
        return Ok(());
    }
    let resources = cloudformation::list_resources(aws, stack).await?;
    if resources.is_empty() {
        return Ok(());
    }
    let names = resources.into_iter().map(|resource| format!("{}: {}", resource.name, resource.id));
    Err(Failure::new("nothing was changed: a failed adoption has left data in the stack")
        .why_lines(names)
        .next("restctl destroy, which keeps the data, then: restctl setup, restctl deploy --adopt"))
}

/// Describes the kinds of which several resources could be adopted. `names` are those that were named.
fn ambiguity_failure(unclear: &[Vec<RetainedResource>], names: &[String]) -> Failure {
    let is_unclear = |name: &&String| unclear.iter().flatten().any(|resource| resource.name == **name);
    let clear = names.iter().filter(|name| !is_unclear(name));
    let newest = unclear.iter().filter_map(|candidates| candidates.iter().max_by_key(|it| &it.created));
    let named = clear.chain(newest.map(|resource| &resource.name));
    let arguments: Vec<_> = named.map(|name| shell_argument(name, "NAME")).collect();
    Failure::usage("nothing was changed: several deleted stacks left data")
        .why_lines(
            iter::once("one of each kind can be adopted:".to_owned())
                .chain(unclear.iter().flatten().map(RetainedResource::to_string)),
        )
        .next(format!(
            "to adopt the newest of each kind: restctl deploy --adopt {}\nor name others of them",
            arguments.join(" ")
        ))
}

#[cfg(test)]
mod tests;
