//! `restctl upload`: reads each file as its load will, sends it, waits for the load and prints its receipt.

mod dry_run;
mod sending;
mod share;

use std::path::PathBuf;

use clap::Args;
use restctl_contract::key::Key;
use restctl_contract::load::LoadState;
use restctl_contract::stack::StackName;
use restctl_contract::template::output as stack_output;

use self::sending::typed;
use self::share::Share;
use crate::aws::cloudformation::{self, Stack};
use crate::aws::s3::destination::Destination;
use crate::aws::{Aws, dynamodb};
use crate::cli::completion_cache;
use crate::context::Context;
use crate::data_file::source::Source;
use crate::data_file::survey::{Line, Surveyed, survey};
use crate::data_file::{DataFile, Writing};
use crate::failure::{Exit, Failure, Result};
use crate::loads::load::Load;
use crate::loads::receipt;
use crate::terminal::interrupt::unless_interrupted;
use crate::terminal::output::{self, Format};

#[derive(Debug, Args)]
#[command(after_help = "\
Each file is read once before it is sent: what cannot be loaded at all is refused here, and each CSV column \
gets a type. A column is a number or a boolean only where every value is canonical: 007 and 1e5 stay strings, \
unless --types says otherwise.

Formats by the name's ending: .csv with a header, .ndjson or .jsonl, .json with an array of objects; each also \
compressed, with .gz or .zst behind it.

An upload that breaks off goes on where it was when the same command is typed again, and a file whose bytes are \
in the bucket already is not sent again. Several files load in the order given.

Exit code 0 where every row landed, 3 where some were rejected.

Examples:
  restctl upload items.csv
  restctl upload --dry-run --max-rejects 1% items.csv.gz
  restctl upload --delimiter ';' --types price:number,zip:string items.csv
  jq -c '.[]' data.json | restctl upload - --name items.ndjson")]
pub(crate) struct Upload {
    /// Data files, or - for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    #[command(flatten)]
    writing: Writing,

    /// Share of rejected rows, such as 5%, above which nothing is loaded [default: no limit]
    #[arg(long, value_name = "SHARE")]
    max_rejects: Option<Share>,

    /// Say what would become of the file, and send nothing
    #[arg(long, conflicts_with = "no_wait")]
    dry_run: bool,

    /// Do not wait for the loads; print their ids
    #[arg(long)]
    no_wait: bool,
}

pub(crate) async fn run(args: Upload, context: &Context) -> Result<()> {
    let files = files(&args)?;
    let aws = context.aws().await?;
    let stack = cloudformation::find_deployed(aws, &context.stack).await?;
    let key = stack.key()?;
    args.writing.suits(&key)?;
    let task = Task { args: &args, aws, name: &context.stack, stack, key };
    let count = files.len();
    let mut partial = 0;
    for (file, done) in files.iter().zip(0..) {
        match task.upload(file).await {
            Err(failure) if failure.exit == Exit::Partial && count > 1 => {
                output::print_failure(&failure);
                partial += 1;
            }
            // What is loaded by then will be recognized.
            Err(failure) if done + 1 < count => return Err(failure.then(&typed())),
            other => other?,
        }
    }
    match partial {
        0 => Ok(()),
        _ => Err(Failure::new(format!("of {partial} of {count} files, some rows were rejected"))
            .exit(Exit::Partial)),
    }
}

fn files(args: &Upload) -> Result<Vec<DataFile>> {
    if args.writing.name.is_some() && args.files.len() > 1 {
        return Err(Failure::new("--name names one file, and several were given")
            .exit(Exit::Usage)
            .next("upload them one by one"));
    }
    args.files.iter().map(|file| DataFile::of(file, &args.writing)).collect()
}

/// What all files of one command have in common.
struct Task<'a> {
    args: &'a Upload,
    aws: &'a Aws,
    name: &'a StackName,
    stack: Stack,
    key: Key,
}

