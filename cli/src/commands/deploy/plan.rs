//! What a deployment will do: checked, prepared, shown, and nothing of the stack changed yet.

use restctl_contract::stack::{Certificate, Setting};
use restctl_contract::template::parameter;

use super::repair::Start;
use super::{Deploy, preview};
use crate::aws::cloudformation::change_set::{self, ChangeSet, Desired};
use crate::aws::s3::{self, OwnBucket};
use crate::aws::sts;
use crate::context::Context;
use crate::deployment::packages::{Package, Packages, Place};
use crate::deployment::preflight::{self, Deployment};
use crate::failure::Result;
use crate::identity::settings::Settings;
use crate::terminal::ndjson::NdjsonReport;
use crate::terminal::output;

const TEMPLATE: &str = include_str!("../../../../templates/stack.yaml");

/// What is to be done of what was seen.
pub(super) enum Plan {
    Nothing,
    /// All that a dry run does; `losses` are those without which a deployment would be refused.
    Seen {
        changes: usize,
        losses: Vec<String>,
    },
    Ready(Box<ChangeSet>),
}

pub(super) async fn plan(
    args: &Deploy,
    context: &Context,
    report: &NdjsonReport,
    start: &Start,
    settings: &Settings,
    certificate: &Certificate,
) -> Result<Plan> {
    let (aws, name) = (context.aws().await?, &context.stack);
    let idp = args.options.identity_provider(settings, start.chosen())?;
    args.options.check(context, start, idp)?;
    let caller = sts::caller(aws).await?;
    let artifacts = name.artifact_bucket(&caller.account, &aws.region);
    let artifacts = OwnBucket { name: &artifacts, account: &caller.account };
    let mut parameters = args.options.parameters(start.chosen());
    parameters.push((parameter::IDP, idp.to_owned()));
    let deployment = Deployment {
        certificate,
        existing: start.stack.as_ref(),
        artifacts,
        caller: &caller,
        parameters: &parameters,
    };
    preflight::check(context, &deployment).await?;

    let place = if context.local.is_some() { Place::Local } else { Place::Aws };
    let runs_on = start.chosen().and_then(|stack| stack.parameter(parameter::ARCHITECTURE)?.parse().ok());
    let packages = Packages::find(args.lambdas.as_deref(), place, runs_on)?;
    parameters.extend(fixed(context, artifacts.name, &packages, certificate));
    let tags = args.options.tags(name, start.chosen());
    let desired = Desired { template: TEMPLATE, parameters: &parameters, tags: &tags };
    let Some(change_set) = change_set::create(aws, name, start.stack.as_ref(), desired).await? else {
        output::print_message(&format!("no change: the stack {name} is as it should be"));
        let seen = Plan::Seen { changes: 0, losses: Vec::new() };
        return Ok(if args.dry_run { seen } else { Plan::Nothing });
    };
    let shown = format!("the stack {name} in {}", aws.region);
    let losses = preview::unnamed_losses(&change_set.changes, &args.allow_replacement);
    if args.dry_run {
        // First, since a reader who has gone ends the process.
        change_set::discard(aws, &change_set).await?;
        preview::show(&change_set.changes, args, &shown, report)?;
        if !losses.is_empty() {
            output::print_message(&format!("a deployment is refused without {}", preview::flags(&losses)));
        }
        return Ok(Plan::Seen { changes: change_set.changes.len().max(1), losses });
    }
    let ready = async {
        preview::show(&change_set.changes, args, &shown, report)?;
        preview::refuse(&losses)?;
        s3::ensure_private_bucket(aws, artifacts).await?;
        upload(context, artifacts, &packages).await
    };
    if let Err(failure) = ready.await {
        if let Err(also) = change_set::discard(aws, &change_set).await {
            output::print_failure(&also);
        }
        return Err(failure);
    }
    Ok(Plan::Ready(Box::new(change_set)))
}

/// Uploads the packages that the bucket does not hold yet, each under its hash.
async fn upload(context: &Context, bucket: OwnBucket<'_>, packages: &Packages) -> Result<()> {
    for Package { key, zip } in [&packages.api, &packages.ingest] {
        if !s3::object_exists(context.aws().await?, bucket, key).await? {
            s3::put_object(context.aws().await?, bucket, key, zip.clone()).await?;
        }
    }
    Ok(())
}

/// The parameters that are no choice.
fn fixed(
    context: &Context,
    artifacts: &str,
    packages: &Packages,
    certificate: &Certificate,
) -> Vec<(&'static str, String)> {
    let setting = |setting| context.stack.parameter(setting);
    vec![
        (parameter::ARTIFACT_BUCKET, artifacts.to_owned()),
        (parameter::ARCHITECTURE, packages.architecture.name().to_owned()),
        (parameter::API_PACKAGE, packages.api.key.clone()),
        (parameter::INGEST_PACKAGE, packages.ingest.key.clone()),
        // Not a dynamic reference to the secret that holds it: CloudFormation would not see that it has another value.
        (parameter::CERTIFICATE_ARN, certificate.arn.clone()),
        (parameter::ISSUER, setting(Setting::Issuer)),
        (parameter::AUDIENCE, setting(Setting::Audience)),
        (parameter::JWKS_URI, setting(Setting::JwksUri)),
        (parameter::SCOPE, setting(Setting::Scope)),
        (parameter::PROVIDER, setting(Setting::Provider)),
    ]
}
