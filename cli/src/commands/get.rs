//! `restctl get`: calls the API. One id asks for the item itself; several become bulk calls.

mod calls;
mod explain;
mod format;
mod ids;
mod writer;

use std::io::{IsTerminal, stdin};
use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use reqwest::StatusCode;
use restctl_contract::api::{BatchGetAnswer, ITEMS_PATH, Item};
use tokio::sync::mpsc;

use self::format::{Fields, Format};
use self::ids::{Ids, Source};
use self::writer::Writer;
use crate::api::client::{Api, percent_encode};
use crate::api::endpoint;
use crate::context::Context;
use crate::failure::{Exit, Failure, FailureContext, Result};
use crate::terminal::output;

#[derive(Debug, Args)]
#[command(after_help = "\
One --id prints the item. Several, and those of a file, print {\"items\":[…],\"missing\":[…]} in the order of the ids; \
an id that comes again within 1,000 comes once. In the other formats, which hold items alone, standard error names the \
ids that are missing.

CSV has the key's column first and the others by name, or those of --fields. A table is for people: it shows 1,000 \
items and what the terminal has room for, with long values cut.

Where the API is and the token are remembered on this machine, and AWS is asked only where they are no longer good; \
--explain asks it where the item came from.

Exit code 5 where nothing was found, 3 where some of several ids were not.

Examples:
  restctl get --id 42
  restctl get --id 1 --id 2 --id 3 --format table
  tail -n +2 orders.csv | cut -d, -f1 | restctl get --format csv --fields id,price
  restctl get --ids-file ids.txt --format ndjson | jq .name
  restctl get --id 42 --explain")]
pub(crate) struct Get {
    /// Id of an item; several may be given
    #[arg(long = "id", value_name = "ID", num_args = 1.., allow_negative_numbers = true)]
    ids: Vec<String>,

    /// File with an id on each line, or - for standard input [default: standard input, where it is piped and there is
    /// no --id]
    #[arg(long, value_name = "FILE")]
    ids_file: Option<PathBuf>,

    /// How items are written [default: json]
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// Only these attributes, in this order
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',', value_parser = NonEmptyStringValueParser::new())]
    fields: Vec<String>,

    /// Tell how the API was reached, how long each step took, and which load wrote the item
    #[arg(long, requires = "ids", conflicts_with_all = ["ids_file", "format"])]
    explain: bool,
}

pub(crate) async fn run(args: Get, context: &Context) -> Result<()> {
    if args.ids.iter().any(String::is_empty) {
        return Err(Failure::new("an id is empty").exit(Exit::Usage).next("restctl get --id ID"));
    }
    let source = args.source()?;
    let format = args.format.unwrap_or(Format::Json);
    let fields = Fields::of(args.fields);
    match (args.ids.as_slice(), source) {
        ([id], None) if args.explain => explain::run(id, fields, context).await,
        (_, None) if args.explain => Err(Failure::new("--explain is for one id")
            .exit(Exit::Usage)
            .next("restctl get --id ID --explain")),
        ([id], None) => get_one(&Api::new(context).await?, id, format, fields).await,
        (_, source) => {
            let mut ids = Ids::of(args.ids, source).await?;
            get_several(&Api::new(context).await?, &mut ids, format, fields).await
        }
    }
}

impl Get {
    fn source(&self) -> Result<Option<Source>> {
        match &self.ids_file {
            Some(file) => Source::open(file).map(Some),
            None if !self.ids.is_empty() => Ok(None),
            None if !stdin().is_terminal() => Ok(Some(Source::StandardInput)),
            None => Err(ids::no_ids()),
        }
    }
}

async fn get_one(api: &Api<'_>, id: &str, format: Format, mut fields: Option<Fields>) -> Result<()> {
    let (status, body) = api.get(&item_path(id)).await?;
    let item = item(id, status, &body)?;
    if format != Format::Json {
        let mut writer = Writer::new(format, fields, &api.key_name().await)?;
        let answer = BatchGetAnswer { items: vec![item], missing: Vec::new(), remaining: Vec::new() };
        writer.take(answer).await?;
        return writer.end().await;
    }
    output::print_json(&match &mut fields {
        Some(fields) => fields.choose(item),
        None => item,
    })?;
    fields.iter().for_each(writer::say_unseen);
    Ok(())
}

async fn get_several(api: &Api<'_>, ids: &mut Ids, format: Format, fields: Option<Fields>) -> Result<()> {
    let mut writer = Writer::new(format, fields, &api.key_name().await)?;
    let (sender, mut answers) = mpsc::channel(1);
    let written = async {
        while let Some(answer) = answers.recv().await {
            writer.take(answer).await?;
        }
        Ok::<(), Failure>(())
    };
    tokio::try_join!(calls::make(api, ids, sender), written)?;
    writer.end().await
}

/// The item in an answer, or what the answer says instead.
fn item(id: &str, status: StatusCode, body: &[u8]) -> Result<Item> {
    match status {
        StatusCode::OK => serde_json::from_slice(body).context("the API answers no item"),
        StatusCode::NOT_FOUND => Err(Failure::new(format!("there is no item {id:?}"))
            .exit(Exit::NotFound)
            .next("check the id, or load the file that has it: restctl upload FILE")),
        _ => Err(endpoint::parse_refusal(status, body)),
    }
}

/// The item's path, its id percent-encoded as one segment.
fn item_path(id: &str) -> String {
    // A segment of dots alone would be taken for a step up the path.
    let segment = if id.bytes().all(|byte| byte == b'.') {
        id.replace('.', "%2E")
    } else {
        percent_encode(id).to_string()
    };
    format!("{ITEMS_PATH}{segment}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_segment_of_the_path() {
        assert_eq!(item_path("42"), "/v1/items/42");
        assert_eq!(item_path("a/b c"), "/v1/items/a%2Fb%20c");
        assert_eq!(item_path("é?#"), "/v1/items/%C3%A9%3F%23");
        assert_eq!(item_path(".."), "/v1/items/%2E%2E");
    }
}
