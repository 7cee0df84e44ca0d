//! `restctl dlq redrive`: queues the loads of dead letters again.

use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use restctl_contract::load::{LedgerEntry, LoadId, LoadState};
use restctl_contract::template::output as stack_output;

use super::handled_letter::{self, HandledLetter, LetterOutcome};
use super::letter_queue::LetterQueue;
use crate::aws::cloudformation::{self, Stack};
use crate::aws::{Aws, dynamodb, sqs};
use crate::cli::completion_cache;
use crate::context::Context;
use crate::failure::Result;
use crate::loads::dead_letter::DeadLetter;
use crate::terminal::output;

#[derive(Debug, Args)]
#[command(after_help = "\
A load that stopped continues where it stopped; a load that failed starts over. It keeps its place in the order of \
uploads: it does not overwrite what a newer upload wrote. A message that is not a load stays in the queue.

Examples:
  restctl dlq redrive
  restctl dlq redrive --load 0123456789abcdef

Exit code 3 if some dead letters remain, 5 if a given load has no dead letter.")]
pub(crate) struct Redrive {
    /// Only this load; repeat the option for several
    #[arg(long = "load", value_name = "ID", add = ArgValueCandidates::new(completion_cache::complete_loads))]
    loads: Vec<LoadId>,
}

pub(super) async fn run(args: Redrive, context: &Context) -> Result<()> {
    let aws = context.aws().await?;
    let stack = cloudformation::find_deployed(aws, &context.stack).await?;
    let mut letter_queue = LetterQueue::new(aws, stack.output(stack_output::DEAD_LETTER_QUEUE)?);
    let mut handled = Vec::new();
    let ended = redrive_letters(aws, &stack, &args.loads, &mut letter_queue, &mut handled).await;
    if ended.is_ok() && handled.is_empty() && args.loads.is_empty() {
        output::print_message("there are no dead letters");
    }
    if handled.iter().any(|letter| letter.has_outcome(LetterOutcome::Redriven)) {
        output::print_message("next: restctl loads ls");
    }
    let unseen = if ended.is_ok() { letter_queue.count_unseen().await? } else { 0 };
    let concluded = handled_letter::report_outcomes(&handled, &args.loads, unseen);
    ended.and(concluded)
}

async fn redrive_letters(
    aws: &Aws,
    stack: &Stack,
    loads: &[LoadId],
    letter_queue: &mut LetterQueue<'_>,
    handled: &mut Vec<HandledLetter>,
) -> Result<()> {
    let ledger = stack.output(stack_output::LEDGER_TABLE)?;
    loop {
        let letters = letter_queue.next_letters().await?;
        if letters.is_empty() {
            return Ok(());
        }
        for letter in &letters {
            let entry = letter.ledger_entry(aws, ledger).await;
            let known = entry.as_ref().ok().and_then(|entry| entry.as_ref().map(|entry| entry.load.clone()));
            let load = letter.load_id().or(known);
            if !loads.is_empty() && !load.as_ref().is_some_and(|load| loads.contains(load)) {
                letter_queue.keep_letter(letter).await?;
                continue;
            }
            let outcome = async { queue_again(aws, stack, letter_queue, letter, entry?).await }.await;
            let letter_outcome = HandledLetter::record_outcome(letter, load, outcome);
            if !letter_outcome.is_deleted() {
                letter_queue.keep_letter(letter).await?;
            }
            handled.push(letter_outcome);
        }
    }
}

/// Sends the message to the load queue before it deletes the dead letter. If the command is interrupted in between, the load
/// may be queued twice, and the ledger makes the second message do nothing.
async fn queue_again(
    aws: &Aws,
    stack: &Stack,
    letter_queue: &LetterQueue<'_>,
    letter: &DeadLetter,
    entry: Option<LedgerEntry>,
) -> Result<LetterOutcome> {
    if letter.object.is_none() {
        return Ok(LetterOutcome::Left);
    }
    let outcome = match &entry {
        Some(entry) if entry.state == LoadState::Loaded => LetterOutcome::AlreadyLoaded,
        _ => LetterOutcome::Redriven,
    };
    if outcome == LetterOutcome::Redriven {
        if let Some(entry) = &entry {
            dynamodb::reopen_ledger_entry(aws, stack.output(stack_output::LEDGER_TABLE)?, entry).await?;
        }
        let queue = stack.output(stack_output::LOAD_QUEUE)?;
        sqs::queue_message(aws, queue, &letter.message.id, &letter.message.body).await?;
    }
    letter_queue.delete_letter(letter).await?;
    Ok(outcome)
}
