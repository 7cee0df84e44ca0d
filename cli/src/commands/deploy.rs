//! `restctl deploy`: uploads the functions, creates or updates the stack, and puts the new versions into service.

mod adoption;
mod drift_preview;
mod edge_jwt;
mod go_live;
mod options;
mod plan;
mod preview;
mod repair;
mod revert_drift;
mod rolled_back;
mod superseded_certificate;
mod superseded_packages;
mod template;

use std::path::PathBuf;

use aws_sdk_cloudformation::types::ResourceStatus;
use clap::Args;
use restctl_contract::api::OPENAPI_PATH;
use restctl_contract::stack::{Certificate, StackName};
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
use crate::cli::wait::{WaitArgs, WaitDeadline};
use crate::context::Context;
use crate::deployment::drift::ResourceDrift;
use crate::deployment::operation::Operation;
use crate::deployment::packages::Packages;
use crate::deployment::protection;
use crate::failure::{Exit, Failure, Result, unless_stopped};
use crate::identity::cognito;
use crate::identity::settings::{self, Settings};
use crate::terminal::interrupt::{postpone_during, unless_interrupted};
use crate::terminal::ndjson::NdjsonReport;
use crate::terminal::output::{self, Format};
use crate::terminal::text::Text;

use drift_preview::DriftPreview;
use go_live::{LiveVersions, VersionShift};
use options::DeployOptions;
use plan::{DeployPlan, DeployRequest, ReadyDeployment};
use revert_drift::StackState;

#[derive(Debug, Args)]
#[command(after_help = "\
Run `restctl setup` first. Prints the endpoint on standard output. If there is nothing to do, it says so and changes \
nothing. Options that you leave out keep their deployed values.

It reverts what was changed without restctl, updates the stack, then tests the new version of each function, and only then \
makes it live. `restctl rollback` returns to the previous version within seconds.

With --list on, GET /v1/items returns all items, page by page. A page costs as much as reading its items, so a client that \
requests every page costs as much as reading the whole table.

What a deleted stack left, such as the tables that `restctl destroy` keeps, can be adopted by a new stack of the same name: \
with --adopt the new stack serves that data, and with --fresh-data it begins with an empty table beside it. Without \
either, deploy asks.

With --dry-run, the exit code is 0 if nothing would change and 6 if something would. It also shows what was changed without \
restctl since the last deployment.")]
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

    /// Adopt the tables, the data bucket and the logs that a deleted stack of this name left. If there are several of a kind,
    /// name the one to adopt
    #[arg(long, value_name = "NAME", num_args = 0.., conflicts_with = "fresh_data")]
    adopt: Option<Vec<String>>,

    /// Begin with an empty table and an empty bucket, beside what a deleted stack of this name left
    #[arg(long)]
    fresh_data: bool,

    /// Repair a stack that cannot be updated, without asking
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    wait: WaitArgs,

    #[command(flatten)]
    options: DeployOptions,
}

/// The result of a deployment or a dry run.
enum DeployOutcome {
    /// A dry run.
    Planned { changes: usize, losses: Vec<String> },
    Deployed {
        is_unchanged: bool,
        /// Those of CloudFormation, and what was reverted.
        changes: usize,
        endpoint: String,
        api_version: String,
        ingest_version: String,
    },
}

pub(crate) async fn run(args: Deploy, context: Result<Context>) -> Result<Exit> {
    let report = NdjsonReport::new("deploy");
    let work = async { deploy_stack(&args, &context?, &report).await };
    let outcome = unless_interrupted(Failure::interrupted(), work).await;
    let exit = match &outcome {
        Ok(DeployOutcome::Planned { changes, .. }) if *changes > 0 => Exit::Changes,
        _ => Exit::Done,
    };
    report.write_result(outcome.map(DeployOutcome::into_json))?;
    Ok(exit)
}

