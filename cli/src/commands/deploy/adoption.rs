//! What the new stack adopts of the data that a deleted stack of the same name left.

mod choice;

use std::iter;

use aws_sdk_cloudformation::types::StackStatus;
use restctl_contract::key::Key;
use restctl_contract::template::output::ITEMS_TABLE;
use restctl_contract::template::parameter;

pub(super) use self::choice::{choose_adoption, nothing_to_adopt};
use crate::aws::Aws;
use crate::aws::cloudformation::{self, Stack};
use crate::deployment::retained_data::{RETAINED, RetainedKind, RetainedResource};
use crate::failure::{Failure, Result, shell_argument};

/// The resources that the new stack adopts: at most one for each name in the template.
pub(super) struct Adoption(Vec<RetainedResource>);

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

    pub(super) fn resources(&self) -> &[RetainedResource] {
        &self.0
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
