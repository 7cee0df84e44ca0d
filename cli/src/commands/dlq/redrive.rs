//! `restctl dlq redrive`

use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use restctl_contract::load::{LedgerEntry, LoadId, LoadState};
use restctl_contract::template::output as stack_output;

use super::done::{self, Done, Outcome};
use super::rounds::Rounds;
use crate::aws::cloudformation::{self, Stack};
use crate::aws::{Aws, dynamodb, sqs};
use crate::cli::completion_cache;
use crate::context::Context;
use crate::failure::Result;
use crate::loads::dead_letter::DeadLetter;
use crate::terminal::output;

#[derive(Debug, Args)]
#[command(after_help = "\
A load that stopped goes on where it stopped, and one that failed begins anew. It keeps its place among the loads: \
what a newer upload has written, it leaves alone. What is no load stays a dead letter.

Examples:
  restctl dlq redrive
  restctl dlq redrive --load 0123456789abcdef

Exit code 3 where some stay, 5 where a load that is named has no dead letter.")]
pub(crate) struct Redrive {
    /// Only this load; several may be given
    #[arg(long = "load", value_name = "ID", add = ArgValueCandidates::new(completion_cache::complete_loads))]
    loads: Vec<LoadId>,
}

pub(super) async fn run(args: Redrive, context: &Context) -> Result<()> {
    let aws = context.aws().await?;
    let stack = cloudformation::find_deployed(aws, &context.stack).await?;
    let mut rounds = Rounds::new(aws, stack.output(stack_output::DEAD_LETTER_QUEUE)?);
    let mut all = Vec::new();
    let ended = redrive(aws, &stack, &args.loads, &mut rounds, &mut all).await;
    if ended.is_ok() && all.is_empty() && args.loads.is_empty() {
        output::print_message("there are no dead letters");
    }
    if all.iter().any(|done| done.is(Outcome::Redriven)) {
        output::print_message("next: restctl loads ls");
    }
    let out_of_sight = if ended.is_ok() { rounds.out_of_sight().await? } else { 0 };
    let concluded = done::conclude(&all, &args.loads, out_of_sight);
    ended.and(concluded)
}

async fn redrive(
    aws: &Aws,
    stack: &Stack,
    loads: &[LoadId],
    rounds: &mut Rounds<'_>,
    all: &mut Vec<Done>,
) -> Result<()> {
    let ledger = stack.output(stack_output::LEDGER_TABLE)?;
    loop {
        let letters = rounds.next().await?;
        if letters.is_empty() {
            return Ok(());
        }
        for letter in &letters {
            let entry = letter.entry(aws, ledger).await;
            let known = entry.as_ref().ok().and_then(|entry| entry.as_ref().map(|entry| entry.load.clone()));
            let load = letter.load().or(known);
            if !loads.is_empty() && !load.as_ref().is_some_and(|load| loads.contains(load)) {
                rounds.keep(letter).await?;
                continue;
            }
            let outcome = async { queue_again(aws, stack, rounds, letter, entry?).await }.await;
            let done = Done::with(letter, load, outcome);
            if !done.is_removed() {
                rounds.keep(letter).await?;
            }
            all.push(done);
        }
    }
}

/// First it is in the load queue, and only then out of this one. What breaks off in between is queued twice in the end,
/// and the ledger makes the second do nothing.
async fn queue_again(
    aws: &Aws,
    stack: &Stack,
    rounds: &Rounds<'_>,
    letter: &DeadLetter,
    entry: Option<LedgerEntry>,
) -> Result<Outcome> {
    if letter.object.is_none() {
        return Ok(Outcome::Left);
    }
    let outcome = match &entry {
        Some(entry) if entry.state == LoadState::Loaded => Outcome::AlreadyLoaded,
        _ => Outcome::Redriven,
    };
    if outcome == Outcome::Redriven {
        if let Some(entry) = &entry {
            dynamodb::reopen_ledger_entry(aws, stack.output(stack_output::LEDGER_TABLE)?, entry).await?;
        }
        let queue = stack.output(stack_output::LOAD_QUEUE)?;
        sqs::queue_message(aws, queue, &letter.message.id, &letter.message.body).await?;
    }
    rounds.remove(letter).await?;
    Ok(outcome)
}