async fn deploy_stack(args: &Deploy, context: &Context, report: &NdjsonReport) -> Result<DeployOutcome> {
    let deadline = args.wait.deadline();
    let (aws, name) = (context.aws().await?, &context.stack);
    let certificate = settings::require_certificate(aws, name).await?;
    let settings = Settings::read(aws, name).await?;
    settings.check_complete()?;
    let start = if args.dry_run {
        repair::starting_point_for_dry_run(aws, name, deadline).await?
    } else {
        repair::repair_if_needed(aws, name, args.yes, deadline, report).await?
    };
    let adoption = match &start.stack {
        None => adoption::choose_adoption(args, context, report).await?,
        Some(_) => {
            note_needless_choice(args, name);
            None
        }
    };
    let undone = match &adoption {
        _ if args.dry_run => "the dry run was complete",
        Some(_) => "the stack was complete",
        None => "the stack was changed",
    };
    let adoption = adoption.as_ref();
    let request = DeployRequest {
        args,
        start: &start,
        adoption,
        settings: &settings,
        certificate: &certificate,
        deadline,
    };
    let mut stopped = Box::pin(deadline.wait_for_stop(undone, "the same command again"));
    let planned = Box::pin(plan::plan_deployment(&request, context, &mut stopped, report)).await?;
    match planned {
        DeployPlan::DryRun { changes, losses } => {
            let found = match &start.stack {
                Some(stack) => {
                    let comparing = Box::pin(drift_preview::print_drift(aws, stack, report));
                    unless_stopped(stopped, Failure::interrupted(), comparing).await?
                }
                None => DriftPreview::default(),
            };
            let changes = changes + found.drifts;
            if changes == 0 {
                found.require_complete()?;
                output::print_message(no_change(name));
            }
            Ok(DeployOutcome::Planned { changes, losses })
        }
        DeployPlan::Ready(ready) => {
            drop(stopped);
            Box::pin(execute_deployment(&request, *ready, context, report)).await
        }
    }
}

/// An interrupted deployment is continued by the same command.
fn note_needless_choice(args: &Deploy, name: &StackName) {
    let flag = if args.fresh_data { "--fresh-data" } else { "--adopt" };
    if args.fresh_data || args.adopt.is_some() {
        output::print_message(format!(
            "note: the stack {name} exists and keeps its data; {flag} changes nothing"
        ));
    }
}

async fn execute_deployment(
    request: &DeployRequest<'_>,
    ready: ReadyDeployment,
    context: &Context,
    report: &NdjsonReport,
) -> Result<DeployOutcome> {
    let (aws, deadline) = (context.aws().await?, request.deadline);
    let ReadyDeployment { update, packages, mut reverted } = ready;
    let executed = match update {
        Some((change_set, operation)) => {
            execute_change_set(context, &change_set, operation, deadline, report).await?;
            Some(change_set)
        }
        None => None,
    };
    let preparing = prepare_versions(request, executed.as_ref(), &packages, &mut reverted, context, report);
    let next = "restctl deploy, which continues from there";
    let (stack, shifts) = deadline.limit("the new versions were live", next, preparing).await?;
    // From now on, because a Ctrl-C that comes while they go live takes effect afterwards.
    let undone = "the deployment was complete; its versions are live";
    let stopped = deadline.wait_for_stop(undone, "restctl deploy, which does what remains");
    let versions = go_live::go_live(aws, &shifts).await?;
    let is_unchanged = executed.is_none() && reverted.is_empty() && !versions.have_changed;
    if is_unchanged {
        output::print_message(no_change(&context.stack));
    }
    let completing = Box::pin(complete_deployment(request, &stack, context));
    let endpoint = unless_stopped(stopped, Failure::interrupted(), completing).await?;
    let LiveVersions { api, ingest, .. } = versions;
    let [api_version, ingest_version] = [api, ingest].map(|live| live.version().to_owned());
    let changes = executed.map_or(0, |change_set| change_set.changes.len().max(1)) + reverted.len();
    Ok(DeployOutcome::Deployed { is_unchanged, changes, endpoint, api_version, ingest_version })
}

