//! `restctl upload`: surveys each file, sends it, waits for its load and prints the receipt.

mod dry_run;
mod sending;
mod share;

use std::path::PathBuf;

use clap::Args;
use restctl_contract::key::Key;
use restctl_contract::load::{LoadId, LoadState};
use restctl_contract::stack::StackName;
use restctl_contract::template::output as stack_output;
use restctl_rows::Reject;
use serde::Serialize;

use self::sending::command_line;
use self::share::Share;
use crate::aws::cloudformation::{self, Stack};
use crate::aws::s3::destination::Destination;
use crate::aws::{Aws, dynamodb};
use crate::cli::completion_cache;
use crate::cli::wait::WaitArgs;
use crate::commands::table_types::{describe_differing_types, take_types_from_table};
use crate::context::Context;
use crate::data_file::input::InputArgs;
use crate::data_file::source::Source;
use crate::data_file::survey::{IF_CELLS_ARE_MEANT, RejectLine, SurveyedFile, describe_type, survey_file};
use crate::data_file::{DataFile, OpenedFile};
use crate::failure::{Exit, Failure, Result};
use crate::loads::later_loads::AlreadyLoaded;
use crate::loads::load::Load;
use crate::loads::receipt::{self, LoadReport};
use crate::loads::wait::LoadWait;
use crate::terminal::interrupt::unless_interrupted;
use crate::terminal::output::{self, Format};
use crate::terminal::progress;

#[derive(Debug, Args)]
#[command(after_help = "\
restctl reads each file once before it sends it: it recognizes the delimiter and the compression, refuses a file that \
cannot be loaded, and gives each CSV column a type. A column is a number only if every value is a plain number: 007 and \
1e5 stay strings, unless --types says otherwise.

The name's ending gives the format: .csv or .tsv with a header, .ndjson or .jsonl, or .json. Each may be compressed with \
gzip or zstd. Spreadsheets (.xlsx, .xls, .ods), Parquet, zip archives with one data file, and texts in other encodings \
than UTF-8 are converted first, regardless of their names.

To resume an interrupted upload, run the same command again. A file that is already in the bucket, byte for byte, \
is not sent again: its receipt is that of the earlier load, and restctl says which loads have written since. --force \
sends it again, and its rows then replace those of the other loads. Several files load in the order given.

While upload waits, it says why the load makes no progress. --timeout limits the wait for each load, not the sending of its file. \
To wait again, run the same command again, without --force.

Exit code 0 if every row was loaded, 3 if some were rejected, 7 if --timeout is over and the load continues.

Examples:
  restctl upload items.csv
  restctl upload --dry-run --max-rejects 1% items.csv.gz
  restctl upload --types price:number,zip:string items.csv
  restctl upload --escape '\\' dump.tsv
  restctl upload --sheet Prices items.xlsx
  jq -c '.[]' data.json | restctl upload - --name items.ndjson")]
pub(crate) struct Upload {
    /// Data files, or - for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    #[command(flatten)]
    input: InputArgs,

    /// Largest share of rejected rows, such as 5%; above it nothing is loaded [default: no limit]
    #[arg(long, value_name = "SHARE")]
    max_rejects: Option<Share>,

    /// Read the file and show what its load would do, without sending it
    #[arg(long, conflicts_with = "no_wait")]
    dry_run: bool,

    /// Send and load each file again as the newest, even if the bucket has it already
    #[arg(long, conflicts_with = "dry_run")]
    force: bool,

    /// Print the ids of the loads instead of waiting for them
    #[arg(long)]
    no_wait: bool,

    #[command(flatten)]
    wait: WaitArgs,
}

pub(crate) async fn run(args: Upload, context: &Context) -> Result<()> {
    let files = data_files(&args)?;
    let aws = context.aws().await?;
    let stack = cloudformation::find_deployed(aws, &context.stack).await?;
    let key = stack.key()?;
    args.input.ensure_key_is_untyped(&key)?;
    let task = UploadTask { args: &args, aws, name: &context.stack, stack, key };
    let count = files.len();
    let mut partial = 0;
    for (file, done) in files.iter().zip(0..) {
        match task.upload_file(file).await {
            Err(failure) if failure.exit == Exit::Partial && count > 1 => {
                output::print_failure(&failure);
                partial += 1;
            }
            // The same command recognizes the files that were sent before.
            Err(failure) if done + 1 < count => return Err(failure.then(&command_line())),
            other => other?,
        }
    }
    match partial {
        0 => Ok(()),
        _ => Err(Failure::new(format!("some rows of {partial} of {count} files were rejected"))
            .exit(Exit::Partial)
            .next("restctl loads ls, then restctl loads rejects ID for each of them")),
    }
}

