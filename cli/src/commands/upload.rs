//! `restctl upload`: reads the file as the load will, sends it, waits for the load and prints its receipt.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use restctl_contract::key::Key;
use restctl_contract::load::{COLUMN_TYPES_METADATA, LedgerEntry, LoadState, rejects_key};
use restctl_contract::template::output as stack_output;
use restctl_rows::{ColumnType, Findings, Format, Reject, Survey, Unreadable};

use crate::aws::cloudformation::Stack;
use crate::aws::upload::Destination;
use crate::aws::{cloudformation, s3, upload};
use crate::context::Context;
use crate::failure::{During, Exit, Failure, Result};
use crate::interrupt::unless_interrupted;
use crate::load::Load;
use crate::output;

const CHUNK_BYTES: usize = 256 * 1024;

/// Enough of a rejects file to show its first lines.
const SHOWN_REJECTS_BYTES: usize = 64 * 1024;
const SHOWN_REJECTS: usize = 10;

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
    let load = Load { bucket: destination.bucket, key: name, size, version: version? };
    output::say(&format!("uploaded {name} ({size} bytes), load {}", load.id()));

    let left = Failure::new(format!("no longer waiting for the load {}, which goes on", load.id()));
    let entry = unless_interrupted(left, load.wait(&context.aws, &stack)).await?;
    print_receipt(context, destination.bucket, &entry).await
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

async fn print_receipt(context: &Context, bucket: &str, entry: &LedgerEntry) -> Result<()> {
    if entry.state == LoadState::Failed {
        return Err(Failure::new(format!("the load {} failed", entry.load))
            .why(entry.reason.clone().unwrap_or_else(|| "it left no reason".to_owned()))
            .next("mend the file, then upload it again"));
    }
    let receipt = &entry.receipt;
    output::data(&format!(
        "load        {}\nread        {}\nnew         {}\nduplicates  {}\nrejected    {}",
        entry.load, receipt.read, receipt.new, receipt.duplicates, receipt.rejected
    ))?;
    if entry.reject_parts == 0 {
        return Ok(());
    }
    let rejects = rejects_key(&entry.load, 0);
    let start = s3::get_start(&context.aws, bucket, &rejects, SHOWN_REJECTS_BYTES).await?;
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
