//! What became of a load, as its uploader is told.

use std::fmt::Display;

use restctl_contract::load::{LedgerEntry, LoadState, rejects_key};
use serde::Serialize;

use crate::aws::{Aws, s3};
use crate::failure::{Exit, Failure, FailureContext, Result};
use crate::terminal::output::{self, Format};
use crate::terminal::sanitize::sanitize;

/// Enough of a rejects file to show its first lines.
const SHOWN_REJECTS_BYTES: usize = 64 * 1024;
const SHOWN_REJECTS: usize = 10;

/// A ledger entry with what follows from it.
#[derive(Serialize)]
pub(crate) struct Report<'a> {
    #[serde(flatten)]
    entry: &'a LedgerEntry,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows_per_second: Option<f64>,
}

impl<'a> Report<'a> {
    pub(crate) fn of(entry: &'a LedgerEntry) -> Self {
        let rows_per_second = entry.receipt.read as f64 / entry.receipt.seconds;
        Self { entry, rows_per_second: rows_per_second.is_finite().then(|| rows_per_second.round()) }
    }

    /// The lines that every report has.
    pub(crate) fn lines(&self) -> Vec<(&'static str, String)> {
        let receipt = &self.entry.receipt;
        let text = |value: &dyn Display| value.to_string();
        vec![
            ("read", text(&receipt.read)),
            ("new", text(&receipt.new)),
            ("changed", text(&receipt.changed)),
            ("unchanged", text(&receipt.unchanged)),
            ("stale", text(&receipt.stale)),
            ("rejected", text(&receipt.rejected)),
            ("duplicates", text(&receipt.duplicates)),
            ("read units", format!("{:.1}", receipt.read_units)),
            ("write units", format!("{:.1}", receipt.write_units)),
            ("seconds", format!("{:.1}", receipt.seconds)),
            ("rows per second", self.rows_per_second.map_or("-".to_owned(), |rate| format!("{rate:.0}"))),
        ]
    }
}

/// Prints the receipt of a load that is settled. Rejected rows are a failure in part; a load that is not in the
/// table is a failure.
pub(crate) async fn print(aws: &Aws, bucket: &str, entry: &LedgerEntry) -> Result<()> {
    let report = Report::of(entry);
    match output::chosen_format() {
        Format::Json => output::print_json(&report)?,
        Format::Text if entry.state == LoadState::Loaded => {
            let mut lines = vec![("load", entry.load.to_string())];
            lines.extend(report.lines());
            output::print_line(&output::align_values(&lines))?;
        }
        Format::Text => {}
    }
    if entry.state != LoadState::Loaded {
        return Err(not_loaded(entry));
    }
    match entry.receipt.rejected {
        0 => Ok(()),
        _ => Err(rejected(aws, bucket, entry).await?),
    }
}

/// Why a load failed or stopped, and what to do about it.
pub(crate) fn not_loaded(entry: &LedgerEntry) -> Failure {
    let LedgerEntry { load, object, .. } = entry;
    let why = entry.reason.clone().unwrap_or_else(|| "it left no reason".to_owned());
    match entry.state {
        LoadState::Failed => Failure::new(format!("the load {load} of {object} failed")).why(why).next(
            format!("mend the file and upload it again; where it was the stack: restctl loads retry {load}"),
        ),
        _ => Failure::new(format!("the load {load} of {object} stopped after {} attempts", entry.attempts))
            .why(why)
            .next(format!("restctl loads retry {load}, once that is mended; it goes on where it stopped")),
    }
}

/// Shows the first rejects.
async fn rejected(aws: &Aws, bucket: &str, entry: &LedgerEntry) -> Result<Failure> {
    let mut start = Vec::new();
    if entry.reject_parts > 0 {
        let key = rejects_key(&entry.load, 0);
        let mut body = s3::get_object(aws, bucket, &key).await?;
        while let Some(bytes) = body.next().await
            && start.len() < SHOWN_REJECTS_BYTES
        {
            start.extend_from_slice(&bytes.context(format!("s3://{bucket}/{key} broke off"))?);
        }
    }
    for line in String::from_utf8_lossy(&start).lines().take(SHOWN_REJECTS + 1) {
        // A file's control characters are not for the terminal.
        output::print_message(&format!("  {}", sanitize(line)));
    }
    let receipt = &entry.receipt;
    Ok(Failure::new(format!(
        "{} of {} rows were rejected; the others are loaded",
        receipt.rejected, receipt.read
    ))
    .exit(Exit::Partial)
    .next(format!("restctl loads rejects {}", entry.load)))
}
