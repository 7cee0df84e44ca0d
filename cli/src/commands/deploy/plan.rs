//! Checks, prepares and shows a deployment, and adopts what a deleted stack left.

use std::future::ready;

use restctl_contract::stack::{Certificate, STACK_TAG, Setting, Tags};
use restctl_contract::template::parameter;

use super::adoption::Adoption;
use super::repair::StartingPoint;
use super::revert_drift::{StackState, revert_resources};
use super::template::TEMPLATE;
use super::{Deploy, edge_jwt, preview, rolled_back};
use crate::aws::Aws;
use crate::aws::cloudformation::Stack;
use crate::aws::cloudformation::change_set::{self, ChangeSet, Desired};
use crate::aws::cloudformation::drift::can_compare;
use crate::aws::s3::{self, OwnBucket};
use crate::aws::sts::{self, Caller};
use crate::cli::wait::WaitDeadline;
use crate::context::Context;
use crate::deployment::concurrency;
use crate::deployment::drift::ResourceDrift;
use crate::deployment::operation::{Operation, OperationKind};
use crate::deployment::packages::{Package, Packages, Place};
use crate::deployment::preflight::{self, Deployment};
use crate::deployment::price::AddedPrice;
use crate::failure::{Failure, Result, unless_stopped};
use crate::identity::settings::Settings;
use crate::terminal::ndjson::NdjsonReport;
use crate::terminal::output;

/// What the user asks for, and what the deployment starts from.
pub(super) struct DeployRequest<'a> {
    pub(super) args: &'a Deploy,
    pub(super) start: &'a StartingPoint,
    /// What a deleted stack left and the new one adopts.
    pub(super) adoption: Option<&'a Adoption>,
    pub(super) settings: &'a Settings,
    pub(super) certificate: &'a Certificate,
    pub(super) deadline: WaitDeadline,
}

impl DeployRequest<'_> {
    /// Returns the stack if CloudFormation can compare its resources before it is changed.
    fn comparable_stack(&self) -> Option<&Stack> {
        self.start.stack.as_ref().filter(|stack| can_compare(stack))
    }

    /// Whether resources of the stack are older than this deployment and could not be compared before it. One that has adopted
    /// data cannot be compared until it has been updated.
    pub(super) fn must_compare_after_update(&self) -> bool {
        self.comparable_stack().is_none() && (self.start.stack.is_some() || self.adoption.is_some())
    }
}

/// What the deployment has to do.
pub(super) enum DeployPlan {
    /// Nothing: the dry run is complete. A deployment would be refused unless it allows these `losses`.
    DryRun {
        changes: usize,
        losses: Vec<String>,
    },
    Ready(Box<ReadyDeployment>),
}

/// A deployment that can be executed.
pub(super) struct ReadyDeployment {
    /// `None` if CloudFormation has nothing to change.
    pub(super) update: Option<(ChangeSet, Operation)>,
    pub(super) packages: Packages,
    /// The resources that were reverted.
    pub(super) reverted: Vec<ResourceDrift>,
}

/// What was chosen for the stack.
struct StackChoices {
    caller: Caller,
    artifacts: String,
    parameters: Vec<(&'static str, String)>,
    tags: Vec<(String, String)>,
    packages: Packages,
    ends_rollback: bool,
}

impl StackChoices {
    fn artifact_bucket(&self) -> OwnBucket<'_> {
        OwnBucket { name: &self.artifacts, account: &self.caller.account }
    }
}

