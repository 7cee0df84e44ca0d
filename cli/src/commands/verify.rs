//! `restctl verify`: compares a file with the table and with the API, row by row.

mod answers;
mod comparison;
mod difference;
mod extras;
mod finding;
mod found;
mod hashes;
mod keys;
mod reading;
mod records;
mod report;
mod running_loads;
mod summary;
mod windows;

use std::path::PathBuf;
use std::pin::pin;

use clap::Args;
use futures_util::stream::TryStreamExt;
use indicatif::ProgressBar;
use restctl_contract::key::Key;
use restctl_contract::template::output as stack_output;
use restctl_rows::Dialect;

use self::answers::Answers;
use self::comparison::Comparison;
use self::extras::Extent;
use self::keys::Keys;
use self::reading::Reading;
use self::records::Records;
use self::report::Report;
use self::windows::Windows;
use super::verify::running_loads::UnderWay;
use crate::api::client::Api;
use crate::aws::cloudformation::{self, Stack};
use crate::aws::dynamodb::items::Items;
use crate::aws::{Aws, dynamodb};
use crate::context::Context;
use crate::data_file::source::Source;
use crate::data_file::{DataFile, Writing};
use crate::failure::{Failure, Result};
use crate::terminal::interrupt::unless_interrupted;
use crate::terminal::output;

const KEYS_ON_DISK: &str = "the keys cannot be kept in a temporary file";

/// Windows that are compared at the same time.
const WINDOWS_IN_FLIGHT: usize = 4;

#[derive(Debug, Args)]
#[command(after_help = "\
The file is read as its load reads it: give --delimiter and --types as to `restctl upload`. The last row of each key must be in the table and in the API, value by value, \
and the table must have no other item. Rows that would be rejected are told, and expected nowhere.

An item that differs, or that the file does not have, is told with the load whose stamp it bears; where that is the \
load of this very file, something else has changed the item since. What other files loaded into the table is extra.

Each item is read three times: by its key, through the API, and in a scan of the keys. With --sample, as many items \
of the table as keys of the file are looked at, and what differs elsewhere is not seen.

Exit code 0 where file, table and API are equal, 3 where something is missing, different or extra.

Examples:
  restctl verify items.csv
  restctl verify --sample 1000 items.csv.gz
  restctl verify --output json items.ndjson | jq '.findings[].key'")]
pub(crate) struct Verify {
    /// Data file, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    writing: Writing,

    /// Compare only so many keys of the file, drawn at random [default: all]
    #[arg(long, value_name = "KEYS", value_parser = clap::value_parser!(u64).range(1..))]
    sample: Option<u64>,
}

pub(crate) async fn run(args: Verify, context: &Context) -> Result<()> {
    let file = DataFile::of(&args.file, &args.writing)?;
    let stack = cloudformation::find_deployed(context.aws().await?, &context.stack).await?;
    let key = stack.key()?;
    args.writing.suits(&key)?;
    let source = file.open()?;
    let interrupted = Failure::new(format!("interrupted before all of {} was compared", source.shown));
    let task = Task { context, stack: &stack, key: &key, source: &source, sample: args.sample };
    let report = unless_interrupted(interrupted, task.verify(file.dialect)).await?;
    report.print()?;
    report.verdict()
}

struct Task<'a> {
    context: &'a Context,
    stack: &'a Stack,
    key: &'a Key,
    source: &'a Source,
    sample: Option<u64>,
}

impl Task<'_> {
    async fn verify(&self, dialect: Dialect) -> Result<Report> {
        let aws = self.context.aws().await?;
        let table = self.stack.output(stack_output::ITEMS_TABLE)?;
        let items = Items::new(aws, table, self.key);
        // Whatever may be refused comes before the file is read.
        let answers = Answers::new(Api::new(self.context).await?, self.key);
        let before = UnderWay::find(aws, self.stack).await?;

        let reading = reading::read(self.source, dialect, self.key, self.sample).await?;
        let mut report = Report::of(self.source, &reading, self.sample);
        let Reading { dialect, keys, last, .. } = reading;
        let progress = output::rows_bar("comparing", Some(keys.compared));
        let records = Records::of(self.source, &dialect, self.key, ProgressBar::hidden());
        let comparison = Comparison::new(&items, &answers);
        let compared = Windows::of(records, last)?.stream().map_ok(|rows| comparison.of(rows));
        let mut compared = pin!(compared.try_buffered(WINDOWS_IN_FLIGHT));
        while let Some(compared) = compared.try_next().await? {
            progress.inc(compared.rows);
            report.add(compared);
        }
        progress.finish_and_clear();
        self.source.ensure_unchanged()?;

        let extent = self.extent(aws, table, &keys).await?;
        report.table.looked_at = extras::find(&items, &keys, extent, |extra| report.tell(extra)).await?;
        report.name_objects(aws, self.stack.output(stack_output::LEDGER_TABLE)?).await?;
        report.under_way = before.and(UnderWay::find(aws, self.stack).await?);
        (report.table.calls, report.table.read_units) = (items.calls(), items.read_units());
        report.api.calls = answers.calls();
        Ok(report)
    }

    async fn extent(&self, aws: &Aws, table: &str, keys: &Keys) -> Result<Extent> {
        let Some(items) = self.sample else { return Ok(Extent::Whole) };
        let (told, _) = dynamodb::table_size(aws, table).await?.unwrap_or_default();
        // What the table tells may be six hours old.
        Ok(Extent::Sample { items, of: told.max(keys.count()) })
    }
}
