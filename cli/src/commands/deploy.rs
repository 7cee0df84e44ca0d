//! `restctl deploy`: Lambdas and template → CloudFormation → the endpoint.

mod go_live;
mod options;
mod preview;
mod repair;
mod superseded;

use std::path::PathBuf;

use aws_sdk_cloudformation::types::ResourceStatus;
use clap::Args;
use restctl_contract::api::OPENAPI_PATH;
use restctl_contract::stack::{Certificate, Setting};
use restctl_contract::template::{output as stack_output, parameter};
use serde_json::{Value, json};

use crate::aws::change_set::{self, ChangeSet, Desired};
use crate::aws::cloudformation::{self, Stack};
use crate::aws::stack_events::{Events, Operation};
use crate::aws::{elasticloadbalancing, s3, sts};
use crate::context::Context;
use crate::failure::{Exit, Result};
use crate::lambdas::{Package, Packages, Place};
use crate::output::Format;
use crate::preflight::{self, Deployment};
use crate::report::Report;
use crate::settings::{self, Settings};
use crate::{cognito, endpoint, output, token};

use go_live::Versions;
use options::Options;

const TEMPLATE: &str = include_str!("../../../templates/stack.yaml");

#[derive(Debug, Args)]
#[command(after_help = "\
Needs `restctl setup` first. Prints the endpoint on standard output. Run again without a change, it says so \
and changes nothing; what is not given stays as it was deployed.

First the stack is changed, then the new version of each function is tried, and only then it takes over: \
`restctl rollback` returns to the one before within seconds.

With --list on, GET /v1/items answers all items, page by page. It costs what it reads: a client that asks for \
every page reads the whole table.

With --dry-run: exit code 0 where nothing would change, 6 where something would.")]
pub(crate) struct Deploy {
    /// Folder that holds the binaries restctl-api and restctl-ingest, built for Lambda [default: those in this restctl, or
    /// else built here]
    #[arg(long, value_name = "DIR")]
    lambdas: Option<PathBuf>,

    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Let the resource of this name be replaced or removed although it holds data; may be repeated
    #[arg(long, value_name = "NAME")]
    allow_replacement: Vec<String>,

    /// Repair a stack that cannot be updated as it is, without asking
    #[arg(long)]
    yes: bool,

    /// How progress and result are written
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    output: Format,

    #[command(flatten)]
    options: Options,
}

/// What a deployment came to.
enum Outcome {
    /// Of a dry run.
    Planned {
        changes: usize,
    },
    Deployed {
        changes: usize,
        endpoint: String,
        versions: Versions,
    },
}

pub(crate) async fn run(args: Deploy, context: &Context) -> Result<Exit> {
    let report = Report::new("deploy", args.output);
    let outcome = deploy(&args, context, &report).await;
    let exit = match &outcome {
        Ok(Outcome::Planned { changes: 1.. }) => Exit::Changes,
        _ => Exit::Done,
    };
    report.conclude(outcome.map(Outcome::json))?;
    Ok(exit)
}

async fn deploy(args: &Deploy, context: &Context, report: &Report) -> Result<Outcome> {
    let (aws, name) = (&context.aws, &context.stack);
    let certificate = settings::require_certificate(aws, name).await?;
    let settings = Settings::read(aws, name).await?;
    settings.check_complete()?;
    let existing = if args.dry_run {
        repair::unrepaired(aws, name).await?
    } else {
        repair::usable_stack(aws, name, args.yes, report).await?
    };
    let idp = args.options.identity_provider(&settings, existing.as_ref())?;
    args.options.check(context, existing.as_ref(), idp)?;
    let caller = sts::caller(aws).await?;
    let artifacts = name.artifact_bucket(&caller.account, &aws.region);
    let mut parameters = args.options.parameters(existing.as_ref());
    parameters.push((parameter::IDP, idp.to_owned()));
    let deployment = Deployment {
        certificate: &certificate,
        existing: existing.as_ref(),
        artifacts: &artifacts,
        caller: &caller,
        parameters: &parameters,
    };
    preflight::check(context, &deployment).await?;

    let place = if context.local.is_some() { Place::Local } else { Place::Aws };
    let runs_on = existing.as_ref().and_then(|stack| stack.parameter(parameter::ARCHITECTURE)?.parse().ok());
    let packages = Packages::find(args.lambdas.as_deref(), place, runs_on)?;
    parameters.extend(fixed(context, &artifacts, &packages, &certificate));
    let tags = args.options.tags(name, existing.as_ref());
    let desired = Desired { template: TEMPLATE, parameters: &parameters, tags: &tags };
    let change_set = change_set::create(aws, name, existing.as_ref(), desired).await?;
    let changes = change_set.as_ref().map_or(0, |change_set| change_set.changes.len());

    match change_set {
        None => output::say(&format!("no change: the stack {name} is as it should be")),
        Some(change_set) => {
            preview::show(&change_set.changes, args, context, report)?;
            let refusal = preview::refuse_loss_of_data(&change_set.changes, &args.allow_replacement);
            if args.dry_run || refusal.is_some() {
                change_set::discard(aws, change_set).await?;
                refusal.filter(|_| !args.dry_run).map_or(Ok(()), Err)?;
            } else {
                s3::ensure_private_bucket(aws, &artifacts).await?;
                upload(context, &artifacts, &packages).await?;
                execute(context, &change_set, report).await?;
            }
        }
    }
    if args.dry_run {
        return Ok(Outcome::Planned { changes });
    }
    finish(args, context, changes, &certificate).await
}