impl Task<'_> {
    async fn upload(&self, file: &DataFile) -> Result<()> {
        let Self { args, aws, stack, key, .. } = self;
        let source = file.open()?;
        let unsent = || Failure::new(format!("interrupted before {} was sent", source.shown));
        let surveyed = unless_interrupted(unsent(), survey(&source, &file.dialect, key)).await?;
        if args.dry_run {
            let table = stack.output(stack_output::ITEMS_TABLE)?;
            let forecast = dry_run::print(aws, table, &file.object, &source, &surveyed);
            unless_interrupted(unsent(), forecast).await?;
        } else {
            self.say(&surveyed);
        }
        self.check_rejects(&source, &surveyed)?;
        if args.dry_run {
            return Ok(());
        }
        let metadata = sending::metadata(file, &surveyed, args.max_rejects);
        let bucket = stack.output(stack_output::DATA_BUCKET)?;
        let to = Destination { bucket, key: &file.object, metadata: &metadata };
        let load = match unless_interrupted(unsent(), self.there(&to, source.size)).await? {
            Some(load) => load,
            None => {
                let load = sending::send(aws, file, &source, &to).await?;
                output::print_message(&format!(
                    "uploaded {} ({} bytes), load {}",
                    load.key,
                    load.size,
                    load.id()
                ));
                load
            }
        };
        let id = load.id();
        completion_cache::remember(self.name, [&id]);
        match (args.no_wait, output::chosen_format()) {
            (true, Format::Text) => output::print_line(id.as_str()),
            (true, Format::Json) => {
                output::print_json(&serde_json::json!({ "load": id, "object": file.object }))
            }
            (false, _) => load.follow(aws, stack, Some(surveyed.read())).await,
        }
    }

    /// The load of the very same bytes, where they were sent before; a failure where it will not go on by itself.
    async fn there(&self, to: &Destination<'_>, size: u64) -> Result<Option<Load>> {
        let Self { aws, stack, .. } = self;
        let Some(load) = sending::there(aws, to, size).await? else { return Ok(None) };
        let id = load.id();
        output::print_message(&format!("{} is in the bucket already, byte for byte: load {id}", load.key));
        match dynamodb::read_ledger_entry(aws, stack.output(stack_output::LEDGER_TABLE)?, &id).await? {
            Some(entry) if entry.state == LoadState::Loaded => {
                output::print_message("to load it again on top of newer loads, give it another --name");
            }
            Some(entry) if entry.state != LoadState::Loading => {
                receipt::print(aws, &load.bucket, &entry).await?;
            }
            _ => {}
        }
        Ok(Some(load))
    }

    fn say(&self, surveyed: &Surveyed) {
        let findings = &surveyed.findings;
        output::print_message(&format!("{} rows can be loaded, {} cannot", findings.rows, findings.rejected));
        if surveyed.duplicates > 0 {
            output::print_message(&format!(
                "{} of them are superseded by a later row of the same key",
                surveyed.duplicates
            ));
        }
        for column in &findings.columns {
            let role = if column.name == self.key.name { ", the key" } else { "" };
            output::print_message(&format!("  {}: {}{role}", column.name, column.kind));
        }
    }

    fn check_rejects(&self, source: &Source, surveyed: &Surveyed) -> Result<()> {
        let (rejected, read) = (surveyed.findings.rejected, surveyed.read());
        match self.args.max_rejects {
            Some(share) if share.is_exceeded_by(rejected, read) => {
                let first = surveyed.findings.rejects.first().map(|reject| Line(reject).to_string());
                Err(Failure::new(format!("{} is not sent", source.shown))
                    .why(format!(
                        "{rejected} of {read} rows would be rejected, more than {share}; the first: {}",
                        first.unwrap_or_default()
                    ))
                    .next("mend the rows, or allow a larger share with --max-rejects"))
            }
            _ => Ok(()),
        }
    }
}
