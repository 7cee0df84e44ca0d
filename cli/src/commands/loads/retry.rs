//! `restctl loads retry`

use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use restctl_contract::load::{LedgerEntry, LoadId, LoadState};
use restctl_contract::template::output as stack_output;
use serde_json::json;

use super::known::{self, Known};
use crate::aws::cloudformation::{self, Stack};
use crate::aws::{Aws, dynamodb};
use crate::cli::completion_cache;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::loads::dead_letter;
use crate::loads::load::Load;
use crate::terminal::output::{self, Format};

#[derive(Debug, Args)]
#[command(after_help = "\
A load that stopped goes on where it stopped, and one that failed begins anew. It keeps its place among the loads: \
what a newer upload has written, it leaves alone.")]
pub(crate) struct Retry {
    /// Id of the load, as `restctl loads ls` shows it
    #[arg(value_name = "ID", add = ArgValueCandidates::new(completion_cache::complete_loads))]
    load: LoadId,

    /// Do not wait for the load
    #[arg(long)]
    no_wait: bool,
}

pub(super) async fn run(args: Retry, context: &Context) -> Result<()> {
    let aws = context.aws().await?;
    let stack = cloudformation::find_deployed(aws, &context.stack).await?;
    let known = known::one(aws, &stack, &args.load).await?;
    let (object, version, size, uploaded) = match &known {
        Known::Begun(entry) => {
            prepare(aws, &stack, entry).await?;
            (entry.object.clone(), entry.version.clone(), entry.size, entry.uploaded.clone())
        }
        Known::Queued(queued) => {
            (queued.object.clone(), queued.version.clone(), queued.size, queued.uploaded.clone())
        }
    };
    let bucket = stack.output(stack_output::DATA_BUCKET)?.to_owned();
    let load = Load { bucket, key: object, version, size, uploaded: Some(uploaded.clone()) };
    load.announce(aws, &stack, &uploaded).await?;
    output::print_message(&format!("queued the load {} of {}", args.load, load.key));
    if let Known::Begun(entry) = &known
        && entry.state == LoadState::Stopped
    {
        remove_dead_letter(aws, &stack, entry).await;
    }
    match args.no_wait {
        true if output::chosen_format() == Format::Json => {
            output::print_json(&json!({ "load": args.load, "object": load.key }))
        }
        true => Ok(()),
        false => load.follow(aws, &stack, None).await,
    }
}

/// Opens the entry again for the function that will find it.
async fn prepare(aws: &Aws, stack: &Stack, entry: &LedgerEntry) -> Result<()> {
    match entry.state {
        LoadState::Loaded => {
            Err(Failure::new(format!("the load {} is loaded: there is nothing to retry", entry.load)).next(
                format!(
                    "to load the file on top of newer loads: restctl upload FILE --name OTHER-{}",
                    entry.object
                ),
            ))
        }
        LoadState::Loading => {
            output::print_message(&format!(
                "the load {} may be under way; queueing it once more does no harm",
                entry.load
            ));
            Ok(())
        }
        LoadState::Failed | LoadState::Stopped => {
            dynamodb::reopen_ledger_entry(aws, stack.output(stack_output::LEDGER_TABLE)?, entry).await
        }
    }
}

/// The message of a load that stopped would only make it look, in the queue and to its alarm, as if it still were.
async fn remove_dead_letter(aws: &Aws, stack: &Stack, entry: &LedgerEntry) {
    let removed =
        async { dead_letter::remove(aws, stack.output(stack_output::DEAD_LETTER_QUEUE)?, entry).await };
    match removed.await {
        Ok(true) => output::print_message("removed its dead letter"),
        // It was dropped, or it is out of sight, and the next redrive finds its load loaded.
        Ok(false) => {}
        Err(failure) => {
            output::print_message(&format!("its dead letter stays: {}", failure.to_single_line()))
        }
    }
}