/// What CloudFormation leaves to be done, whether it has changed anything or not: an earlier deployment may have ended
/// before this.
async fn finish(
    args: &Deploy,
    context: &Context,
    changes: usize,
    certificate: &Certificate,
) -> Result<Outcome> {
    let (aws, name) = (&context.aws, &context.stack);
    let stack = cloudformation::deployed(aws, name).await?;
    if !stack.has_termination_protection {
        cloudformation::set_termination_protection(aws, &stack, true).await?;
    }
    if cognito::is_part_of(&stack) && cognito::set_up(aws, name, &stack).await? {
        token::forget(context)?;
        output::say("the stack's own identity provider is set up: its client's secret is in Secrets Manager");
    }
    let versions = go_live::go_live(aws, &stack).await?;
    let endpoint = put_in_front(context, &stack, certificate).await?;
    if args.output == Format::Text {
        output::data(&endpoint)?;
    }
    // Last: the endpoint is up, whatever becomes of this.
    superseded::remove(context, &stack, certificate).await?;
    Ok(Outcome::Deployed { changes, endpoint, versions })
}

async fn execute(context: &Context, change_set: &ChangeSet, report: &Report) -> Result<()> {
    let operation = if change_set.stack.is_in_review() { Operation::Create } else { Operation::Update };
    let mut events = Events::since_now(&context.aws, &change_set.stack, operation).await?;
    change_set::execute(&context.aws, change_set).await?;
    match events.follow(&context.aws, report).await? {
        ResourceStatus::CreateComplete | ResourceStatus::UpdateComplete => Ok(()),
        ended => Err(events.failure("the deployment failed", &ended)),
    }
}

/// Uploads the packages that the bucket does not hold yet, each under its hash.
async fn upload(context: &Context, bucket: &str, packages: &Packages) -> Result<()> {
    for Package { key, zip } in [&packages.api, &packages.ingest] {
        if !s3::object_exists(&context.aws, bucket, key).await? {
            s3::put(&context.aws, bucket, key, zip.clone()).await?;
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

/// Puts the load balancer in front, and says where the API is: its base URL.
async fn put_in_front(context: &Context, stack: &Stack, certificate: &Certificate) -> Result<String> {
    let load_balancer = stack.output(stack_output::LOAD_BALANCER_DNS_NAME)?;
    if let Some(local) = &context.local {
        let target_group = stack.output(stack_output::TARGET_GROUP)?;
        let function = stack.output(stack_output::API_ALIAS)?;
        elasticloadbalancing::register_function(&context.aws, target_group, function).await?;
        local.serve(&context.stack, certificate, load_balancer)?;
    } else {
        match stack.parameter(parameter::DOMAIN) {
            Some(domain) if !domain.is_empty() => output::say(&format!("{domain} leads to {load_balancer}")),
            _ => output::say(&format!("point {} at {load_balancer} (CNAME or alias)", certificate.name)),
        }
    }
    let base_url = endpoint::base_url(context, stack, certificate);
    let list = stack.parameter(parameter::LIST).unwrap_or_default();
    let access = if stack.parameter(parameter::OPENAPI) == Some("open") {
        "is open to everyone"
    } else {
        "needs a token"
    };
    output::say(&format!("the list of all items is {list}; {base_url}{OPENAPI_PATH} {access}"));
    output::say("next: restctl upload data.csv");
    Ok(base_url)
}

impl Outcome {
    fn json(self) -> Value {
        match self {
            Outcome::Planned { changes } => {
                json!({ "outcome": if changes == 0 { "unchanged" } else { "planned" }, "changes": changes })
            }
            Outcome::Deployed { changes, endpoint, versions } => json!({
                "outcome": if changes == 0 { "unchanged" } else { "deployed" },
                "changes": changes,
                "endpoint": endpoint,
                "api_version": versions.api.version(),
                "ingest_version": versions.ingest.version(),
            }),
        }
    }
}
