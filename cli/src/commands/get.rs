//! `restctl get`: gets items from the API. One id requests the item itself; several are requested in bulk calls.

mod bulk_calls;
mod explain;
mod format;
mod ids;
mod item;
mod unfound;
mod writer;

use std::io::{IsTerminal, stdin};
use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use tokio::sync::mpsc;

use self::bulk_calls::BulkAnswer;
use self::format::{ItemFormat, SelectedFields};
use self::ids::{IdSource, Ids};
use self::item::fetch_item;
use self::writer::ItemWriter;
use crate::api::client::Api;
use crate::context::Context;
use crate::failure::{Exit, Failure, Result};
use crate::terminal::output;

#[derive(Debug, Args)]
#[command(after_help = "\
One --id prints the item. Several ids, and those of a file, print {\"items\":[…],\"missing\":[…]} in the order of the \
ids, and \"invalid\":[…] if the table cannot have some of them; an id that is repeated within 1,000 ids appears once. The \
other formats hold only items, so standard error names the ids that were not found.

Each line of a file is an id, with its spaces and every other character. Only empty lines are left out.

CSV has the key's column first and the other columns by name, or the columns of --fields. A table is for people: it \
shows up to 1,000 items and the columns that fit the terminal, and cuts long values.

restctl caches the token and the API's address on this machine, and asks AWS only if they no longer work. --explain asks \
AWS where the item came from.

Exit code 5 if nothing was found, 3 if some of several ids were not found.

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

    /// File with an id on each line, or - for standard input [default: standard input, if it is piped and there is no
    /// --id]
    #[arg(long, value_name = "FILE")]
    ids_file: Option<PathBuf>,

    /// How to write the items [default: json]
    #[arg(long, value_enum)]
    format: Option<ItemFormat>,

    /// Write only these attributes, in this order
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',', value_parser = NonEmptyStringValueParser::new())]
    fields: Vec<String>,

    /// Show how the API was reached, how long each step took, and which load wrote the item
    #[arg(long, requires = "ids", conflicts_with_all = ["ids_file", "format"])]
    explain: bool,
}

pub(crate) async fn run(args: Get, context: &Context) -> Result<()> {
    if args.ids.iter().any(String::is_empty) {
        return Err(Failure::new("an id is empty").exit(Exit::Usage).next("restctl get --id ID"));
    }
    let source = args.id_source()?;
    let format = args.format.unwrap_or(ItemFormat::Json);
    let fields = SelectedFields::from_names(args.fields);
    match (args.ids.as_slice(), source) {
        ([id], None) if args.explain => explain::run(id, fields, context).await,
        (_, None) if args.explain => Err(Failure::new("--explain is for one id")
            .exit(Exit::Usage)
            .next("restctl get --id ID --explain")),
        ([id], None) => get_one(&Api::new(context).await?, id, format, fields).await,
        (_, source) => {
            let mut ids = Ids::read(args.ids, source).await?;
            get_several(&Api::new(context).await?, &mut ids, format, fields).await
        }
    }
}

impl Get {
    fn id_source(&self) -> Result<Option<IdSource>> {
        match &self.ids_file {
            Some(file) => IdSource::open(file).map(Some),
            None if !self.ids.is_empty() => Ok(None),
            None if !stdin().is_terminal() => Ok(Some(IdSource::StandardInput)),
            None => Err(ids::no_ids_failure()),
        }
    }
}

async fn get_one(
    api: &Api<'_>,
    id: &str,
    format: ItemFormat,
    mut fields: Option<SelectedFields>,
) -> Result<()> {
    let item = fetch_item(api, id).await?;
    if format != ItemFormat::Json {
        let mut writer = ItemWriter::new(format, fields, &api.key_name().await)?;
        writer.write_answer(BulkAnswer { items: vec![item], ..BulkAnswer::default() }).await?;
        return writer.finish().await;
    }
    output::print_json(&match &mut fields {
        Some(fields) => fields.select_from(item),
        None => item,
    })?;
    fields.iter().for_each(writer::report_unseen_fields);
    Ok(())
}

async fn get_several(
    api: &Api<'_>,
    ids: &mut Ids,
    format: ItemFormat,
    fields: Option<SelectedFields>,
) -> Result<()> {
    let mut writer = ItemWriter::new(format, fields, &api.key_name().await)?;
    let (sender, mut answers) = mpsc::channel(1);
    let written = async {
        while let Some(answer) = answers.recv().await {
            writer.write_answer(answer).await?;
        }
        Ok::<(), Failure>(())
    };
    tokio::try_join!(bulk_calls::fetch_all(api, ids, sender), written)?;
    writer.finish().await
}
