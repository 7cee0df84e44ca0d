//! `restctl verify`: compares a file with the table and the API, row by row.

mod api_items;
mod comparison;
mod difference;
mod extras;
mod finding;
mod hashes;
mod item_value;
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
use restctl_contract::key::Key;
use restctl_contract::template::output as stack_output;
use restctl_rows::Dialect;

use self::api_items::ApiItems;
use self::comparison::Comparer;
use self::extras::ScanExtent;
use self::keys::FileKeys;
use self::reading::FileReading;
use self::records::RecordReader;
use self::report::VerifyReport;
use self::running_loads::RunningLoads;
use self::windows::RowWindows;
use crate::api::client::Api;
use crate::aws::cloudformation::{self, Stack};
use crate::aws::dynamodb::items::Items;
use crate::aws::{Aws, dynamodb};
use crate::commands::table_types::take_types_from_table;
use crate::context::Context;
use crate::data_file::input::InputArgs;
use crate::data_file::source::Source;
use crate::data_file::{DataFile, OpenedFile};
use crate::failure::{Failure, Result};
use crate::terminal::interrupt::unless_interrupted;
use crate::terminal::progress::{self, ProgressBar};

/// Windows that are compared at the same time.
const WINDOWS_IN_FLIGHT: usize = 4;

#[derive(Debug, Args)]
#[command(after_help = "\
restctl reads the file as its load does: give the same options as for `restctl upload`. The last row of \
each key must be in the table and in the API, value by value, and the table must have no other item. Rows that would be \
rejected are reported and not expected anywhere.

For an item that differs or that the file does not have, restctl names the load that wrote it; if that is the load of \
this very file, something else has changed the item since. Items that other files loaded are extra.

Each item is read three times: by its key, through the API, and in a scan of the keys. With --sample, restctl reads as \
many items of the table as keys of the file, and does not see other differences.

Exit code 0 if the file, the table and the API are equal, 3 if something is missing, different or extra.

Examples:
  restctl verify items.csv
  restctl verify --sample 1000 items.csv.gz
  restctl verify --output json items.ndjson | jq '.findings[].key'")]
pub(crate) struct Verify {
    /// Data file, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    input: InputArgs,

    /// Compare only this many keys of the file, chosen at random [default: all]
    #[arg(long, value_name = "KEYS", value_parser = clap::value_parser!(u64).range(1..))]
    sample: Option<u64>,
}

pub(crate) async fn run(args: Verify, context: &Context) -> Result<()> {
    let file = DataFile::from_args(&args.file, &args.input)?;
    let stack = cloudformation::find_deployed(context.aws().await?, &context.stack).await?;
    let key = stack.key()?;
    args.input.ensure_key_is_untyped(&key)?;
    let unread = Failure::new("interrupted before the file was read");
    let opened = unless_interrupted(unread, file.open(&args.input, &key)).await?;
    let OpenedFile { source, mut dialect, .. } = opened;
    let table = stack.output(stack_output::ITEMS_TABLE)?;
    take_types_from_table(&args.input, &mut dialect, context.aws().await?, table).await?;
    let interrupted = Failure::new(format!("interrupted before all of {} was compared", source.shown));
    let task = VerifyTask { context, stack: &stack, key: &key, source: &source, sample: args.sample };
    let report = unless_interrupted(interrupted, task.verify_file(dialect)).await?;
    report.print()?;
    report.into_result()
}

struct VerifyTask<'a> {
    context: &'a Context,
    stack: &'a Stack,
    key: &'a Key,
    source: &'a Source,
    sample: Option<u64>,
}

impl VerifyTask<'_> {
    async fn verify_file(&self, dialect: Dialect) -> Result<VerifyReport> {
        let aws = self.context.aws().await?;
        let table = self.stack.output(stack_output::ITEMS_TABLE)?;
        let items = Items::new(aws, table, self.key);
        // Reading the file can take long, so everything that can be refused without it is checked first.
        let api_items = ApiItems::new(Api::new(self.context).await?, self.key);
        let loads_before = RunningLoads::find(aws, self.stack).await?;

        let reading = reading::read_file(self.source, dialect, self.key, self.sample).await?;
        let mut report = VerifyReport::new(self.source, &reading, self.sample);
        let FileReading { dialect, keys, last_records, .. } = reading;
        let progress = progress::rows_bar("comparing", Some(keys.compared));
        let records = RecordReader::new(self.source, &dialect, self.key, ProgressBar::hidden());
        let comparer = Comparer::new(&items, &api_items);
        let windows = RowWindows::new(records, last_records)?.into_stream();
        let compared = windows.map_ok(|rows| comparer.compare_window(rows));
        let mut compared = pin!(compared.try_buffered(WINDOWS_IN_FLIGHT));
        while let Some(window) = compared.try_next().await? {
            progress.inc(window.rows);
            report.add_window(window);
        }
        progress.finish_and_clear();
        self.source.ensure_unchanged()?;

        let extent = self.scan_extent(aws, table, &keys).await?;
        report.table.looked_at =
            extras::find_extra_items(&items, &keys, extent, |extra| report.add_finding(extra)).await?;
        report.look_up_objects(aws, self.stack.output(stack_output::LEDGER_TABLE)?).await?;
        report.running_loads = loads_before.merge(RunningLoads::find(aws, self.stack).await?);
        (report.table.calls, report.table.read_units) = (items.calls(), items.read_units());
        report.table.units_are_estimated = self.context.local.is_some();
        report.api.calls = api_items.calls();
        Ok(report)
    }

    async fn scan_extent(&self, aws: &Aws, table: &str, keys: &FileKeys) -> Result<ScanExtent> {
        let Some(items) = self.sample else { return Ok(ScanExtent::Whole) };
        let (counted, _) = dynamodb::table_size(aws, table).await?.unwrap_or_default();
        // DynamoDB's count may be six hours old.
        Ok(ScanExtent::Sample { items, table_items: counted.max(keys.count()) })
    }
}
