//! `restctl deploy`: uploads the functions, creates or updates the stack, and puts the new versions into service.

mod adoption;
mod artifact_bucket;
mod choices;
mod drift_preview;
mod dry_run;
mod edge_jwt;
mod endpoint;
mod execution;
mod go_live;
mod import;
mod options;
mod preparation;
mod preview;
mod repair;
mod request;
mod revert_drift;
mod rolled_back;
mod superseded_certificate;
mod superseded_packages;
mod template;

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::wait::WaitArgs;
use crate::context::Context;
use crate::failure::{Exit, Failure, Result, unless_stopped};
use crate::terminal::interrupt::unless_interrupted;
use crate::terminal::ndjson::NdjsonReport;

use options::DeployOptions;
use request::DeployRequest;

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
    let request = Box::pin(DeployRequest::read(args, context, report)).await?;
    let undone = match request.adoption {
        _ if args.dry_run => "the dry run was complete",
        Some(_) => "the stack was complete",
        None => "the stack was changed",
    };
    let mut stopped = Box::pin(request.deadline.wait_for_stop(undone, "the same command again"));
    let choosing = Box::pin(choices::make_choices(&request));
    let choices = unless_stopped(&mut stopped, Failure::interrupted(), choosing).await?;
    if args.dry_run {
        return Box::pin(dry_run::show_deployment(&request, &choices, stopped)).await;
    }
    let ready = Box::pin(preparation::prepare_deployment(&request, &choices, stopped)).await?;
    Box::pin(execution::execute_deployment(&request, &choices, ready)).await
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
