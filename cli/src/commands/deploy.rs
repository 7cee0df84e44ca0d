//! `restctl deploy`: Lambdas and template → CloudFormation → the endpoint.

mod go_live;
mod options;
mod plan;
mod preview;
mod repair;
mod superseded_certificate;

use std::path::PathBuf;

use aws_sdk_cloudformation::types::ResourceStatus;
use clap::Args;
use restctl_contract::api::OPENAPI_PATH;
use restctl_contract::stack::Certificate;
use restctl_contract::template::{output as stack_output, parameter};
use serde_json::{Value, json};

use crate::api::endpoint::Location;
use crate::api::session_cache;
use crate::aws::cloudformation::change_set::{self, ChangeSet};
use crate::aws::cloudformation::events::Event;
use crate::aws::cloudformation::{self, Stack};
use crate::aws::elasticloadbalancing;
use crate::cli::completion_cache;
use crate::context::Context;
use crate::deployment::operation::{Operation, OperationKind};
use crate::failure::{Exit, Failure, Result};
use crate::identity::cognito;
use crate::identity::settings::{self, Settings};
use crate::terminal::interrupt::unless_interrupted;
use crate::terminal::ndjson::NdjsonReport;
use crate::terminal::output::{self, Format};

use go_live::Versions;
use options::Options;
use plan::Plan;

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

    #[command(flatten)]
    options: Options,
}

/// What a deployment came to.
enum Outcome {
    /// Of a dry run.
    Planned {
        changes: usize,
        losses: Vec<String>,
    },
    Deployed {
        changes: usize,
        endpoint: String,
        versions: Versions,
    },
}

pub(crate) async fn run(args: Deploy, context: Result<Context>) -> Result<Exit> {
    let report = NdjsonReport::new("deploy");
    let outcome = async { deploy(&args, &context?, &report).await }.await;
    let exit = match &outcome {
        Ok(Outcome::Planned { changes, .. }) if *changes > 0 => Exit::Changes,
        _ => Exit::Done,
    };
    report.conclude(outcome.map(Outcome::json))?;
    Ok(exit)
}

async fn deploy(args: &Deploy, context: &Context, report: &NdjsonReport) -> Result<Outcome> {
    let (aws, name) = (context.aws().await?, &context.stack);
    let certificate = settings::require_certificate(aws, name).await?;
    let settings = Settings::read(aws, name).await?;
    settings.check_complete()?;
    let start = if args.dry_run {
        repair::unrepaired(aws, name).await?
    } else {
        repair::repaired(aws, name, args.yes, report).await?
    };
    let interrupted = Failure::new("interrupted before the stack was changed").next("the same command again");
    let planning = plan::plan(args, context, report, &start, &settings, &certificate);
    let changes = match unless_interrupted(interrupted, planning).await? {
        Plan::Seen { changes, losses } => return Ok(Outcome::Planned { changes, losses }),
        Plan::Nothing => 0,
        Plan::Ready(change_set) => {
            execute(context, &change_set, report).await?;
            change_set.changes.len().max(1)
        }
    };
    let interrupted = Failure::new("interrupted before the new versions were live")
        .next("restctl deploy, which goes on from there");
    unless_interrupted(interrupted, finish(context, changes, &certificate)).await
}

/// What CloudFormation leaves to be done, whether it has changed anything or not: an earlier deployment may have ended
/// before this.
async fn finish(context: &Context, changes: usize, certificate: &Certificate) -> Result<Outcome> {
    let (aws, name) = (context.aws().await?, &context.stack);
    let stack = cloudformation::find_deployed(aws, name).await?;
    if !stack.has_termination_protection {
        cloudformation::set_termination_protection(aws, &stack, true).await?;
    }
    completion_cache::remember(name, []);
    let versions = go_live::go_live(aws, &stack).await?;
    // Now that the API takes its tokens.
    if cognito::stack_has_user_pool(&stack) && cognito::save_settings(aws, name, &stack).await? {
        output::print_message(
            "the stack's own identity provider is set up: its client's secret is in Secrets Manager",
        );
    }
    // What is remembered was earned from another provider, or leads elsewhere.
    session_cache::clear(context)?;
    let endpoint = put_in_front(context, &stack, certificate).await?;
    if output::chosen_format() == Format::Text {
        output::print_line(&endpoint)?;
    }
    // Last: the endpoint is up, whatever becomes of this.
    superseded_certificate::remove(context, &stack, certificate).await?;
    Ok(Outcome::Deployed { changes, endpoint, versions })
}

async fn execute(context: &Context, change_set: &ChangeSet, report: &NdjsonReport) -> Result<()> {
    let kind = if change_set.stack.is_in_review() { OperationKind::Create } else { OperationKind::Update };
    let mut operation = Operation::prepare(context.aws().await?, &change_set.stack, kind).await?;
    change_set::execute(context.aws().await?, change_set).await?;
    match operation.follow(context.aws().await?, report).await? {
        ResourceStatus::CreateComplete | ResourceStatus::UpdateComplete => {
            for Event { resource, kind, id, .. } in operation.left_behind() {
                output::print_message(&format!(
                    "note: {resource} ({kind}) could not be removed, and is left beside the stack: {}",
                    id.as_deref().unwrap_or_default()
                ));
            }
            Ok(())
        }
        ended => Err(operation.failure("the deployment failed", &ended)),
    }
}

/// Puts the load balancer in front, and says where the API is: its base URL.
async fn put_in_front(context: &Context, stack: &Stack, certificate: &Certificate) -> Result<String> {
    let load_balancer = stack.output(stack_output::LOAD_BALANCER_DNS_NAME)?;
    if let Some(local) = &context.local {
        let target_group = stack.output(stack_output::TARGET_GROUP)?;
        let function = stack.output(stack_output::API_ALIAS)?;
        elasticloadbalancing::register_function(context.aws().await?, target_group, function).await?;
        local.serve(&context.stack, certificate, load_balancer)?;
    } else {
        match stack.parameter(parameter::DOMAIN) {
            Some(domain) if !domain.is_empty() => {
                output::print_message(&format!("{domain} leads to {load_balancer}"))
            }
            _ => output::print_message(&format!(
                "point {} at {load_balancer} (CNAME or alias)",
                certificate.name
            )),
        }
    }
    let base_url = Location::from_stack(context, stack, certificate)?.base_url();
    let list = stack.parameter(parameter::LIST).unwrap_or_default();
    let access = if stack.parameter(parameter::OPENAPI) == Some("open") {
        "is open to everyone"
    } else {
        "needs a token"
    };
    output::print_message(&format!("the list of all items is {list}; {base_url}{OPENAPI_PATH} {access}"));
    output::print_message("next: restctl upload data.csv");
    Ok(base_url)
}

impl Outcome {
    fn json(self) -> Value {
        match self {
            Outcome::Planned { changes, losses } => json!({
                "outcome": if changes == 0 { "unchanged" } else { "planned" },
                "changes": changes,
                "needs_allow_replacement": losses,
            }),
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
