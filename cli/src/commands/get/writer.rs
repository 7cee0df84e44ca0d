//! Items as they are found, in the format asked for; and at the end, what was not found.

use indicatif::ProgressBar;
use restctl_contract::api::{BatchGetAnswer, Item};
use serde_json::Value;

use super::format::{Fields, Format};
use crate::failure::{Exit, Failure, FailureContext, Result};
use crate::items::csv::{self, CsvBuffer};
use crate::items::document::JsonDocument;
use crate::items::layout::TableLayout;
use crate::items::ndjson::to_ndjson;
use crate::terminal::output;

/// Missing ids that are named, and as much of each.
const NAMED: usize = 10;
const NAMED_CHARACTERS: usize = 60;

pub(super) struct Writer {
    form: Form,
    fields: Option<Fields>,
    progress: ProgressBar,
    found: u64,
    missing: u64,
    named: Vec<String>,
}

enum Form {
    Json(JsonDocument),
    Ndjson,
    /// Its columns are known when all items are there.
    Csv(CsvBuffer),
    /// Of columns that are chosen; whether their names have been written.
    ChosenCsv(bool),
    Table(TableLayout),
}

impl Writer {
    /// `key` is the attribute that identifies an item.
    pub(super) fn new(format: Format, fields: Option<Fields>, key: &str) -> Result<Self> {
        let form = match format {
            Format::Json => Form::Json(JsonDocument::default()),
            Format::Ndjson => Form::Ndjson,
            Format::Csv if fields.is_some() => Form::ChosenCsv(false),
            Format::Csv => Form::Csv(CsvBuffer::new(key)?),
            Format::Table => Form::Table(TableLayout::new(key)),
        };
        let progress = output::rows_bar("getting", None);
        Ok(Self { form, fields, progress, found: 0, missing: 0, named: Vec::new() })
    }

    pub(super) async fn take(&mut self, answer: BatchGetAnswer) -> Result<()> {
        let BatchGetAnswer { items, missing, .. } = answer;
        let items: Vec<Item> = match &mut self.fields {
            Some(fields) => items.into_iter().map(|item| fields.choose(item)).collect(),
            None => items,
        };
        self.found += items.len() as u64;
        self.missing += missing.len() as u64;
        let room = NAMED - self.named.len();
        self.named.extend(missing.iter().take(room).map(named));
        self.progress.set_position(self.found + self.missing);
        let bytes = match &mut self.form {
            Form::Json(document) => {
                document.push_missing(&missing)?;
                document.push_items(&items)?
            }
            Form::Ndjson => to_ndjson(&items)?,
            Form::Csv(csv) => return csv.push_items(&items),
            Form::ChosenCsv(has_header) => {
                let columns = self.fields.as_ref().map_or(&[][..], |fields| &fields.names);
                let header = if *has_header { Vec::new() } else { csv::header_row(columns)? };
                *has_header = true;
                [header, csv::item_rows(columns, &items)?].concat()
            }
            Form::Table(layout) => {
                layout.push_items(&items);
                return Ok(());
            }
        };
        write(&self.progress, bytes).await
    }

    /// Writes what is left. A failure where ids are missing.
    pub(super) async fn end(self) -> Result<()> {
        let Self { form, fields, progress, found, missing, named } = self;
        let is_document = matches!(form, Form::Json(_));
        match form {
            Form::Json(document) => document.finish(async |bytes| write(&progress, bytes).await).await?,
            Form::Csv(csv) => csv.write(async |bytes| write(&progress, bytes).await).await?,
            Form::Ndjson | Form::ChosenCsv(_) => {}
            Form::Table(layout) => {
                progress.finish_and_clear();
                show(layout, fields.as_ref())?;
            }
        }
        progress.finish_and_clear();
        if let Some(fields) = fields.filter(|_| found > 0) {
            say_unseen(&fields);
        }
        if missing == 0 {
            return Ok(());
        }
        let failure = if is_document {
            Failure::new(format!("{missing} of the ids bear no item; they are listed under \"missing\""))
        } else {
            let more = missing - named.len() as u64;
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            Failure::new(format!("{missing} of the ids bear no item")).why(named.join(", ") + &more)
        };
        Err(failure
            .exit(if found > 0 { Exit::Partial } else { Exit::NotFound })
            .next("check the ids, or load the file that has them: restctl upload FILE"))
    }
}

/// On a thread of its own: a reader that rests (`restctl get … | less`) must not hold up the calls under way.
async fn write(progress: &ProgressBar, bytes: Vec<u8>) -> Result<()> {
    let progress = progress.clone();
    let writing = tokio::task::spawn_blocking(move || progress.suspend(|| output::write_bytes(&bytes)));
    writing.await.context("standard output cannot be written")?
}

fn show(layout: TableLayout, fields: Option<&Fields>) -> Result<()> {
    let shown = layout.render(fields.map(|fields| fields.names.as_slice()), output::terminal_width());
    if !shown.text.is_empty() {
        output::print_line(&shown.text)?;
    }
    if !shown.columns_left_out.is_empty() {
        let names = shown.columns_left_out.join(", ");
        output::print_message(&format!(
            "not shown, for want of room: {names}; --fields chooses, --format csv has all"
        ));
    }
    if shown.rows_left_out > 0 {
        output::print_message(&format!(
            "{} more items are not shown; --format csv has all",
            shown.rows_left_out
        ));
    }
    Ok(())
}

pub(super) fn say_unseen(fields: &Fields) {
    if !fields.unseen.is_empty() {
        output::print_message(&format!("note: no item has {}", fields.unseen.join(", ")));
    }
}

/// An id, as much of it as is read at a glance.
fn named(id: &Value) -> String {
    let text = id.to_string();
    match text.char_indices().nth(NAMED_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
