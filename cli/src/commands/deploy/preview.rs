//! Shows the changes of a deployment before they are made.

use serde_json::json;

use super::choices::StackChoices;
use super::request::DeployRequest;
use crate::aws::cloudformation::change_set::{Change, ChangeSet};
use crate::aws::cloudformation::events::Event;
use crate::deployment::price::AddedPrice;
use crate::failure::{Exit, Failure, Result, shell_argument};
use crate::terminal::ndjson::NdjsonReport;
use crate::terminal::output::{self, Format};
use crate::terminal::text::Text;

/// The column in which a resource's name begins, and in which what does not fit into its line continues.
pub(super) const MARGIN: usize = 12;

/// Prints the changes, what they add to the price, and what CloudFormation warns of.
pub(super) fn print_preview(
    request: &DeployRequest<'_>,
    choices: &StackChoices,
    change_set: &ChangeSet,
) -> Result<()> {
    let (changes, report) = (&change_set.changes, request.report);
    print_changes(request, changes)?;
    // The local cloud costs nothing.
    let price =
        request.context.local.is_none().then(|| AddedPrice::from_changes(changes, &choices.parameters));
    if let Some(price) = price.filter(|price| !price.is_zero()) {
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
fn print_changes(request: &DeployRequest<'_>, changes: &[Change]) -> Result<()> {
    let DeployRequest { args, context, aws, report, .. } = request;
    let stack = format!("the stack {} in {}", context.stack, aws.region);
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
            output::print_wrapped_text(&Text::from_lines(change.to_lines()), MARGIN)?;
        } else {
            print_change(change);
        }
    }
    Ok(())
}

pub(super) fn print_change(change: &Change) {
    output::print_wrapped_message(Text::from_lines(change.to_lines()), MARGIN);
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
pub(super) fn unnamed_losses(request: &DeployRequest<'_>, change_set: &ChangeSet) -> Vec<String> {
    let allowed = &request.args.allow_replacement;
    let lost = change_set.changes.iter().filter(|change| change.loses_data()).map(Change::resource_name);
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use aws_sdk_cloudformation::types::{
        ChangeAction, Replacement, RequiresRecreation, ResourceChange, ResourceChangeDetail,
        ResourceTargetDefinition,
    };

    use super::*;

    fn change(action: ChangeAction, name: &str, kind: &str, properties: &[&str]) -> Change {
        let details = properties.iter().map(|property| {
            let target = ResourceTargetDefinition::builder().name(*property);
            let target = target.requires_recreation(RequiresRecreation::Conditionally).build();
            ResourceChangeDetail::builder().target(target).build()
        });
        let change = ResourceChange::builder().action(action).replacement(Replacement::Conditional);
        let change = change.logical_resource_id(name).resource_type(kind);
        Change::new(change.set_details(Some(details.collect())).build())
    }

    #[test]
    fn a_narrow_terminal_shows_each_change_below_its_own_name() {
        let changes = [
            change(ChangeAction::Add, "ApiLogs", "AWS::Logs::LogGroup", &[]),
            change(ChangeAction::Add, "ApiTargetGroup", "AWS::ElasticLoadBalancingV2::TargetGroup", &[]),
            change(ChangeAction::Remove, "PublicSubnetBRoutes", "AWS::EC2::SubnetRouteTableAssociation", &[]),
            change(
                ChangeAction::Modify,
                "ItemsTable",
                "AWS::DynamoDB::Table",
                &["AttributeDefinitions", "PointInTimeRecoverySpecification"],
            ),
        ];
        let shown = Text::from_lines(changes.iter().flat_map(Change::to_lines)).wrapped(60, MARGIN);
        assert!(shown.as_str().lines().all(|line| line.chars().count() <= 60), "{}", shown.as_str());
        let mut settings = insta::Settings::new();
        settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/screens"));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!("deploy-preview-60", shown.as_str()));
    }
}
