//! `restctl loads rejects`: prints the rejected rows of a load.

use std::io::{BufRead, BufReader, Read, Seek, Write};

use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use restctl_contract::load::{LoadId, rejects_key};
use restctl_contract::template::output as stack_output;
use serde::{Deserialize, Serialize};

use super::known_load::{self, KnownLoad};
use crate::aws::{cloudformation, s3};
use crate::cli::completion_cache;
use crate::context::Context;
use crate::failure::{FailureContext, Result};
use crate::loads::rejects_csv::read_record;
use crate::terminal::output::{self, Format};
use crate::terminal::sanitize::{Syntax, sanitize_line};

const SPOOL: &str = "cannot keep the rejected rows in a temporary file";

/// A row of the rejects file.
#[derive(Serialize, Deserialize)]
struct RejectedRow {
    line: u64,
    /// Null if the whole row is rejected.
    column: Option<String>,
    reason: String,
    row: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Columns: line, column, reason, row. With --output json, each line is an object with these members.

Example:
  restctl loads rejects 0123456789abcdef > rejects.csv")]
pub(crate) struct Rejects {
    /// Id of the load, as `restctl loads ls` shows it
    #[arg(value_name = "ID", add = ArgValueCandidates::new(completion_cache::complete_loads))]
    load: LoadId,
}

pub(super) async fn run(args: Rejects, context: &Context) -> Result<()> {
    let aws = context.aws().await?;
    let stack = cloudformation::find_deployed(aws, &context.stack).await?;
    let parts = match known_load::find_load(aws, &stack, &args.load).await? {
        KnownLoad::Begun(entry) => entry.reject_parts,
        KnownLoad::Queued(_) => 0,
    };
    if parts == 0 {
        output::print_message(format!("the load {} has no rejected rows", args.load));
    }
    let bucket = stack.output(stack_output::DATA_BUCKET)?;
    let mut spool = tempfile::tempfile().context_of_temporary_file(SPOOL)?;
    for part in 0..parts {
        let key = rejects_key(&args.load, part);
        let mut body = s3::get_object(aws, bucket, &key).await?;
        while let Some(bytes) = body.next().await {
            let bytes = bytes.context(format!("the download of s3://{bucket}/{key} was interrupted"));
            let bytes = bytes.map_err(|failure| failure.next("run the command again"))?;
            match output::chosen_format() {
                Format::Text if !output::is_for_people() => output::write_data(&bytes, Syntax::Csv)?,
                _ => spool.write_all(&bytes).context_of_temporary_file(SPOOL)?,
            }
        }
    }
    spool.rewind().context_of_temporary_file(SPOOL)?;
    match output::chosen_format() {
        Format::Text => print_for_people(BufReader::new(spool)),
        Format::Json => print_json_lines(BufReader::new(spool)),
    }
}

/// Prints each record of `csv`, if there are any, as a line.
fn print_for_people(mut csv: impl BufRead) -> Result<()> {
    while let Some(record) = read_record(&mut csv).context_of_temporary_file(SPOOL)? {
        output::print_text(sanitize_line(&record, usize::MAX))?;
    }
    Ok(())
}

fn print_json_lines(csv: impl Read) -> Result<()> {
    for reject in csv::Reader::from_reader(csv).deserialize() {
        let reject: RejectedRow = reject.context("cannot read the rejected rows")?;
        let line = serde_json::to_string(&reject).context("cannot write a rejected row as JSON")?;
        output::print_json_line(&line)?;
    }
    Ok(())
}