fn data_files(args: &Upload) -> Result<Vec<DataFile>> {
    if args.input.name.is_some() && args.files.len() > 1 {
        return Err(Failure::new("--name is for one file, but several were given")
            .exit(Exit::Usage)
            .next("upload them one by one"));
    }
    args.files.iter().map(|file| DataFile::from_args(file, &args.input)).collect()
}

/// The load of a file, and what was loaded since if it ended before the command began.
struct FileLoad {
    load: Load,
    already_loaded: Option<AlreadyLoaded>,
}

/// What `--no-wait` prints.
#[derive(Serialize)]
struct QueuedFile<'a> {
    load: &'a LoadId,
    object: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    already_loaded: Option<AlreadyLoaded>,
}

/// What all files of one command have in common.
struct UploadTask<'a> {
    args: &'a Upload,
    aws: &'a Aws,
    name: &'a StackName,
    stack: Stack,
    key: Key,
}

impl UploadTask<'_> {
    async fn upload_file(&self, file: &DataFile) -> Result<()> {
        let Self { args, aws, stack, key, .. } = self;
        let table = stack.output(stack_output::ITEMS_TABLE)?;
        let unread = Failure::new("interrupted before the file was read");
        let mut file = unless_interrupted(unread, file.open(&args.input, key)).await?;
        take_types_from_table(&args.input, &mut file.dialect, aws, table).await?;
        let survey = self.survey_with_progress(&file, table);
        let surveyed = unless_interrupted(unsent_failure(&file.source), survey).await?;
        let metadata = sending::object_metadata(&file, &surveyed, args.max_rejects)?;
        let source = &file.source;
        let bucket = stack.output(stack_output::DATA_BUCKET)?;
        let to = Destination { bucket, key: &file.object, metadata: &metadata };
        if args.dry_run {
            let sent = sending::find_uploaded(aws, &to, source.size);
            let sent = unless_interrupted(unsent_failure(source), sent).await?;
            if let Some(load) = sent.filter(|_| !args.force) {
                let sent =
                    format!("{} is already in the bucket, byte for byte: load {}", load.key, load.id());
                output::print_message(format!("note: {sent}; without --force it is not sent again"));
            }
            let forecast = dry_run::print_forecast(aws, table, &file, &surveyed, args.files.len());
            unless_interrupted(unsent_failure(source), forecast).await?;
            return self.check_rejects(source, &surveyed);
        }
        self.print_survey(&file, &surveyed);
        self.check_rejects(source, &surveyed)?;
        let FileLoad { load, already_loaded } = self.find_or_send(source, &surveyed.digest, &to).await?;
        let id = load.id();
        completion_cache::remember_loads(self.name, [&id]);
        if args.no_wait {
            return self.print_load(&QueuedFile { load: &id, object: &load.key, already_loaded });
        }
        let (rows, deadline) = (Some(surveyed.rows_read()), args.wait.deadline());
        let entry = LoadWait { aws, stack, load: &load, rows, deadline }.until_settled().await?;
        let report = LoadReport::new(&entry).already_loaded(already_loaded.as_ref());
        receipt::print_receipt(aws, &load.bucket, report, args.files.len()).await
    }

    fn print_load(&self, queued: &QueuedFile<'_>) -> Result<()> {
        let files = self.args.files.len();
        match output::chosen_format() {
            Format::Json => output::print_json_result(queued, files),
            Format::Text if files == 1 => output::print_text(queued.load.as_str()),
            Format::Text => output::print_text(format!("{}  {}", queued.load, queued.object)),
        }
    }

    /// Surveys the file, and says which of its columns differ from the table's items in their type.
    async fn survey_with_progress(&self, file: &OpenedFile, table: &str) -> Result<SurveyedFile> {
        let OpenedFile { source, dialect, .. } = file;
        let progress = progress::bytes_bar("reading", source.size);
        let surveyed =
            survey_file(source, dialect, &self.key, |position| progress.set_position(position)).await?;
        progress.finish_and_clear();
        self.print_differing_types(&surveyed, table).await;
        Ok(surveyed)
    }

    /// The file can be sent all the same if the table cannot be read.
    async fn print_differing_types(&self, surveyed: &SurveyedFile, table: &str) {
        match describe_differing_types(&surveyed.findings.columns, self.aws, table).await {
            Ok(differing) if differing.is_empty() => {}
            Ok(differing) => {
                differing.iter().for_each(|line| output::print_message(format!("note: {line}")));
                output::print_message("to keep the table's types: --types-from table");
            }
            Err(failure) => {
                let why = failure.to_single_line();
                output::print_message(format!("note: types were not compared with the table's: {why}"));
            }
        }
    }

    async fn find_or_send(&self, source: &Source, digest: &str, to: &Destination<'_>) -> Result<FileLoad> {
        let existing = self.find_existing_load(to, source.size);
        if let Some(load) = unless_interrupted(unsent_failure(source), existing).await? {
            return Ok(load);
        }
        let load = sending::send_file(self.aws, source, digest, to).await?;
        let (key, size, id) = (&load.key, load.size, load.id());
        output::print_message(format!("uploaded {key} ({size} bytes), load {id}"));
        Ok(FileLoad { load, already_loaded: None })
    }

    /// Returns the load of the same bytes if they were sent before, unless they are to be sent again. Fails if that load failed
    /// or stopped.
    async fn find_existing_load(&self, to: &Destination<'_>, size: u64) -> Result<Option<FileLoad>> {
        let Self { args, aws, stack, .. } = self;
        let Some(load) = sending::find_uploaded(aws, to, size).await? else { return Ok(None) };
        let id = load.id();
        let found = format!("{} is already in the bucket, byte for byte: load {id}", load.key);
        output::print_message(found);
        let ledger = stack.output(stack_output::LEDGER_TABLE)?;
        let entry = dynamodb::read_ledger_entry(aws, ledger, &id).await?;
        let is_running = entry.as_ref().is_none_or(|entry| entry.state == LoadState::Loading);
        let already_loaded = match &entry {
            // The queue keeps the order, so the file is the newest even if that load has not ended.
            _ if args.force => {
                let order = if is_running { ", and loads after that load, which has not ended" } else { "" };
                output::print_message(format!("it is sent again{order}"));
                return Ok(None);
            }
            Some(entry) if entry.state == LoadState::Loaded => {
                let already_loaded = AlreadyLoaded::read(aws, ledger, entry).await?;
                already_loaded.print(entry, &format!("{} --force", command_line()));
                Some(already_loaded)
            }
            Some(entry) if !is_running => {
                receipt::print_receipt(aws, &load.bucket, LoadReport::new(entry), args.files.len()).await?;
                None
            }
            _ => None,
        };
        Ok(Some(FileLoad { load, already_loaded }))
    }

    fn print_survey(&self, file: &OpenedFile, surveyed: &SurveyedFile) {
        let findings = &surveyed.findings;
        let read_as = file.describe(surveyed);
        output::print_message(format!("{}: {read_as}", file.source.shown));
        output::print_message(&match surveyed.rows_read() {
            0 => "it has no rows, so nothing is loaded".to_owned(),
            _ if findings.rows == 1 => format!("1 row can be loaded, {} cannot", findings.rejected),
            _ => format!("{} rows can be loaded, {} cannot", findings.rows, findings.rejected),
        });
        if surveyed.duplicates > 0 {
            output::print_message(format!(
                "{} of them are superseded by a later row with the same key",
                surveyed.duplicates
            ));
        }
        for column in &findings.columns {
            let role = if column.name == self.key.name { ", the key" } else { "" };
            output::print_message(format!("  {}: {}{role}", column.name, describe_type(column)));
        }
    }

    /// Fails if the file must not be sent, since rows would be missing that it may have.
    fn check_rejects(&self, source: &Source, surveyed: &SurveyedFile) -> Result<()> {
        if let Some(reject) = &surveyed.findings.multiline_cell {
            return Err(multiline_failure(source, reject, surveyed.findings.multiline_cells));
        }
        let (rejected, read) = (surveyed.findings.rejected, surveyed.rows_read());
        match self.args.max_rejects {
            Some(share) if share.is_exceeded_by(rejected, read) => {
                let first = surveyed.findings.rejects.first().map(|reject| RejectLine(reject).to_string());
                Err(Failure::new(format!("{} was not sent", source.shown))
                    .why(format!(
                        "{rejected} of {read} rows would be rejected, more than {share}; the first: {}",
                        first.unwrap_or_default()
                    ))
                    .next("fix the rows, or allow a larger share with --max-rejects"))
            }
            _ => Ok(()),
        }
    }
}

/// `reject` is the first of `count` rows with such a cell.
fn multiline_failure(source: &Source, reject: &Reject, count: u64) -> Failure {
    let more = if count > 1 { format!(", and so have {} other rows", count - 1) } else { String::new() };
    Failure::new(format!("{} was not sent", source.shown))
        .why(format!("{}{more}", RejectLine(reject)))
        .next(IF_CELLS_ARE_MEANT)
}

fn unsent_failure(source: &Source) -> Failure {
    Failure::new(format!("interrupted before {} was sent", source.shown))
}
