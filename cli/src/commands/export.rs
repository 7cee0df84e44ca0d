//! `restctl export`: reads the list page by page, and writes a file that `restctl upload` reads.

mod format;
mod sink;

use std::path::PathBuf;

use clap::Args;
use reqwest::StatusCode;
use restctl_contract::api::{Item, LIST_PATH, ListAnswer, MAX_LIST_LIMIT};
use serde_json::json;

use self::format::Format;
use self::sink::Sink;
use crate::api::client::{Api, percent_encode};
use crate::api::endpoint;
use crate::context::Context;
use crate::failure::{Exit, Failure, FailureContext, Result};
use crate::items::csv::Csv;
use crate::items::lines;
use crate::terminal::interrupt::unless_interrupted;
use crate::terminal::output::{self, Format as Output};

#[derive(Debug, Args)]
#[command(after_help = "\
Needs the list: `restctl deploy --list on`. Reads the whole table, in no order that means anything; what is loaded \
meanwhile may be among it or not.

CSV has the key's column first and the others by name. It tells no empty string from no value, and its cells have \
no types: lists and objects are written as JSON. NDJSON keeps everything.

Examples:
  restctl export items.ndjson
  restctl export items.csv
  restctl export | jq .name")]
pub(crate) struct Export {
    /// File to write, which is there when it is complete [default: standard output]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,

    /// How items are written [default: as the file's name ends; ndjson without a file]
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// Replace the file where there is one
    #[arg(long, requires = "file")]
    force: bool,
}

pub(crate) async fn run(args: Export, context: &Context) -> Result<()> {
    let format = match (args.format, &args.file) {
        (Some(format), _) => format,
        (None, Some(file)) => Format::of(file)?,
        (None, None) => Format::Ndjson,
    };
    let mut sink = Sink::open(args.file.clone(), args.force)?;
    let interrupted = Failure::new("interrupted before all items were exported");
    let items = unless_interrupted(interrupted, export(context, format, &mut sink)).await?;
    let shown = sink.finish()?;
    output::print_message(&format!("{items} items {shown}"));
    match (args.file, output::chosen_format()) {
        (Some(file), Output::Json) => {
            output::print_json(&json!({ "items": items, "file": file.to_string_lossy() }))
        }
        _ => Ok(()),
    }
}

async fn export(context: &Context, format: Format, sink: &mut Sink) -> Result<u64> {
    let api = Api::new(context).await?;
    match format {
        Format::Ndjson => each_page(&api, |items| sink.write(&lines(items)?)).await,
        Format::Csv => {
            let mut csv = Csv::new(&api.key_name().await)?;
            let items = each_page(&api, |items| csv.keep(items)).await?;
            csv.write(async |bytes| sink.write(&bytes)).await?;
            Ok(items)
        }
    }
}

/// Reads the list to its end; answers how many items it has.
async fn each_page(api: &Api<'_>, mut take: impl FnMut(&[Item]) -> Result<()>) -> Result<u64> {
    let progress = output::rows_bar("exporting", None);
    let mut count = 0;
    let mut cursor = None;
    loop {
        let answer = page(api, cursor.as_deref()).await?;
        progress.suspend(|| take(&answer.items))?;
        count += answer.items.len() as u64;
        progress.set_position(count);
        if answer.cursor.is_none() {
            progress.finish_and_clear();
            return Ok(count);
        }
        if answer.cursor == cursor {
            return Err(Failure::new("the API does not go on")
                .why("it answers the cursor that it was given")
                .next("try again in a moment"));
        }
        cursor = answer.cursor;
    }
}

async fn page(api: &Api<'_>, cursor: Option<&str>) -> Result<ListAnswer> {
    let from = cursor.map(|cursor| format!("&cursor={}", percent_encode(cursor))).unwrap_or_default();
    let (status, body) = api.get(&format!("{LIST_PATH}?limit={MAX_LIST_LIMIT}{from}")).await?;
    match status {
        StatusCode::OK => serde_json::from_slice(&body).context("the API answers no list"),
        StatusCode::NOT_FOUND => Err(Failure::new("the API lists no items")
            .exit(Exit::NotFound)
            .why("the stack is deployed without the list")
            .next("restctl deploy --list on")),
        _ => Err(endpoint::parse_refusal(status, &body)),
    }
}
