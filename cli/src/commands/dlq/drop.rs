//! `restctl dlq drop`: deletes dead letters.

use clap::{ArgGroup, Args};
use clap_complete::engine::ArgValueCandidates;
use restctl_contract::load::LoadId;
use restctl_contract::template::output as stack_output;

use super::handled_letter::{self, HandledLetter, LetterOutcome};
use super::letter_queue::LetterQueue;
use super::ls;
use crate::aws::cloudformation::{self, Stack};
use crate::aws::{Aws, sqs};
use crate::cli::completion_cache;
use crate::context::Context;
use crate::failure::Result;
use crate::loads::dead_letter;
use crate::terminal::text::Text;
use crate::terminal::{output, prompt};

#[derive(Debug, Args)]
#[command(after_help = "\
A redrive does not retry a load whose dead letter was dropped. Its file stays in the data bucket, and \
`restctl loads retry ID` still queues it.

Examples:
  restctl dlq drop --load 0123456789abcdef
  restctl dlq drop --all --yes

Exit code 3 if some dead letters remain, 5 if a given load has no dead letter.")]
#[command(group = ArgGroup::new("which").required(true).args(["loads", "all"]))]
pub(crate) struct Drop {
    /// Only this load; repeat the option for several
    #[arg(long = "load", value_name = "ID", add = ArgValueCandidates::new(completion_cache::complete_loads))]
    loads: Vec<LoadId>,

    /// All dead letters, including messages that are not loads
    #[arg(long)]
    all: bool,

    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

pub(super) async fn run(args: Drop, context: &Context) -> Result<()> {
    let aws = context.aws().await?;
    let stack = cloudformation::find_deployed(aws, &context.stack).await?;
    let queue = stack.output(stack_output::DEAD_LETTER_QUEUE)?;
    let count = sqs::read_depth(aws, queue).await?.total_messages();
    let mut rows = ls::letter_rows(aws, &stack, &dead_letter::read_first(aws, queue).await?).await?;
    let unseen = count.saturating_sub(rows.len());
    // Letters that arrive after the question are behind those that it asks about.
    let most = count.max(rows.len());
    rows.retain(|row| args.all || row.is_one_of(&args.loads));
    if rows.is_empty() {
        if args.all {
            output::print_message("there are no dead letters");
        }
        return handled_letter::report_outcomes(&[], &args.loads, unseen);
    }
    output::print_message(Text::from_table(&ls::letters_table(&rows)));
    let question = match args.all && unseen > 0 {
        true => format!("delete all {most} dead letters? The first ones are above."),
        false => {
            format!("delete the {} above?", if rows.len() == 1 { "dead letter" } else { "dead letters" })
        }
    };
    prompt::confirm(&question, args.yes)?;
    let mut handled = Vec::new();
    let ended = delete_letters(aws, &stack, &args.loads, most, &mut handled).await;
    let concluded =
        handled_letter::report_outcomes(&handled, &args.loads, unseen.saturating_sub(handled.len()));
    ended.and(concluded)
}

/// Deletes up to `most` letters: those of `loads`, or any if `loads` is empty.
async fn delete_letters(
    aws: &Aws,
    stack: &Stack,
    loads: &[LoadId],
    most: usize,
    handled: &mut Vec<HandledLetter>,
) -> Result<()> {
    let mut letter_queue = LetterQueue::new(aws, stack.output(stack_output::DEAD_LETTER_QUEUE)?);
    loop {
        let letters = letter_queue.next_letters().await?;
        if letters.is_empty() {
            return Ok(());
        }
        for (letter, row) in letters.iter().zip(ls::letter_rows(aws, stack, &letters).await?) {
            if handled.len() >= most || !loads.is_empty() && !row.is_one_of(loads) {
                letter_queue.keep_letter(letter).await?;
                continue;
            }
            let outcome = letter_queue.delete_letter(letter).await.map(|()| LetterOutcome::Dropped);
            let letter_outcome = HandledLetter::record_outcome(letter, row.load, outcome);
            if !letter_outcome.is_deleted() {
                letter_queue.keep_letter(letter).await?;
            }
            handled.push(letter_outcome);
        }
    }
}
