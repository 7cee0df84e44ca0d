//! `restctl deploy`: uploads the functions, creates or updates the stack, and puts the new versions into service.

mod edge_jwt;
mod go_live;
mod options;
mod plan;
mod preview;
mod repair;
mod superseded_certificate;
mod superseded_packages;

use std::path::PathBuf;

use aws_sdk_cloudformation::types::ResourceStatus;
use clap::Args;
use restctl_contract::api::OPENAPI_PATH;
use restctl_contract::stack::Certificate;
use restctl_contract::template::{output as stack_output, parameter};
use serde_json::{Value, json};

use super::first_steps::with_target_flags;
use crate::api::endpoint::{self, Location};
use crate::api::session_cache;
use crate::aws::cloudformation::change_set::{self, ChangeSet};
use crate::aws::cloudformation::events::Event;
use crate::aws::cloudformation::{self, Stack};
use crate::aws::elasticloadbalancing;
use crate::cli::completion_cache;
use crate::context::Context;
use crate::deployment::operation::{Operation, OperationKind};
use crate::deployment::protection;
use crate::failure::{Exit, Failure, Result};
use crate::identity::cognito;
use crate::identity::settings::{self, Settings};
use crate::terminal::interrupt::unless_interrupted;
use crate::terminal::ndjson::NdjsonReport;
use crate::terminal::output::{self, Format};
use crate::terminal::text::Text;

use options::DeployOptions;
use plan::{DeployPlan, DeployRequest};

#[derive(Debug, Args)]
#[command(after_help = "\
Run `restctl setup` first. Prints the endpoint on standard output. If nothing has changed, it says so and changes nothing. \
Options that you leave out keep their deployed values.

It updates the stack, then tests the new version of each function, and only then makes it live. `restctl rollback` returns \
to the previous version within seconds.

With --list on, GET /v1/items returns all items, page by page. A page costs as much as reading its items, so a client that \
requests every page costs as much as reading the whole table.

With --dry-run, the exit code is 0 if nothing would change and 6 if something would.")]
pub(crate) struct Deploy {
    /// Folder with the binaries restctl-api and restctl-ingest, built for Lambda [default: those inside restctl, otherwise
    /// built here]
    #[arg(long, value_name = "DIR")]
    lambdas: Option<PathBuf>,

    /// Show what would change without changing anything
    #[arg(long)]
    dry_run: bool,

    /// Allow the resource of this name to be replaced or removed although it holds data; can be repeated
    #[arg(long, value_name = "NAME")]
    allow_replacement: Vec<String>,

    /// Repair a stack that cannot be updated, without asking
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    options: DeployOptions,
}

/// The result of a deployment or a dry run.
enum DeployOutcome {
    /// A dry run.
    Planned {
        changes: usize,
        losses: Vec<String>,
    },
    Deployed {
        changes: usize,
        endpoint: String,
        api_version: String,
        ingest_version: String,
    },
}

pub(crate) async fn run(args: Deploy, context: Result<Context>) -> Result<Exit> {
    let report = NdjsonReport::new("deploy");
    let outcome = async { deploy_stack(&args, &context?, &report).await }.await;
    let exit = match &outcome {
        Ok(DeployOutcome::Planned { changes, .. }) if *changes > 0 => Exit::Changes,
        _ => Exit::Done,
    };
    report.write_result(outcome.map(DeployOutcome::into_json))?;
    Ok(exit)
}

async fn deploy_stack(args: &Deploy, context: &Context, report: &NdjsonReport) -> Result<DeployOutcome> {
    let (aws, name) = (context.aws().await?, &context.stack);
    let certificate = settings::require_certificate(aws, name).await?;
    let settings = Settings::read(aws, name).await?;
    settings.check_complete()?;
    let start = if args.dry_run {
        repair::starting_point_for_dry_run(aws, name).await?
    } else {
        repair::repair_if_needed(aws, name, args.yes, report).await?
    };
    let interrupted = Failure::new("interrupted before the stack was changed").next("the same command again");
    let request = DeployRequest { args, start: &start, settings: &settings, certificate: &certificate };
    let planning = plan::plan_deployment(request, context, report);
    let executed = match unless_interrupted(interrupted, planning).await? {
        DeployPlan::DryRun { changes, losses } => return Ok(DeployOutcome::Planned { changes, losses }),
        DeployPlan::NoChange => None,
        DeployPlan::Ready(change_set) => {
            execute_change_set(context, &change_set, report).await?;
            Some(change_set)
        }
    };
    let interrupted = Failure::new("interrupted before the new versions were live")
        .next("restctl deploy, which continues from there");
    let completion =
        complete_deployment(context, start.stack.as_ref(), executed.as_deref(), &certificate, &settings);
    unless_interrupted(interrupted, completion).await
}