/// If `stopped` completes first, the stack stays as it was, unless it has already adopted data.
pub(super) async fn plan_deployment(
    request: &DeployRequest<'_>,
    context: &Context,
    stopped: &mut (impl Future<Output = Result<()>> + Unpin),
    report: &NdjsonReport,
) -> Result<DeployPlan> {
    let (aws, name) = (context.aws().await?, &context.stack);
    let choosing = Box::pin(choose_parameters(request, context));
    let choices = unless_stopped(&mut *stopped, Failure::interrupted(), choosing).await?;
    let StackChoices { parameters, tags, .. } = &choices;
    let imported = match request.adoption {
        Some(adoption) if !request.args.dry_run => {
            Some(adoption.import(context, parameters, request.deadline, &mut *stopped, report).await?)
        }
        _ => None,
    };
    let existing = imported.as_ref().or(request.start.stack.as_ref());
    let desired = Desired { template: TEMPLATE, parameters, tags, imports: Vec::new() };
    let change_set = change_set::create_change_set(aws, name, existing, desired, &mut *stopped).await?;
    if request.args.dry_run {
        let shown = show_dry_run(request, context, &choices, change_set, report).await;
        // A stop waits until the change set is deleted.
        return unless_stopped(stopped, Failure::interrupted(), ready(shown)).await;
    }
    let preparing = prepare_execution(request, context, &choices, change_set.as_ref(), report);
    match unless_stopped(stopped, Failure::interrupted(), Box::pin(preparing)).await {
        Ok((operation, reverted)) => {
            let update = change_set.zip(operation);
            Ok(DeployPlan::Ready(Box::new(ReadyDeployment { update, packages: choices.packages, reverted })))
        }
        Err(failure) => {
            if let Some(change_set) = &change_set
                && let Err(discarding) = change_set::discard_change_set(aws, change_set).await
            {
                output::print_failure(&discarding);
            }
            Err(failure)
        }
    }
}

/// Chooses the parameters of the stack, and checks for anything that would stop the deployment halfway.
async fn choose_parameters(request: &DeployRequest<'_>, context: &Context) -> Result<StackChoices> {
    let DeployRequest { args, start, adoption, settings, certificate, .. } = request;
    let (aws, name) = (context.aws().await?, &context.stack);
    let idp = args.options.choose_identity_provider(settings, start.stack_with_options())?;
    let caller = sts::read_caller(aws).await?;
    args.options.check_supported(context, start, idp, &aws.region, caller.partition())?;
    let artifacts = name.artifact_bucket(&caller.account, &aws.region);
    let mut parameters = args.options.template_parameters(start.stack_with_options());
    parameters.push((parameter::IDP, idp.to_owned()));
    if let Some(adoption) = adoption {
        adoption.set_key(&mut parameters);
    }
    let is_on = args.options.edge_jwt(start.stack_with_options());
    parameters.extend(edge_jwt::read_parameters(is_on, idp, settings).await?);
    let has_reservation = parameters.iter().any(|(name, _)| *name == parameter::API_CONCURRENCY);
    // The local cloud ignores reservations.
    if !has_reservation && context.local.is_none() {
        let reservation = match start.stack_with_options() {
            None => concurrency::choose_reservation(aws).await,
            Some(_) => concurrency::leave_unreserved(),
        };
        parameters.push((parameter::API_CONCURRENCY, reservation));
    }
    let deployment = Deployment {
        certificate,
        existing: start.stack.as_ref(),
        artifacts: OwnBucket { name: &artifacts, account: &caller.account },
        caller: &caller,
        parameters: &parameters,
    };
    preflight::check_deployment(context, &deployment).await?;

    let packages = find_packages(request, context)?;
    parameters.extend(fixed_parameters(context, &artifacts, &packages, certificate));
    let tags = args.options.stack_tags(name, start.stack_with_options());
    let ends_rollback = match &start.stack {
        Some(stack) => rolled_back::announce_end_of_rollback(aws, stack).await?,
        None => false,
    };
    Ok(StackChoices { caller, artifacts, parameters, tags, packages, ends_rollback })
}

fn find_packages(request: &DeployRequest<'_>, context: &Context) -> Result<Packages> {
    let place = if context.local.is_some() { Place::Local } else { Place::Aws };
    let stack = request.start.stack_with_options();
    let architecture = stack.and_then(|stack| stack.parameter(parameter::ARCHITECTURE)?.parse().ok());
    Packages::find(request.args.lambdas.as_deref(), place, architecture)
}

async fn show_dry_run(
    request: &DeployRequest<'_>,
    context: &Context,
    choices: &StackChoices,
    change_set: Option<ChangeSet>,
    report: &NdjsonReport,
) -> Result<DeployPlan> {
    let Some(mut change_set) = change_set else {
        return Ok(DeployPlan::DryRun { changes: usize::from(choices.ends_rollback), losses: Vec::new() });
    };
    // Before any output, because a closed pipe ends the process.
    change_set::discard_change_set(context.aws().await?, &change_set).await?;
    if let Some(adoption) = request.adoption {
        // The dry run imports nothing, so its change set would make the resources that a deployment adopts.
        let is_adopted = |name: &str| adoption.adopts(name);
        change_set.changes.retain(|change| !(change.is_addition() && is_adopted(change.resource_name())));
        adoption.print_plan();
    }
    let losses = show_changes(request, context, choices, &change_set, report).await?;
    if !losses.is_empty() {
        output::print_message(format!("a deployment needs {}", preview::allow_flags(&losses)));
    }
    Ok(DeployPlan::DryRun { changes: change_set.changes.len().max(1), losses })
}

