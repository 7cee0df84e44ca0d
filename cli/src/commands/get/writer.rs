//! Writes items in the chosen format as they arrive, and reports at the end which ids were not found.

use indicatif::ProgressBar;
use restctl_contract::api::{BatchGetAnswer, Item};

use super::format::{ItemFormat, SelectedFields};
use crate::failure::{Exit, Failure, FailureContext, Result};
use crate::items::csv::{self, CsvBuffer};
use crate::items::document::JsonDocument;
use crate::items::layout::TableLayout;
use crate::items::ndjson::to_ndjson;
use crate::terminal::output;
use crate::terminal::sanitize::sanitize_line;

/// How many missing ids are named, and how many characters of each.
const MAX_NAMED_IDS: usize = 10;
const MAX_ID_CHARACTERS: usize = 60;

pub(super) struct ItemWriter {
    state: FormatState,
    fields: Option<SelectedFields>,
    progress: ProgressBar,
    found: u64,
    missing: u64,
    named: Vec<String>,
}

enum FormatState {
    Json(JsonDocument),
    Ndjson,
    /// All columns, which are known only when all items have arrived.
    Csv(CsvBuffer),
    /// The columns of --fields; whether the header has been written.
    ChosenCsv(bool),
    Table(TableLayout),
}

impl ItemWriter {
    /// `key` is the attribute that identifies an item.
    pub(super) fn new(format: ItemFormat, fields: Option<SelectedFields>, key: &str) -> Result<Self> {
        let state = match format {
            ItemFormat::Json => FormatState::Json(JsonDocument::default()),
            ItemFormat::Ndjson => FormatState::Ndjson,
            ItemFormat::Csv if fields.is_some() => FormatState::ChosenCsv(false),
            ItemFormat::Csv => FormatState::Csv(CsvBuffer::new(key)?),
            ItemFormat::Table => FormatState::Table(TableLayout::new(key)),
        };
        let progress = output::rows_bar("getting", None);
        Ok(Self { state, fields, progress, found: 0, missing: 0, named: Vec::new() })
    }

    pub(super) async fn write_answer(&mut self, answer: BatchGetAnswer) -> Result<()> {
        let BatchGetAnswer { items, missing, .. } = answer;
        let items: Vec<Item> = match &mut self.fields {
            Some(fields) => items.into_iter().map(|item| fields.select_from(item)).collect(),
            None => items,
        };
        self.found += items.len() as u64;
        self.missing += missing.len() as u64;
        let room = MAX_NAMED_IDS - self.named.len();
        self.named
            .extend(missing.iter().take(room).map(|id| sanitize_line(&id.to_string(), MAX_ID_CHARACTERS)));
        self.progress.set_position(self.found + self.missing);
        let bytes = match &mut self.state {
            FormatState::Json(document) => {
                document.push_missing(&missing)?;
                document.push_items(&items)?
            }
            FormatState::Ndjson => to_ndjson(&items)?,
            FormatState::Csv(csv) => return csv.push_items(&items),
            FormatState::ChosenCsv(has_header) => {
                let columns = self.fields.as_ref().map_or(&[][..], |fields| &fields.names);
                let header = if *has_header { Vec::new() } else { csv::header_row(columns)? };
                *has_header = true;
                [header, csv::item_rows(columns, &items)?].concat()
            }
            FormatState::Table(layout) => {
                layout.push_items(&items);
                return Ok(());
            }
        };
        write_on_thread(&self.progress, bytes).await
    }

    /// Writes the rest. Returns an error if ids were not found.
    pub(super) async fn finish(self) -> Result<()> {
        let Self { state, fields, progress, found, missing, named } = self;
        let is_document = matches!(state, FormatState::Json(_));
        match state {
            FormatState::Json(document) => {
                document.finish(async |bytes| write_on_thread(&progress, bytes).await).await?
            }
            FormatState::Csv(csv) => csv.write(async |bytes| write_on_thread(&progress, bytes).await).await?,
            FormatState::Ndjson | FormatState::ChosenCsv(_) => {}
            FormatState::Table(layout) => {
                progress.finish_and_clear();
                write_table(layout, fields.as_ref())?;
            }
        }
        progress.finish_and_clear();
        if let Some(fields) = fields.filter(|_| found > 0) {
            report_unseen_fields(&fields);
        }
        if missing == 0 {
            return Ok(());
        }
        let verb = if missing == 1 { "was" } else { "were" };
        let what = format!("{missing} of {} ids {verb} not found", found + missing);
        let failure = if is_document {
            Failure::new(format!("{what}; see \"missing\""))
        } else {
            let more = missing - named.len() as u64;
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            Failure::new(what).why(named.join(", ") + &more)
        };
        Err(failure
            .exit(if found > 0 { Exit::Partial } else { Exit::NotFound })
            .next("check the ids, or load the file that has them: restctl upload FILE"))
    }
}

/// Writes on a thread: a reader that pauses (`restctl get … | less`) must not hold up the calls in flight.
async fn write_on_thread(progress: &ProgressBar, bytes: Vec<u8>) -> Result<()> {
    let progress = progress.clone();
    let writing = tokio::task::spawn_blocking(move || progress.suspend(|| output::write_bytes(&bytes)));
    writing.await.context("cannot write to standard output")?
}

fn write_table(layout: TableLayout, fields: Option<&SelectedFields>) -> Result<()> {
    let shown = layout.render(fields.map(|fields| fields.names.as_slice()), output::terminal_width());
    if !shown.text.is_empty() {
        output::print_line(&shown.text)?;
    }
    if !shown.columns_left_out.is_empty() {
        let names = shown.columns_left_out.join(", ");
        output::print_message(&format!(
            "not shown, for lack of space: {names}; choose with --fields, or see all with --format csv"
        ));
    }
    if shown.rows_left_out > 0 {
        output::print_message(&format!(
            "{} more items are not shown; see all with --format csv",
            shown.rows_left_out
        ));
    }
    Ok(())
}

pub(super) fn report_unseen_fields(fields: &SelectedFields) {
    if !fields.unseen.is_empty() {
        output::print_message(&format!("note: no item has {}", fields.unseen.join(", ")));
    }
}
