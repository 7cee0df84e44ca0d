//! `restctl dlq ls`: lists dead letters.

use clap::Args;
use comfy_table::{CellAlignment, Table};
use restctl_contract::load::{LedgerEntry, LoadId, LoadState};
use restctl_contract::template::output as stack_output;
use serde::Serialize;

use super::handled_letter::NO_EVENT;
use crate::aws::cloudformation::{self, Stack};
use crate::aws::{Aws, dynamodb, sqs};
use crate::context::Context;
use crate::failure::Result;
use crate::loads::dead_letter::{self, DeadLetter};
use crate::terminal::output::{self, Format};
use crate::terminal::sanitize::sanitize_line;
use crate::terminal::text::Text;

#[derive(Debug, Args)]
#[command(after_help = "\
The ledger says why a load stopped. SQS shows only the first ten dead letters until they are gone. If there \
are more, the list also has every other stopped load, without the time at which it became a dead letter.

Example:
  restctl dlq ls --output json | jq -r '.[].load'")]
pub(crate) struct Ls {}

/// A dead letter with the ledger's entry of its load, or a stopped load whose letter SQS does not show.
#[derive(Serialize)]
pub(super) struct LetterRow {
    message_id: Option<String>,
    pub(super) load: Option<LoadId>,
    object: Option<String>,
    version: Option<String>,
    size: Option<u64>,
    uploaded: Option<String>,
    dead_since: Option<String>,
    state: Option<LoadState>,
    reason: Option<String>,
}

pub(super) async fn run(_: Ls, context: &Context) -> Result<()> {
    let aws = context.aws().await?;
    let stack = cloudformation::find_deployed(aws, &context.stack).await?;
    let queue = stack.output(stack_output::DEAD_LETTER_QUEUE)?;
    let count = sqs::read_depth(aws, queue).await?.total_messages();
    let letters = dead_letter::read_first(aws, queue).await?;
    let unseen = count.saturating_sub(letters.len());
    let mut rows = letter_rows(aws, &stack, &letters).await?;
    if unseen > 0 {
        rows.extend(unseen_stopped_loads(aws, &stack, &letters).await?);
    }
    match output::chosen_format() {
        Format::Json => output::print_json(&rows)?,
        Format::Text if rows.is_empty() => {}
        Format::Text => output::print_text(Text::from_table(&letters_table(&rows)))?,
    }
    const NEXT: &str = "next: restctl dlq redrive, after fixing the cause; or restctl dlq drop --all";
    output::print_message(match (letters.len(), unseen) {
        (0, 0) => Text::from("there are no dead letters"),
        (0, hidden) => {
            format!("another reader holds the dead letters, about {hidden}: try again in a minute").into()
        }
        (_, 0) => NEXT.into(),
        (shown, hidden) => Text::from_lines([
            format!(
                "about {hidden} more are behind these {shown}, and SQS shows them when these are gone; \
                 their loads are among those without a time"
            )
            .as_str(),
            NEXT,
        ]),
    });
    Ok(())
}

/// Returns a row for each letter.
pub(super) async fn letter_rows(aws: &Aws, stack: &Stack, letters: &[DeadLetter]) -> Result<Vec<LetterRow>> {
    let ledger = stack.output(stack_output::LEDGER_TABLE)?;
    let mut rows = Vec::new();
    for letter in letters {
        let entry = match letter.ledger_entry(aws, ledger).await {
            Ok(entry) => entry,
            Err(failure) => {
                output::print_failure(&failure);
                None
            }
        };
        rows.push(LetterRow::new(letter, entry));
    }
    Ok(rows)
}

pub(super) fn letters_table(rows: &[LetterRow]) -> Table {
    let text = |value: Option<&str>| value.map_or_else(|| "-".to_owned(), |value| sanitize_line(value, 300));
    let cells = |row: &LetterRow| {
        vec![
            text(row.load.as_ref().map(LoadId::as_str)),
            text(row.state.map(|state| state.to_string()).as_deref()),
            text(row.dead_since.as_deref()),
            text(row.size.map(|size| size.to_string()).as_deref()),
            text(row.object.as_deref()),
            row.reason.as_deref().map_or_else(String::new, |reason| sanitize_line(reason, 300)),
        ]
    };
    let header = ["LOAD", "STATE", "DEAD SINCE", "BYTES", "OBJECT", "REASON"];
    let mut table = output::new_table(&header, rows.iter().map(cells).collect());
    if let Some(column) = table.column_mut(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Returns the stopped loads whose letters are not among `letters`, the oldest upload first.
async fn unseen_stopped_loads(aws: &Aws, stack: &Stack, letters: &[DeadLetter]) -> Result<Vec<LetterRow>> {
    let entries = dynamodb::read_ledger_entries(aws, stack.output(stack_output::LEDGER_TABLE)?).await?;
    let is_out_of_sight = |entry: &LedgerEntry| {
        entry.state == LoadState::Stopped && !letters.iter().any(|letter| letter.belongs_to(entry))
    };
    let entries = entries.into_values().filter_map(Result::ok).filter(is_out_of_sight);
    let mut rows: Vec<LetterRow> = entries.map(LetterRow::from).collect();
    rows.sort_by(|one, other| one.uploaded.cmp(&other.uploaded));
    Ok(rows)
}

impl LetterRow {
    fn new(letter: &DeadLetter, entry: Option<LedgerEntry>) -> Self {
        let object = letter.object.as_ref();
        let known = entry.map(Self::from);
        let reason = match object {
            Some(_) => None,
            None => Some(NO_EVENT.to_owned()),
        };
        Self {
            message_id: Some(letter.message.id.clone()),
            load: letter.load_id().or_else(|| known.as_ref()?.load.clone()),
            object: object.map(|object| object.key.clone()),
            version: object
                .and_then(|object| object.version.clone())
                .or_else(|| known.as_ref()?.version.clone()),
            size: object.map(|object| object.size),
            uploaded: object.map(|object| object.uploaded.clone()),
            dead_since: letter.message.sent.clone(),
            state: known.as_ref().and_then(|known| known.state),
            reason: reason.or_else(|| known?.reason),
        }
    }

    pub(super) fn is_one_of(&self, loads: &[LoadId]) -> bool {
        self.load.as_ref().is_some_and(|load| loads.contains(load))
    }
}

impl From<LedgerEntry> for LetterRow {
    fn from(entry: LedgerEntry) -> Self {
        Self {
            message_id: None,
            load: Some(entry.load),
            object: Some(entry.object),
            version: Some(entry.version),
            size: Some(entry.size),
            uploaded: Some(entry.uploaded),
            dead_since: None,
            state: Some(entry.state),
            reason: entry.reason,
        }
    }
}