/// Shows the changes, and returns the resources with data that they would replace or remove without permission.
async fn show_changes(
    request: &DeployRequest<'_>,
    context: &Context,
    choices: &StackChoices,
    change_set: &ChangeSet,
    report: &NdjsonReport,
) -> Result<Vec<String>> {
    let title = format!("the stack {} in {}", context.stack, context.aws().await?.region);
    // The local cloud costs nothing.
    let added_price =
        context.local.is_none().then(|| AddedPrice::from_changes(&change_set.changes, &choices.parameters));
    preview::print_preview(change_set, added_price, request.args, &title, report)?;
    Ok(preview::unnamed_losses(&change_set.changes, &request.args.allow_replacement))
}

/// Does what comes before the execution of the change set, if there is one: shows the changes, uploads the packages, and reverts
/// what was changed without restctl. Returns the operation that will execute the change set, and what was reverted.
async fn prepare_execution(
    request: &DeployRequest<'_>,
    context: &Context,
    choices: &StackChoices,
    change_set: Option<&ChangeSet>,
    report: &NdjsonReport,
) -> Result<(Option<Operation>, Vec<ResourceDrift>)> {
    let aws = context.aws().await?;
    if let Some(change_set) = change_set {
        preview::refuse_losses(&show_changes(request, context, choices, change_set, report).await?)?;
        fill_artifact_bucket(aws, choices).await?;
    }
    let reverted = match request.comparable_stack() {
        Some(stack) => revert_resources(aws, stack, StackState::Unchanged, report).await?,
        None => Vec::new(),
    };
    let operation = match change_set {
        Some(ChangeSet { stack, .. }) => {
            let kind = if stack.is_in_review() { OperationKind::Create } else { OperationKind::Update };
            Some(Operation::prepare(aws, stack, kind).await?)
        }
        None => None,
    };
    Ok((operation, reverted))
}

/// Makes the bucket for packages, or corrects it, and uploads the packages that are not in it yet.
async fn fill_artifact_bucket(aws: &Aws, choices: &StackChoices) -> Result<()> {
    let bucket = choices.artifact_bucket();
    let tags = artifact_bucket_tags(&choices.tags);
    let on_wait = || {
        output::print_message(format!(
            "S3 has not freed the name of the deleted bucket {} yet; waiting until it does",
            bucket.name
        ))
    };
    let partition = choices.caller.partition();
    for control in s3::ensure_private_bucket(aws, bucket, partition, &tags, on_wait).await? {
        output::print_message(format!("note: corrected {control} of the bucket {}", bucket.name));
    }
    for Package { key, zip } in [&choices.packages.api, &choices.packages.ingest] {
        s3::ensure_object(aws, bucket, key, zip).await?;
    }
    s3::enable_versioning(aws, bucket).await
}

/// Returns the tags of the stack without restctl's own, by which `destroy` finds the buckets with data.
fn artifact_bucket_tags(stack_tags: &[(String, String)]) -> Tags {
    stack_tags.iter().filter(|(key, _)| key != STACK_TAG).cloned().collect()
}

/// Returns the parameters that are not options.
fn fixed_parameters(
    context: &Context,
    artifacts: &str,
    packages: &Packages,
    certificate: &Certificate,
) -> Vec<(&'static str, String)> {
    vec![
        (parameter::ARTIFACT_BUCKET, artifacts.to_owned()),
        (parameter::ARCHITECTURE, packages.architecture.name().to_owned()),
        (parameter::API_PACKAGE, packages.api.key.clone()),
        (parameter::INGEST_PACKAGE, packages.ingest.key.clone()),
        // Not a dynamic reference to the secret: CloudFormation would not notice that its value has changed.
        (parameter::CERTIFICATE_ARN, certificate.arn.clone()),
        (parameter::ISSUERS, context.stack.setting_parameter(Setting::Issuers)),
    ]
}
