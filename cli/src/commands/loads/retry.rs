//! `restctl loads retry`: queues a load again.

use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use restctl_contract::load::{LedgerEntry, LoadId, LoadState};
use restctl_contract::template::output as stack_output;
use serde_json::json;

use super::known_load::{self, KnownLoad};
use crate::aws::cloudformation::{self, Stack};
use crate::aws::{Aws, dynamodb};
use crate::cli::completion_cache;
use crate::cli::wait::WaitArgs;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::loads::dead_letter;
use crate::loads::load::Load;
use crate::loads::receipt::{self, LoadReport, ignored_failure};
use crate::loads::wait::LoadWait;
use crate::terminal::output::{self, Format};

#[derive(Debug, Args)]
#[command(after_help = "\
A load that stopped continues where it stopped; a load that failed starts over. It keeps its place in the order of \
uploads: it does not overwrite what a newer upload wrote.")]
pub(crate) struct Retry {
    /// Id of the load, as `restctl loads ls` shows it
    #[arg(value_name = "ID", add = ArgValueCandidates::new(completion_cache::complete_loads))]
    load: LoadId,

    /// Do not wait for the load
    #[arg(long)]
    no_wait: bool,

    #[command(flatten)]
    wait: WaitArgs,
}

pub(super) async fn run(args: Retry, context: &Context) -> Result<()> {
    let aws = context.aws().await?;
    let stack = cloudformation::find_deployed(aws, &context.stack).await?;
    let known = known_load::find_load(aws, &stack, &args.load).await?;
    let (object, version, size, uploaded) = match &known {
        KnownLoad::Begun(entry) => {
            reopen_entry(aws, &stack, entry).await?;
            (entry.object.clone(), entry.version.clone(), entry.size, entry.uploaded.clone())
        }
        KnownLoad::Queued(queued) => {
            (queued.object.clone(), queued.version.clone(), queued.size, queued.uploaded.clone())
        }
    };
    let bucket = stack.output(stack_output::DATA_BUCKET)?.to_owned();
    let load = Load { bucket, key: object, version, size, uploaded: Some(uploaded.clone()) };
    load.queue(aws, &stack, &uploaded).await?;
    output::print_message(format!("queued the load {} of {}", args.load, load.key));
    if let KnownLoad::Begun(entry) = &known
        && entry.state == LoadState::Stopped
    {
        remove_dead_letter(aws, &stack, entry).await;
    }
    match args.no_wait {
        true if output::chosen_format() == Format::Json => {
            output::print_json(&json!({ "load": args.load, "object": load.key }))
        }
        true => Ok(()),
        false => {
            let deadline = args.wait.deadline();
            let wait = LoadWait { aws, stack: &stack, load: &load, rows: None, deadline };
            let entry = wait.until_settled().await?;
            receipt::print_receipt(aws, &load.bucket, LoadReport::new(&entry), 1).await
        }
    }
}

/// Reopens the ledger's entry, so that the function loads it again. Fails if it is loaded already.
async fn reopen_entry(aws: &Aws, stack: &Stack, entry: &LedgerEntry) -> Result<()> {
    match entry.state {
        LoadState::Loaded => {
            Err(Failure::new(format!("the load {} is loaded: there is nothing to retry", entry.load))
                .next("to load the file on top of newer loads: restctl upload --force FILE"))
        }
        LoadState::Loading => {
            output::print_message(format!(
                "the load {} may be running; queuing it again does no harm",
                entry.load
            ));
            Ok(())
        }
        LoadState::Ignored => Err(ignored_failure(entry)),
        LoadState::Failed | LoadState::Stopped => {
            dynamodb::reopen_ledger_entry(aws, stack.output(stack_output::LEDGER_TABLE)?, entry).await
        }
    }
}

/// Deletes the load's dead letter. With it, the load would still look stopped, in the queue and to the queue's alarm.
async fn remove_dead_letter(aws: &Aws, stack: &Stack, entry: &LedgerEntry) {
    let removed = async {
        dead_letter::delete_message_of(aws, stack.output(stack_output::DEAD_LETTER_QUEUE)?, entry).await
    };
    match removed.await {
        Ok(true) => output::print_message("deleted its dead letter"),
        // It was dropped, or SQS does not show it; the next redrive then finds its load loaded.
        Ok(false) => {}
        Err(failure) => {
            output::print_message(format!("note: its dead letter remains: {}", failure.to_single_line()))
        }
    }
}