/// Does what remains after CloudFormation, even if CloudFormation changed nothing: an earlier deployment may have been
/// interrupted before these steps. `before` is the stack before the deployment, if there was one.
async fn complete_deployment(
    context: &Context,
    before: Option<&Stack>,
    executed: Option<&ChangeSet>,
    certificate: &Certificate,
    settings: &Settings,
) -> Result<DeployOutcome> {
    let (aws, name) = (context.aws().await?, &context.stack);
    let find_idle = || cloudformation::find_idle(aws, name, executed.map(|change_set| &change_set.stack));
    let mut stack = find_idle().await?;
    if !stack.has_termination_protection {
        cloudformation::set_termination_protection(aws, &stack, true).await?;
        stack = find_idle().await?;
    }
    completion_cache::remember_loads(name, []);
    let versions = go_live::go_live(aws, name, &stack).await?;
    // The API accepts the pool's tokens only from now on. A client of another issuer that was set up since stays.
    let is_new_pool = !before.is_some_and(cognito::stack_has_user_pool);
    let client_is_of_pool = settings.client().is_none() || cognito::settings_name_user_pool(settings, &stack);
    if cognito::stack_has_user_pool(&stack)
        && (is_new_pool || client_is_of_pool)
        && cognito::save_client(aws, name, &stack, &certificate.tags).await?
    {
        output::print_message(
            "the stack's own identity provider is set up; its client secret is in Secrets Manager",
        );
    }
    // The cached token may come from another provider, and the cached endpoint may lead elsewhere.
    session_cache::clear_session(context)?;
    let endpoint = serve_at_endpoint(context, &stack, certificate).await?;
    if output::chosen_format() == Format::Text {
        output::print_text(&endpoint)?;
    }
    // Last, because the endpoint works even if these fail.
    protection::protect_stack(aws, &stack).await?;
    superseded_packages::delete_superseded_packages(aws, before, &stack).await;
    superseded_certificate::delete_superseded_certificates(context, &stack, certificate).await?;
    let [api_version, ingest_version] = [versions.api, versions.ingest].map(|live| live.version().to_owned());
    let changes = executed.map_or(0, |change_set| change_set.changes.len().max(1));
    Ok(DeployOutcome::Deployed { changes, endpoint, api_version, ingest_version })
}

async fn execute_change_set(context: &Context, change_set: &ChangeSet, report: &NdjsonReport) -> Result<()> {
    let aws = context.aws().await?;
    let kind = if change_set.stack.is_in_review() { OperationKind::Create } else { OperationKind::Update };
    let mut operation = Operation::prepare(aws, &change_set.stack, kind).await?;
    let unprotected = protection::unprotect_deleted(aws, &change_set.changes).await?;
    if let Err(refusal) = change_set::execute_change_set(aws, &context.stack, change_set).await {
        protection::restore_protection(aws, &unprotected).await;
        return Err(refusal);
    }
    match operation.follow_to_end(aws, report).await? {
        ResourceStatus::CreateComplete | ResourceStatus::UpdateComplete => {
            for Event { resource, kind, id, .. } in operation.undeleted_resources() {
                output::print_message(format!(
                    "note: {resource} ({kind}) could not be removed and remains outside the stack: {}",
                    id.as_deref().unwrap_or_default()
                ));
            }
            Ok(())
        }
        ended => {
            // The rollback keeps what the update was to delete.
            protection::restore_protection(aws, &unprotected).await;
            Err(operation.to_failure(aws, "the deployment failed", &ended).await)
        }
    }
}

/// Makes the API reachable at its endpoint and returns its base URL.
async fn serve_at_endpoint(context: &Context, stack: &Stack, certificate: &Certificate) -> Result<String> {
    let load_balancer = stack.output(stack_output::LOAD_BALANCER_DNS_NAME)?;
    if let Some(local) = &context.local {
        let target_group = stack.output(stack_output::TARGET_GROUP)?;
        let function = stack.output(stack_output::API_ALIAS)?;
        elasticloadbalancing::register_function(context.aws().await?, target_group, function).await?;
        local.serve_stack(&context.stack, certificate, load_balancer).await?;
    } else {
        match endpoint::domain(stack) {
            Some(domain) => output::print_message(format!("{domain} points to {load_balancer}")),
            None => output::print_message(format!(
                "point {} to {load_balancer} (CNAME or alias record)",
                certificate.name
            )),
        }
    }
    let location = Location::from_stack(context, stack, certificate)?;
    let base_url = location.base_url();
    let list = stack.parameter(parameter::LIST).unwrap_or_default();
    let access = if stack.parameter(parameter::OPENAPI) == Some("open") {
        "is open to everyone"
    } else {
        "needs a token"
    };
    output::print_message(format!("the list of all items is {list}; {base_url}{OPENAPI_PATH} {access}"));
    if context.local.is_some() {
        let with_flags = |command| with_target_flags(&context.target, command);
        let call = location.curl_command(OPENAPI_PATH, &with_flags("restctl token"));
        output::print_message(Text::from_lines([
            "with curl:".to_owned(),
            format!("  {} >ca.pem", with_flags("restctl cert show --pem")),
            format!("  {call}"),
        ]));
    }
    output::print_message("next: restctl upload data.csv");
    Ok(base_url)
}

impl DeployOutcome {
    fn into_json(self) -> Value {
        match self {
            DeployOutcome::Planned { changes, losses } => json!({
                "outcome": if changes == 0 { "unchanged" } else { "planned" },
                "changes": changes,
                "needs_allow_replacement": losses,
            }),
            DeployOutcome::Deployed { changes, endpoint, api_version, ingest_version } => json!({
                "outcome": if changes == 0 { "unchanged" } else { "deployed" },
                "changes": changes,
                "endpoint": endpoint,
                "api_version": api_version,
                "ingest_version": ingest_version,
            }),
        }
    }
}
