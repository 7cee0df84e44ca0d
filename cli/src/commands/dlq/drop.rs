//! `restctl dlq drop`

use clap::{ArgGroup, Args};
use clap_complete::engine::ArgValueCandidates;
use restctl_contract::load::LoadId;
use restctl_contract::template::output as stack_output;

use super::done::{self, Done, Outcome};
use super::ls;
use super::rounds::Rounds;
use crate::aws::cloudformation::{self, Stack};
use crate::aws::{Aws, sqs};
use crate::cli::completion_cache;
use crate::context::Context;
use crate::failure::Result;
use crate::loads::dead_letter;
use crate::terminal::{output, prompt};

#[derive(Debug, Args)]
#[command(after_help = "\
A load whose dead letter is dropped is not tried again by a redrive. Its file stays in the data bucket, and \
`restctl loads retry ID` still queues it.

Examples:
  restctl dlq drop --load 0123456789abcdef
  restctl dlq drop --all --yes

Exit code 3 where some stay, 5 where a load that is named has no dead letter.")]
#[command(group = ArgGroup::new("which").required(true).args(["loads", "all"]))]
pub(crate) struct Drop {
    /// Only this load; several may be given
    #[arg(long = "load", value_name = "ID", add = ArgValueCandidates::new(completion_cache::complete_loads))]
    loads: Vec<LoadId>,

    /// All of them, those that are no loads among them
    #[arg(long)]
    all: bool,

    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub(super) async fn run(args: Drop, context: &Context) -> Result<()> {
    let aws = context.aws().await?;
    let stack = cloudformation::find_deployed(aws, &context.stack).await?;
    let queue = stack.output(stack_output::DEAD_LETTER_QUEUE)?;
    let count = sqs::read_depth(aws, queue).await?.messages();
    let mut rows = ls::rows(aws, &stack, &dead_letter::look(aws, queue).await?).await?;
    let out_of_sight = count.saturating_sub(rows.len());
    // Letters that come after the question are behind those that it is about.
    let most = count.max(rows.len());
    rows.retain(|row| args.all || row.is_of(&args.loads));
    if rows.is_empty() {
        if args.all {
            output::print_message("there are no dead letters");
        }
        return done::conclude(&[], &args.loads, out_of_sight);
    }
    output::print_message(&ls::table(&rows).trim_fmt());
    let question = match args.all && out_of_sight > 0 {
        true => format!("delete all {most} dead letters, of which these are the first?"),
        false => {
            format!("delete the {} above?", if rows.len() == 1 { "dead letter" } else { "dead letters" })
        }
    };
    prompt::confirm(&question, args.yes)?;
    let mut all = Vec::new();
    let ended = delete(aws, &stack, &args.loads, most, &mut all).await;
    let concluded = done::conclude(&all, &args.loads, out_of_sight.saturating_sub(all.len()));
    ended.and(concluded)
}

/// Those of `loads`, or all where none is named; `most` of them at most.
async fn delete(aws: &Aws, stack: &Stack, loads: &[LoadId], most: usize, all: &mut Vec<Done>) -> Result<()> {
    let mut rounds = Rounds::new(aws, stack.output(stack_output::DEAD_LETTER_QUEUE)?);
    loop {
        let letters = rounds.next().await?;
        if letters.is_empty() {
            return Ok(());
        }
        for (letter, row) in letters.iter().zip(ls::rows(aws, stack, &letters).await?) {
            if all.len() >= most || !loads.is_empty() && !row.is_of(loads) {
                rounds.keep(letter).await?;
                continue;
            }
            let dropped = rounds.remove(letter).await.map(|()| Outcome::Dropped);
            let done = Done::with(letter, row.load, dropped);
            if !done.is_removed() {
                rounds.keep(letter).await?;
            }
            all.push(done);
        }
    }
}
