//! The receipt of a settled load: what it did, and which rows it rejected.

use std::fmt::Display;

use restctl_contract::load::{LedgerEntry, LoadState, rejects_key};
use serde::Serialize;

use crate::aws::{Aws, s3};
use crate::failure::{Exit, Failure, FailureContext, Result};
use crate::loads::later_loads::AlreadyLoaded;
use crate::loads::rejects_csv::read_record;
use crate::terminal::output::{self, Format};
use crate::terminal::sanitize::sanitize_line;

/// How much of the rejects file to read for its first lines, and how many of them to show.
const SHOWN_REJECTS_BYTES: usize = 64 * 1024;
const SHOWN_REJECTS: usize = 10;

/// A ledger entry with the figures that follow from it.
#[derive(Serialize)]
pub(crate) struct LoadReport<'a> {
    #[serde(flatten)]
    entry: &'a LedgerEntry,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows_per_second: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    already_loaded: Option<&'a AlreadyLoaded>,
}

impl<'a> LoadReport<'a> {
    pub(crate) fn new(entry: &'a LedgerEntry) -> Self {
        let rows_per_second = entry.receipt.read as f64 / entry.receipt.seconds;
        let rows_per_second = rows_per_second.is_finite().then(|| rows_per_second.round());
        Self { entry, rows_per_second, already_loaded: None }
    }

    /// Adds what was loaded since the load ended, if it ended before the command began.
    pub(crate) fn already_loaded(self, already_loaded: Option<&'a AlreadyLoaded>) -> Self {
        Self { already_loaded, ..self }
    }

    /// Returns the names and figures that every report has.
    pub(crate) fn figures(&self) -> Vec<(&'static str, String)> {
        let receipt = &self.entry.receipt;
        let text = |value: &dyn Display| value.to_string();
        let estimated = if receipt.units_are_estimated { " (estimated)" } else { "" };
        vec![
            ("read", text(&receipt.read)),
            ("new", text(&receipt.new)),
            ("changed", text(&receipt.changed)),
            ("unchanged", text(&receipt.unchanged)),
            ("stale", text(&receipt.stale)),
            ("rejected", text(&receipt.rejected)),
            ("duplicates", text(&receipt.duplicates)),
            ("read units", format!("{:.1}{estimated}", receipt.read_units)),
            ("write units", format!("{:.1}{estimated}", receipt.write_units)),
            ("seconds", format!("{:.1}", receipt.seconds)),
            ("rows per second", self.rows_per_second.map_or("-".to_owned(), |rate| format!("{rate:.0}"))),
        ]
    }
}

/// Prints the receipt of a settled load, which is one of `results` results of the command.
///
/// # Errors
/// If the load failed or stopped, or if rows were rejected.
pub(crate) async fn print_receipt(
    aws: &Aws,
    bucket: &str,
    report: LoadReport<'_>,
    results: usize,
) -> Result<()> {
    let entry = report.entry;
    match output::chosen_format() {
        Format::Json => output::print_json_result(&report, results)?,
        Format::Text if entry.state == LoadState::Loaded => {
            let mut lines = vec![("load", entry.load.to_string()), ("object", entry.object.clone())];
            lines.extend(report.already_loaded.iter().flat_map(|earlier| earlier.figures()));
            lines.extend(report.figures());
            output::print_text(output::align_values(&lines))?;
        }
        Format::Text => {}
    }
    if entry.state != LoadState::Loaded {
        return Err(not_loaded_failure(entry));
    }
    match entry.receipt.rejected {
        0 => Ok(()),
        _ => {
            print_first_rejects(aws, bucket, entry).await?;
            Err(rejects_failure(entry))
        }
    }
}

/// Describes why a load failed or stopped, and what to do about it.
fn not_loaded_failure(entry: &LedgerEntry) -> Failure {
    let (load, object) = (&entry.load, &entry.object);
    let why = entry.reason.clone().unwrap_or_else(|| "the ledger has no reason".to_owned());
    match entry.state {
        LoadState::Ignored => ignored_failure(entry),
        LoadState::Failed => {
            Failure::new(format!("the load {load} of {object} failed")).why(why).next(format!(
                "fix the file and upload it again; or, if the stack was the cause: restctl loads retry {load}"
            ))
        }
        _ => Failure::new(format!("the load {load} of {object} stopped after {} attempts", entry.attempts))
            .why(why)
            .next(format!(
                "restctl loads retry {load}, after fixing the cause; it continues where it stopped"
            )),
    }
}

/// Describes why an object is not loaded, and what to do if it is data nevertheless.
pub(crate) fn ignored_failure(entry: &LedgerEntry) -> Failure {
    Failure::new(format!("the object {} was ignored", entry.object))
        .why(entry.reason.clone().unwrap_or_else(|| "it is not data".to_owned()))
        .next(
            "if it is data, give it a name that ends in .csv, .tsv, .ndjson, .jsonl or .json: \
             restctl upload FILE --name NAME.csv",
        )
}

async fn print_first_rejects(aws: &Aws, bucket: &str, entry: &LedgerEntry) -> Result<()> {
    let mut start = Vec::new();
    if entry.reject_parts > 0 {
        let key = rejects_key(&entry.load, 0);
        let mut body = s3::get_object(aws, bucket, &key).await?;
        while let Some(bytes) = body.next().await
            && start.len() < SHOWN_REJECTS_BYTES
        {
            let bytes = bytes.context(format!("the download of s3://{bucket}/{key} stopped early"));
            let next = format!("restctl loads rejects {}", entry.load);
            start.extend_from_slice(&bytes.map_err(|failure| failure.next(next))?);
        }
    }
    let mut csv = start.as_slice();
    for _ in 0..=SHOWN_REJECTS {
        let Some(record) = read_record(&mut csv).context("cannot read the rejected rows")? else { break };
        output::print_message(format!("  {}", sanitize_line(&record, usize::MAX)));
    }
    Ok(())
}

fn rejects_failure(entry: &LedgerEntry) -> Failure {
    let receipt = &entry.receipt;
    Failure::new(format!(
        "{} of {} rows were rejected; the others are loaded",
        receipt.rejected, receipt.read
    ))
    .exit(Exit::Partial)
    .next(format!("restctl loads rejects {}", entry.load))
}
