//! `restctl upload`: reads the file as the load will, sends it, waits for the load and prints its receipt.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use restctl_contract::event::{Bucket, DETAIL_TYPE, Detail, Object, ObjectCreated, SOURCE};
use restctl_contract::key::Key;
use restctl_contract::load::{COLUMN_TYPES_METADATA, LedgerEntry, LoadId, LoadState};
use restctl_contract::template::output as stack_output;
use restctl_rows::{ColumnType, Findings, Format, Reject, Survey, Unreadable};
use tokio::time::Instant;

use crate::aws::cloudformation::Stack;
use crate::aws::upload::Destination;
use crate::aws::{cloudformation, dynamodb, s3, sqs, upload};
use crate::context::Context;
use crate::failure::{During, Exit, Failure, Result};
use crate::interrupt::unless_interrupted;
use crate::output;

const CHUNK_BYTES: usize = 256 * 1024;

/// Enough of a rejects file to show its first lines.
const SHOWN_REJECTS_BYTES: usize = 64 * 1024;
const SHOWN_REJECTS: usize = 10;

/// How long to wait for the bucket's event before the load is queued without it: S3 sends none in the first five
/// minutes or so of a bucket ("Enabling Amazon EventBridge", Amazon S3 User Guide).
const EVENT_PATIENCE: Duration = Duration::from_secs(15);

/// How long a load may stand still before `upload` stops waiting for it. The load itself goes on: other loads
/// may come first, and a message that failed once comes back after its visibility timeout.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

#[derive(Debug, Args)]
#[command(after_help = "\
The file is read once before it is sent: what cannot be loaded at all is refused here, and each CSV column \
gets a type. A column is a number or a boolean only where every value is canonical: 007 and 1e5 stay strings.

Formats by the file's ending: .csv with a header, .ndjson or .jsonl, .json with an array of objects.

Exit code 0 where every row landed, 3 where some were rejected.")]
pub(crate) struct Upload {
    /// Data file: .csv, .ndjson, .jsonl or .json
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(crate) async fn run(args: Upload, context: &Context) -> Result<()> {
    let file = &args.file;
    let name = file_name(file)?;
    let format = Format::of(name).map_err(|reason| cannot_load(file, &reason))?;
    if !file.is_file() {
        return Err(Failure::new(format!("{} is no file", file.display())).exit(Exit::Usage));
    }
    let stack = cloudformation::deployed(&context.aws, &context.stack).await?;
    let key = key(&stack)?;
    let (size, findings) = survey(file, format, &key)?;
    say_findings(&findings, &key);

    let types = findings.column_types().map(|types| types.to_string());
    let destination = Destination {
        bucket: stack.output(stack_output::DATA_BUCKET)?,
        key: name,
        metadata: types.as_deref().map(|types| (COLUMN_TYPES_METADATA, types)),
    };
    let progress = output::bytes_bar("uploading", size);
    let version = upload::upload(&context.aws, file, size, &destination, &progress).await;
    progress.finish_and_clear();
    let uploaded = Uploaded { bucket: destination.bucket, key: name, size, version: version? };
    let load = uploaded.load();
    output::say(&format!("uploaded {name} ({size} bytes), load {load}"));

    let left = Failure::new(format!("no longer waiting for the load {load}, which goes on"));
    let entry = unless_interrupted(left, wait_for(context, &stack, &uploaded)).await?;
    print_receipt(context, destination.bucket, &entry).await
}

/// The object that became of the file.
struct Uploaded<'a> {
    bucket: &'a str,
    key: &'a str,
    size: u64,
    version: String,
}

impl Uploaded<'_> {
    fn load(&self) -> LoadId {
        LoadId::of(self.key, &self.version)
    }

    /// The event that S3 sends about it.
    async fn event(&self, context: &Context) -> Result<ObjectCreated> {
        Ok(ObjectCreated {
            source: SOURCE.to_owned(),
            detail_type: DETAIL_TYPE.to_owned(),
            time: s3::last_modified(&context.aws, self.bucket, self.key, &self.version).await?,
            detail: Detail {
                bucket: Bucket { name: self.bucket.to_owned() },
                object: Object {
                    key: self.key.to_owned(),
                    size: self.size,
                    etag: String::new(),
                    version_id: Some(self.version.clone()),
                },
            },
        })
    }
}

fn file_name(file: &Path) -> Result<&str> {
    file.file_name().and_then(|name| name.to_str()).ok_or_else(|| {
        Failure::new(format!("{} has no name that an object could bear", file.display())).exit(Exit::Usage)
    })
}

fn key(stack: &Stack) -> Result<Key> {
    let kind = stack.output(stack_output::KEY_TYPE)?.parse();
    let kind = kind.map_err(|why: String| Failure::new("the stack's key cannot be used").why(why))?;
    Ok(Key { name: stack.output(stack_output::KEY_NAME)?.to_owned(), kind })
}

