//! Checks, prepares and shows a deployment before the stack is changed.

use restctl_contract::stack::{Certificate, STACK_TAG, Setting, Tags};
use restctl_contract::template::parameter;

use super::repair::StartingPoint;
use super::{Deploy, edge_jwt, preview, rolled_back};
use crate::aws::cloudformation::change_set::{self, ChangeSet, Desired};
use crate::aws::s3::{self, OwnBucket};
use crate::aws::{Aws, sts};
use crate::context::Context;
use crate::deployment::concurrency;
use crate::deployment::packages::{Package, Packages, Place};
use crate::deployment::preflight::{self, Deployment};
use crate::deployment::price::AddedPrice;
use crate::failure::Result;
use crate::identity::settings::Settings;
use crate::terminal::ndjson::NdjsonReport;
use crate::terminal::{output, progress};

const TEMPLATE: &str = include_str!("../../../../templates/stack.yaml");

/// What the user asks for, and what the deployment starts from.
pub(super) struct DeployRequest<'a> {
    pub(super) args: &'a Deploy,
    pub(super) start: &'a StartingPoint,
    pub(super) settings: &'a Settings,
    pub(super) certificate: &'a Certificate,
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
    pub(super) change_set: Option<ChangeSet>,
    pub(super) packages: Packages,
}

pub(super) async fn plan_deployment(
    request: &DeployRequest<'_>,
    context: &Context,
    report: &NdjsonReport,
) -> Result<DeployPlan> {
    let DeployRequest { args, start, settings, certificate } = request;
    let (aws, name) = (context.aws().await?, &context.stack);
    let idp = args.options.choose_identity_provider(settings, start.stack_with_options())?;
    let caller = sts::read_caller(aws).await?;
    args.options.check_supported(context, start, idp, &aws.region, caller.partition())?;
    let artifacts = name.artifact_bucket(&caller.account, &aws.region);
    let artifacts = OwnBucket { name: &artifacts, account: &caller.account };
    let mut parameters = args.options.template_parameters(start.stack_with_options());
    parameters.push((parameter::IDP, idp.to_owned()));
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
        artifacts,
        caller: &caller,
        parameters: &parameters,
    };
    preflight::check_deployment(context, &deployment).await?;

    let place = if context.local.is_some() { Place::Local } else { Place::Aws };
    let architecture =
        start.stack_with_options().and_then(|stack| stack.parameter(parameter::ARCHITECTURE)?.parse().ok());
    let packages = Packages::find(args.lambdas.as_deref(), place, architecture)?;
    parameters.extend(fixed_parameters(context, artifacts.name, &packages, certificate));
    let tags = args.options.stack_tags(name, start.stack_with_options());
    let desired = Desired { template: TEMPLATE, parameters: &parameters, tags: &tags };
    let ends_rollback = match &start.stack {
        Some(stack) => rolled_back::announce_end_of_rollback(aws, stack).await?,
        None => false,
    };
    let Some(change_set) = change_set::create_change_set(aws, name, start.stack.as_ref(), desired).await?
    else {
        if !args.dry_run {
            return Ok(DeployPlan::Ready(Box::new(ReadyDeployment { change_set: None, packages })));
        }
        return Ok(DeployPlan::DryRun { changes: usize::from(ends_rollback), losses: Vec::new() });
    };
    let title = format!("the stack {name} in {}", aws.region);
    // The local cloud costs nothing.
    let added_price =
        context.local.is_none().then(|| AddedPrice::from_changes(&change_set.changes, &parameters));
    let losses = preview::unnamed_losses(&change_set.changes, &args.allow_replacement);
    if args.dry_run {
        // Before any output, because a closed pipe ends the process.
        let waiting = progress::new_spinner("deleting the change set");
        let discarded = change_set::discard_change_set(aws, &change_set).await;
        waiting.finish_and_clear();
        discarded?;
        preview::print_preview(&change_set, added_price, args, &title, report)?;
        if !losses.is_empty() {
            output::print_message(format!("a deployment needs {}", preview::allow_flags(&losses)));
        }
        return Ok(DeployPlan::DryRun { changes: change_set.changes.len().max(1), losses });
    }
    let ready = async {
        preview::print_preview(&change_set, added_price, args, &title, report)?;
        preview::refuse_losses(&losses)?;
        let (bucket, bucket_tags) = (artifacts.name, artifact_bucket_tags(&tags));
        let on_wait = || {
            output::print_message(format!(
                "S3 has not freed the name of the deleted bucket {bucket} yet; waiting until it does"
            ))
        };
        let ensured = s3::ensure_private_bucket(aws, artifacts, caller.partition(), &bucket_tags, on_wait);
        for control in ensured.await? {
            output::print_message(format!("note: corrected {control} of the bucket {bucket}"));
        }
        upload_packages(aws, artifacts, &packages).await?;
        s3::enable_versioning(aws, artifacts).await
    };
    if let Err(failure) = ready.await {
        if let Err(discarding) = change_set::discard_change_set(aws, &change_set).await {
            output::print_failure(&discarding);
        }
        return Err(failure);
    }
    Ok(DeployPlan::Ready(Box::new(ReadyDeployment { change_set: Some(change_set), packages })))
}

/// Returns the tags of the stack without restctl's own, by which `destroy` finds the buckets with data.
fn artifact_bucket_tags(stack_tags: &[(String, String)]) -> Tags {
    stack_tags.iter().filter(|(key, _)| key != STACK_TAG).cloned().collect()
}

/// Uploads the packages that are not in the bucket yet.
async fn upload_packages(aws: &Aws, bucket: OwnBucket<'_>, packages: &Packages) -> Result<()> {
    for Package { key, zip } in [&packages.api, &packages.ingest] {
        s3::ensure_object(aws, bucket, key, zip).await?;
    }
    Ok(())
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
