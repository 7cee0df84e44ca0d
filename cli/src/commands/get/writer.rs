//! Writes items in the chosen format as they arrive, and reports at the end which ids were not found.

use restctl_contract::api::{InvalidId, Item};
use restctl_contract::json::Json;

use super::bulk_calls::BulkAnswer;
use super::format::{ItemFormat, SelectedFields};
use super::unfound::UnfoundIds;
use crate::failure::{FailureContext, Result};
use crate::items::csv::{self, CsvBuffer};
use crate::items::document::JsonDocument;
use crate::items::layout::TableLayout;
use crate::items::ndjson::to_ndjson;
use crate::terminal::output;
use crate::terminal::progress::{self, ProgressBar};
use crate::terminal::sanitize::Syntax;
use crate::terminal::sent_secrets::redact;

pub(super) struct ItemWriter {
    state: FormatState,
    fields: Option<SelectedFields>,
    progress: ProgressBar,
    found: u64,
    unfound: UnfoundIds,
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
        let progress = progress::rows_bar("getting", None);
        Ok(Self { state, fields, progress, found: 0, unfound: UnfoundIds::default() })
    }

    pub(super) async fn write_answer(&mut self, answer: BulkAnswer) -> Result<()> {
        let BulkAnswer { items, missing, invalid } = answer;
        let items: Vec<Item> = match &mut self.fields {
            Some(fields) => items.into_iter().map(|item| fields.select_from(item)).collect(),
            None => items,
        };
        self.found += items.len() as u64;
        self.unfound.push_missing(&missing);
        self.unfound.push_invalid(&invalid);
        self.progress.set_position(self.found + self.unfound.count());
        let (bytes, syntax) = match &mut self.state {
            FormatState::Json(document) => {
                let missing: Vec<Json> = missing.into_iter().map(|id| id.text.into()).collect();
                let invalid = invalid.into_iter();
                let invalid: Vec<InvalidId> = invalid
                    .map(|(id, detail)| InvalidId {
                        id: id.text.into(),
                        detail: redact(&detail).into_owned(),
                    })
                    .collect();
                document.push_missing(&missing)?;
                document.push_invalid(&invalid)?;
                (document.push_items(&items)?, Syntax::Json)
            }
            FormatState::Ndjson => (to_ndjson(&items)?, Syntax::Json),
            FormatState::Csv(csv) => return csv.push_items(&items),
            FormatState::ChosenCsv(has_header) => {
                let columns = self.fields.as_ref().map_or(&[][..], |fields| &fields.names);
                let header = if *has_header { Vec::new() } else { csv::header_row(columns)? };
                *has_header = true;
                ([header, csv::item_rows(columns, &items)?].concat(), Syntax::Csv)
            }
            FormatState::Table(layout) => {
                layout.push_items(&items);
                return Ok(());
            }
        };
        write_on_thread(&self.progress, bytes, syntax).await
    }

    /// Writes the rest. Returns an error if ids were not found.
    pub(super) async fn finish(self) -> Result<()> {
        let Self { state, fields, progress, found, unfound } = self;
        let is_document = matches!(state, FormatState::Json(_));
        match state {
            FormatState::Json(document) => {
                document.finish(async |bytes| write_on_thread(&progress, bytes, Syntax::Json).await).await?
            }
            FormatState::Csv(csv) => {
                csv.write(async |bytes| write_on_thread(&progress, bytes, Syntax::Csv).await).await?
            }
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
        unfound.into_result(found, is_document)
    }
}

/// Writes on a thread: a reader that pauses (`restctl get … | less`) must not hold up the calls in flight.
async fn write_on_thread(progress: &ProgressBar, bytes: Vec<u8>, syntax: Syntax) -> Result<()> {
    let progress = progress.clone();
    let writing =
        tokio::task::spawn_blocking(move || progress.suspend(|| output::write_data(&bytes, syntax)));
    writing.await.context("cannot write to standard output")?
}

fn write_table(layout: TableLayout, fields: Option<&SelectedFields>) -> Result<()> {
    let shown = layout.render(fields.map(|fields| fields.names.as_slice()), output::terminal_width());
    if !shown.text.is_empty() {
        output::print_text(shown.text)?;
    }
    if !shown.columns_left_out.is_empty() {
        let names = shown.columns_left_out.join(", ");
        output::print_message(format!(
            "not shown, for lack of space: {names}; choose with --fields, or see all with --format csv"
        ));
    }
    if shown.rows_left_out > 0 {
        output::print_message(format!(
            "{} more items are not shown; see all with --format csv",
            shown.rows_left_out
        ));
    }
    Ok(())
}

pub(super) fn report_unseen_fields(fields: &SelectedFields) {
    if !fields.unseen.is_empty() {
        output::print_message(format!("note: no item has {}", fields.unseen.join(", ")));
    }
}