/// Reads the whole file as the load will.
fn survey(file: &Path, format: Format, key: &Key) -> Result<(u64, Findings)> {
    let cannot_read = || format!("{} cannot be read", file.display());
    let mut opened = File::open(file).during(cannot_read())?;
    let size = opened.metadata().during(cannot_read())?.len();
    let progress = output::bytes_bar("reading", size);
    let mut survey = Survey::new(format, key);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let length = opened.read(&mut chunk).during(cannot_read())?;
        if length == 0 {
            break;
        }
        survey.feed(&chunk[..length]).map_err(|reason| cannot_load(file, &reason))?;
        progress.inc(length as u64);
    }
    progress.finish_and_clear();
    let findings = survey.finish().map_err(|reason| cannot_load(file, &reason))?;
    if findings.rows == 0 {
        let failure = Failure::new(format!("{} has no row that can be loaded", file.display()));
        return Err(match findings.rejects.first() {
            Some(reject) => failure.why(describe(reject)),
            None => failure.why("there is nothing after the header"),
        });
    }
    Ok((size, findings))
}

fn cannot_load(file: &Path, reason: &Unreadable) -> Failure {
    let text = reason.to_string();
    let failure = Failure::new(format!("{} cannot be loaded", file.display()));
    match text.split_once(": ") {
        Some((why, next)) => failure.why(why).next(next),
        None => failure.why(text),
    }
}

fn say_findings(findings: &Findings, key: &Key) {
    output::say(&format!("{} rows can be loaded, {} cannot", findings.rows, findings.rejected));
    for column in &findings.columns {
        let kind = match column.kind {
            ColumnType::String => "string",
            ColumnType::Number => "number",
            ColumnType::Boolean => "boolean",
        };
        let role = if column.name == key.name { ", the key" } else { "" };
        output::say(&format!("  {}: {kind}{role}", column.name));
    }
}

/// Waits until the load has ended, and says how far it is.
async fn wait_for(context: &Context, stack: &Stack, uploaded: &Uploaded<'_>) -> Result<LedgerEntry> {
    let (ledger, load) = (stack.output(stack_output::LEDGER_TABLE)?, &uploaded.load());
    let progress = output::spinner("loading");
    let uploaded_at = Instant::now();
    let mut queued = false;
    let mut pause = Duration::from_millis(100);
    let mut read = None;
    let mut moved = Instant::now();
    loop {
        let entry = dynamodb::ledger_entry(&context.aws, ledger, load).await?;
        let rows = entry.as_ref().map(|entry| entry.receipt.read);
        match entry {
            Some(entry) if entry.state != LoadState::Loading => {
                progress.finish_and_clear();
                return Ok(entry);
            }
            Some(entry) => progress.set_message(format!("{} rows", entry.receipt.read)),
            None => {
                progress.set_message("waiting for its turn");
                if !queued && uploaded_at.elapsed() > EVENT_PATIENCE {
                    let event = uploaded.event(context).await?;
                    sqs::queue_load(&context.aws, stack.output(stack_output::LOAD_QUEUE)?, &event).await?;
                    queued = true;
                }
            }
        }
        if rows != read {
            (read, moved) = (rows, Instant::now());
        }
        if moved.elapsed() > PATIENCE {
            return Err(Failure::new(format!(
                "the load {load} has not moved for {} minutes",
                PATIENCE.as_secs() / 60
            ))
            .why(
                "it is queued, or it failed and will be tried again; the uploaded file is safe in the bucket",
            )
            .next("look at the log group of the ingest function"));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

async fn print_receipt(context: &Context, bucket: &str, entry: &LedgerEntry) -> Result<()> {
    if entry.state == LoadState::Failed {
        return Err(Failure::new(format!("the load {} failed", entry.load))
            .why(entry.reason.clone().unwrap_or_else(|| "it left no reason".to_owned()))
            .next("mend the file, then upload it again"));
    }
    let receipt = &entry.receipt;
    output::data(&format!(
        "load        {}\nread        {}\nwritten     {}\nduplicates  {}\nrejected    {}",
        entry.load, receipt.read, receipt.written, receipt.duplicates, receipt.rejected
    ))?;
    let Some(rejects) = &entry.rejects else { return Ok(()) };
    let start = s3::get_start(&context.aws, bucket, rejects, SHOWN_REJECTS_BYTES).await?;
    for line in String::from_utf8_lossy(&start).lines().take(SHOWN_REJECTS + 1) {
        output::say(&format!("  {line}"));
    }
    Err(Failure::new(format!(
        "{} of {} rows were rejected; the others are loaded",
        receipt.rejected, receipt.read
    ))
    .exit(Exit::Partial)
    .next(format!("all rejects: aws s3 cp s3://{bucket}/{rejects} -")))
}

fn describe(reject: &Reject) -> String {
    match &reject.column {
        Some(column) => format!("line {}, column {column}: {}", reject.line, reject.reason),
        None => format!("line {}: {}", reject.line, reject.reason),
    }
}
