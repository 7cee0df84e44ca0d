//! `restctl deploy`: Lambdas and template → CloudFormation → the endpoint.

use std::path::PathBuf;

use aws_sdk_cloudformation::types::ResourceStatus;
use clap::Args;
use restctl_contract::api::OPENAPI_PATH;
use restctl_contract::stack::{Certificate, Setting};
use restctl_contract::template::{output as stack_output, parameter};

use crate::aws::cloudformation::{self, Events, Stack};
use crate::aws::{change_set, elasticloadbalancing, s3, sts};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::hexadecimal::sha256;
use crate::lambdas::{self, Package};
use crate::settings::{self, Settings};
use crate::{endpoint, output};

const TEMPLATE: &str = include_str!("../../../templates/stack.yaml");

#[derive(Debug, Args)]
#[command(after_help = "\
Needs `restctl setup` first. Prints the endpoint on standard output. Run again without a change, it says so \
and changes nothing; what is not given stays as it was deployed.

With --list on, GET /v1/items answers all items, page by page. It costs what it reads: a client that asks for \
every page reads the whole table.")]
pub(crate) struct Deploy {
    /// Folder that holds the binaries restctl-api and restctl-ingest, built for Lambda [default: built here]
    #[arg(long, value_name = "DIR")]
    lambdas: Option<PathBuf>,

    /// Whether the API lists all items [at first: off]
    #[arg(long, value_parser = ["on", "off"])]
    list: Option<String>,

    /// Whether its OpenAPI document needs a token or is open to everyone [at first: token]
    #[arg(long, value_parser = ["token", "open"])]
    openapi: Option<String>,
}