/// Reverts what someone changed without restctl, and prepares the versions to go live, even if CloudFormation changed nothing: an
/// earlier deployment may have been interrupted before this.
async fn prepare_versions(
    request: &DeployRequest<'_>,
    executed: Option<&ChangeSet>,
    packages: &Packages,
    reverted: &mut Vec<ResourceDrift>,
    context: &Context,
    report: &NdjsonReport,
) -> Result<(Stack, [VersionShift; 2])> {
    let (aws, name) = (context.aws().await?, &context.stack);
    let find_idle = || cloudformation::find_idle(aws, name, executed.map(|change_set| &change_set.stack));
    let mut stack = find_idle().await?;
    if !stack.has_termination_protection {
        cloudformation::set_termination_protection(aws, &stack, true).await?;
        stack = find_idle().await?;
    }
    completion_cache::remember_loads(name, []);
    let state = if executed.is_some() { StackState::Updated } else { StackState::Unchanged };
    if request.must_compare_after_update() {
        reverted.append(&mut revert_drift::revert_resources(aws, &stack, state, report).await?);
    }
    let (functions, mut drifts) =
        revert_drift::revert_functions(aws, &stack, state, packages, report).await?;
    reverted.append(&mut drifts);
    let shifts = go_live::prepare_versions(aws, name, &stack, &functions).await?;
    Ok((stack, shifts))
}

/// Does what remains after the new versions went live, and returns the base URL.
async fn complete_deployment(
    request: &DeployRequest<'_>,
    stack: &Stack,
    context: &Context,
) -> Result<String> {
    let DeployRequest { start, settings, certificate, .. } = request;
    let (aws, name, before) = (context.aws().await?, &context.stack, start.stack.as_ref());
    // The API accepts the pool's tokens only from now on. A client of another issuer that was set up since stays.
    let is_new_pool = !before.is_some_and(cognito::stack_has_user_pool);
    let client_is_of_pool = settings.client().is_none() || cognito::settings_name_user_pool(settings, stack);
    if cognito::stack_has_user_pool(stack)
        && (is_new_pool || client_is_of_pool)
        && cognito::save_client(aws, name, stack, &certificate.tags).await?
    {
        output::print_message(
            "the stack's own identity provider is set up; its client secret is in Secrets Manager",
        );
    }
    // The cached token may come from another provider, and the cached endpoint may lead elsewhere.
    session_cache::clear_session(context)?;
    let endpoint = serve_at_endpoint(context, stack, certificate).await?;
    if output::chosen_format() == Format::Text {
        output::print_text(&endpoint)?;
    }
    // Last, because the endpoint works even if these fail.
    protection::protect_stack(aws, stack).await?;
    superseded_packages::delete_superseded_packages(aws, before, stack).await;
    superseded_certificate::delete_superseded_certificates(context, stack, certificate).await?;
    Ok(endpoint)
}

fn no_change(name: &StackName) -> String {
    format!("no change: the stack {name} is up to date")
}

async fn execute_change_set(
    context: &Context,
    change_set: &ChangeSet,
    mut operation: Operation,
    deadline: WaitDeadline,
    report: &NdjsonReport,
) -> Result<()> {
    let aws = context.aws().await?;
    let mut unprotected = Vec::new();
    let request = async {
        unprotected = protection::unprotect_deleted(aws, &change_set.changes).await?;
        let executed = change_set::execute_change_set(aws, &context.stack, change_set).await;
        if executed.is_err() {
            protection::restore_protection(aws, &unprotected).await;
        }
        executed
    };
    match operation.run_to_end(aws, deadline, report, request).await? {
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
            postpone_during(protection::restore_protection(aws, &unprotected)).await;
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
            DeployOutcome::Deployed { is_unchanged, changes, endpoint, api_version, ingest_version } => {
                json!({
                    "outcome": if is_unchanged { "unchanged" } else { "deployed" },
                    "changes": changes,
                    "endpoint": endpoint,
                    "api_version": api_version,
                    "ingest_version": ingest_version,
                })
            }
        }
    }
}
