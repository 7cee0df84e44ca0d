//! `restctl export`: reads the list page by page and writes a file that `restctl upload` can read.

mod format;
mod sink;

use std::path::{Path, PathBuf};

use clap::Args;
use reqwest::StatusCode;
use restctl_contract::api::{Item, LIST_PATH, ListAnswer, MAX_LIST_LIMIT};
use serde_json::json;

use self::format::ExportFormat;
use self::sink::ExportSink;
use crate::api::client::{Api, percent_encode};
use crate::api::endpoint;
use crate::context::Context;
use crate::failure::{Exit, Failure, FailureContext, Result};
use crate::items::csv::CsvBuffer;
use crate::items::ndjson::to_ndjson;
use crate::terminal::interrupt::unless_interrupted;
use crate::terminal::output::{self, Format};
use crate::terminal::progress;
use crate::terminal::sanitize::Syntax;

const STANDARD_OUTPUT: &str = "-";

#[derive(Debug, Args)]
#[command(after_help = "\
Needs the list of items: `restctl deploy --list on`. Reads the whole table, in no particular order; rows that are loaded \
meanwhile may or may not be included.

In CSV, the key's column comes first and the others follow by name. CSV does not distinguish an empty string from a \
missing value, and its cells have no types: lists and objects are written as JSON. NDJSON keeps everything.

Examples:
  restctl export items.ndjson
  restctl export items.csv
  restctl export | jq .name")]
pub(crate) struct Export {
    /// File to write, which appears when it is complete; - is standard output [default: standard output]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,

    /// Format of the items [default: by the ending of the file's name; ndjson without a file]
    #[arg(long, value_enum)]
    format: Option<ExportFormat>,

    /// Replace the file if it exists
    #[arg(long, requires = "file")]
    force: bool,
}

pub(crate) async fn run(args: Export, context: &Context) -> Result<()> {
    let file = args.file.filter(|file| file != Path::new(STANDARD_OUTPUT));
    let mut sink = ExportSink::open(file.clone(), args.force)?;
    let format = match (args.format, &file) {
        (Some(format), _) => format,
        (None, Some(file)) => ExportFormat::from_extension(file)?,
        (None, None) => ExportFormat::Ndjson,
    };
    let interrupted = Failure::new("interrupted before all items were exported");
    let items = unless_interrupted(interrupted, export_items(context, format, &mut sink)).await?;
    let place = sink.finish()?;
    output::print_message(format!("{items} items {place}"));
    match (file, output::chosen_format()) {
        (Some(file), Format::Json) => {
            output::print_json(&json!({ "items": items, "file": file.to_string_lossy() }))
        }
        _ => Ok(()),
    }
}

async fn export_items(context: &Context, format: ExportFormat, sink: &mut ExportSink) -> Result<u64> {
    let api = Api::new(context).await?;
    match format {
        ExportFormat::Ndjson => {
            for_each_page(&api, |items| sink.write(&to_ndjson(items)?, Syntax::Json)).await
        }
        ExportFormat::Csv => {
            let mut csv = CsvBuffer::new(&api.key_name().await)?;
            let items = for_each_page(&api, |items| csv.push_items(items)).await?;
            csv.write(async |bytes| sink.write(&bytes, Syntax::Csv)).await?;
            Ok(items)
        }
    }
}

/// Reads the list to its end and returns the number of items.
async fn for_each_page(api: &Api<'_>, mut handle_page: impl FnMut(&[Item]) -> Result<()>) -> Result<u64> {
    let progress = progress::rows_bar("exporting", None);
    let mut count = 0;
    let mut cursor = None;
    loop {
        let answer = fetch_page(api, cursor.as_deref()).await?;
        progress.suspend(|| handle_page(&answer.items))?;
        count += answer.items.len() as u64;
        progress.set_position(count);
        if answer.cursor.is_none() {
            progress.finish_and_clear();
            return Ok(count);
        }
        if answer.cursor == cursor {
            return Err(Failure::new("the API does not continue the list")
                .why("it returned the cursor that it was given")
                .next("try again in a moment"));
        }
        cursor = answer.cursor;
    }
}

async fn fetch_page(api: &Api<'_>, cursor: Option<&str>) -> Result<ListAnswer> {
    let from = cursor.map(|cursor| format!("&cursor={}", percent_encode(cursor))).unwrap_or_default();
    let (status, body) = api.get(&format!("{LIST_PATH}?limit={MAX_LIST_LIMIT}{from}")).await?;
    match status {
        StatusCode::OK => serde_json::from_slice(&body).context("the API did not answer with a list"),
        StatusCode::NOT_FOUND => Err(Failure::new("the API has no list of items")
            .exit(Exit::NotFound)
            .why("the stack is deployed without the list")
            .next("restctl deploy --list on")),
        _ => Err(endpoint::parse_refusal(status, &body)),
    }
}