/// The choices that a deployment leaves as they are where they are not made anew.
type Choices = [(&'static str, Option<String>); 2];

pub(crate) async fn run(args: Deploy, context: &Context) -> Result<()> {
    let (aws, stack) = (&context.aws, &context.stack);
    let certificate = settings::require_certificate(aws, stack).await?;
    let settings = Settings::read(aws, stack).await?;
    for setting in Setting::ALL {
        settings.require(setting)?;
    }
    let profile = if context.local.is_some() { lambdas::LOCAL_PROFILE } else { lambdas::AWS_PROFILE };
    let folder = lambdas::locate(args.lambdas.as_deref(), profile)?;
    let (api, ingest) = (lambdas::pack(&folder, lambdas::API)?, lambdas::pack(&folder, lambdas::INGEST)?);
    if api.architecture != ingest.architecture {
        return Err(Failure::new("the two Lambda binaries were built for different machines")
            .why(format!(
                "{} for {}, {} for {}",
                lambdas::API,
                api.architecture,
                lambdas::INGEST,
                ingest.architecture
            ))
            .next("build both for arm64 or both for x86_64"));
    }

    let artifacts = stack.artifact_bucket(&sts::account(aws).await?, &aws.region);
    s3::ensure_private_bucket(aws, &artifacts).await?;
    let template_key = upload_artifacts(context, &artifacts, [&api, &ingest]).await?;
    let existing = usable_stack(context).await?;
    let template_url = template_url(context, &artifacts, &template_key);
    let choices = [(parameter::LIST, args.list), (parameter::OPENAPI, args.openapi)];
    let mut parameters = parameters(context, artifacts, api, ingest);
    parameters.extend(chosen(choices, existing.as_ref()));
    let change_set = change_set::create(aws, stack, existing.as_ref(), &template_url, &parameters).await?;

    let Some(change_set) = change_set else {
        output::say(&format!("no change: the stack {stack} is as it should be"));
        return finish(context, &certificate).await;
    };
    output::say(&format!("the stack {stack} in {}:", aws.region));
    for change in &change_set.changes {
        output::say(&change.to_string());
    }
    let mut events = Events::since_now(aws, &change_set.stack).await?;
    change_set::execute(aws, &change_set).await?;
    match events.follow(aws).await? {
        ResourceStatus::CreateComplete | ResourceStatus::UpdateComplete => {
            finish(context, &certificate).await
        }
        ended => {
            Err(events.failure("the deployment failed", &ended).next("mend the cause, then: restctl deploy"))
        }
    }
}

/// The stack to update, if there is one. One whose first creation failed cannot be updated and holds nothing:
/// it is removed.
async fn usable_stack(context: &Context) -> Result<Option<Stack>> {
    let (aws, name) = (&context.aws, &context.stack);
    match cloudformation::find(aws, name.as_str()).await? {
        Some(stack) if stack.status.as_str() == "ROLLBACK_COMPLETE" => {
            output::say(&format!("the stack {name} failed when it was first created; it is removed first:"));
            cloudformation::delete(aws, &stack).await?;
            Ok(None)
        }
        Some(stack) if stack.status.as_str().ends_with("_IN_PROGRESS") && !stack.is_in_review() => {
            Err(Failure::new(format!("the stack {name} is busy: it is in {}", stack.status.as_str()))
                .next("wait until the other operation has ended, then: restctl deploy"))
        }
        found => Ok(found),
    }
}

/// Uploads what the bucket does not hold yet, each thing under its hash; answers the template's key.
async fn upload_artifacts(context: &Context, bucket: &str, packages: [&Package; 2]) -> Result<String> {
    let template_key = format!("stack-{}.yaml", sha256(TEMPLATE.as_bytes()));
    let packages = packages.map(|package| (&package.key, package.zip.as_slice()));
    for (key, bytes) in packages.into_iter().chain([(&template_key, TEMPLATE.as_bytes())]) {
        if !s3::object_exists(&context.aws, bucket, key).await? {
            s3::put(&context.aws, bucket, key, bytes.to_vec()).await?;
        }
    }
    Ok(template_key)
}

fn template_url(context: &Context, bucket: &str, key: &str) -> String {
    match &context.aws.endpoint_url {
        Some(endpoint_url) => format!("{endpoint_url}/{bucket}/{key}"),
        None => {
            format!("https://{bucket}.s3.{}.{}/{key}", context.aws.region, dns_suffix(&context.aws.region))
        }
    }
}

/// The DNS suffix of the region's partition.
fn dns_suffix(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}

fn parameters(
    context: &Context,
    artifacts: String,
    api: Package,
    ingest: Package,
) -> Vec<(&'static str, String)> {
    let setting = |setting| context.stack.parameter(setting);
    vec![
        (parameter::ARTIFACT_BUCKET, artifacts),
        (parameter::ARCHITECTURE, api.architecture.to_owned()),
        (parameter::API_PACKAGE, api.key),
        (parameter::INGEST_PACKAGE, ingest.key),
        (parameter::ISSUER, setting(Setting::Issuer)),
        (parameter::AUDIENCE, setting(Setting::Audience)),
        (parameter::JWKS_URI, setting(Setting::JwksUri)),
        (parameter::SCOPE, setting(Setting::Scope)),
        (parameter::PROVIDER, setting(Setting::Provider)),
    ]
}

/// Each choice by its value now or before. One that was never made is left to the template's default: its previous
/// value cannot be asked for where the deployed template did not know it.
fn chosen(choices: Choices, existing: Option<&Stack>) -> impl Iterator<Item = (&'static str, String)> {
    let deployed = existing.filter(|stack| !stack.is_in_review());
    choices.into_iter().filter_map(move |(name, choice)| {
        let before = || deployed.and_then(|stack| stack.parameter(name)).map(str::to_owned);
        choice.or_else(before).map(|value| (name, value))
    })
}

/// Puts the load balancer in front, and says where the API is.
async fn finish(context: &Context, certificate: &Certificate) -> Result<()> {
    let stack = cloudformation::deployed(&context.aws, &context.stack).await?;
    let load_balancer = stack.output(stack_output::LOAD_BALANCER_DNS_NAME)?;
    if let Some(local) = &context.local {
        let target_group = stack.output(stack_output::TARGET_GROUP)?;
        let function = stack.output(stack_output::API_FUNCTION_ARN)?;
        elasticloadbalancing::register_function(&context.aws, target_group, function).await?;
        local.serve(&context.stack, &certificate.name, load_balancer)?;
    } else {
        output::say(&format!("point {} at {load_balancer} (CNAME or alias)", certificate.name));
    }
    let base_url = endpoint::base_url(context, certificate);
    let list = stack.parameter(parameter::LIST).unwrap_or_default();
    let access = if stack.parameter(parameter::OPENAPI) == Some("open") {
        "is open to everyone"
    } else {
        "needs a token"
    };
    output::say(&format!("the list of all items is {list}; {base_url}{OPENAPI_PATH} {access}"));
    output::say("next: restctl upload data.csv");
    output::data(&base_url)
}
