//! Objects that are not data: they are written to the ledger and otherwise ignored.

use restctl_contract::event::UploadedObject;
use restctl_contract::load::{LedgerEntry, LoadState};
use restctl_rows::Format;
use tracing::info;

use super::begin::{first_attempt, is_settled};
use super::context::LoadContext;
use crate::error::Error;
use crate::source::Object;

/// Returns why the object `key` does not look like data, or `None` if its name is one of a data file.
pub(super) fn reason_to_ignore(key: &str) -> Option<&'static str> {
    let name = key.rsplit('/').next().unwrap_or(key);
    if name.is_empty() {
        Some("its name ends in a slash, as that of a folder does")
    } else if name.starts_with('.') {
        Some("its name begins with a dot, as that of a hidden file does")
    } else if name.starts_with('_') {
        Some("its name begins with an underscore, as those of the marker files of Spark and Hadoop do")
    } else if Format::from_name(name).is_err() {
        Some("its name ends in neither .csv, .tsv, .ndjson, .jsonl nor .json")
    } else {
        None
    }
}

/// Returns whether the object is data regardless of its name: `restctl upload` has sent it, or an earlier file of
/// its name.
pub(super) async fn is_data(context: &LoadContext, object: Option<&Object>) -> Result<bool, Error> {
    match object {
        None => Ok(false),
        Some(object) if object.is_from_upload() => Ok(true),
        Some(object) => Ok(context.ledger().read_remembered_dialect(&object.key).await?.is_some()),
    }
}

/// Writes the ledger's entry of an ignored object, unless it has been written before.
pub(super) async fn ignore_object(
    context: &LoadContext,
    created: &UploadedObject,
    version: &str,
    reason: &str,
) -> Result<(), Error> {
    let ignored = LedgerEntry {
        state: LoadState::Ignored,
        reason: Some(reason.to_owned()),
        attempts: 0,
        ..first_attempt(created, version)
    };
    let ledger = context.ledger();
    let known = ledger.read_entry(&ignored.load).await?;
    if !known.is_some_and(|entry| is_settled(entry.state)) {
        ledger.write_entry(&ignored).await?;
        info!(reason, "the object is not data and is ignored");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_data_files_are_told_from_others() {
        for data in
            ["a.csv", "in/2026/a.CSV.gz", "a.b.ndjson", "_tmp/.x/a.json", "a_b.tsv", "a.jsonl.zst", "~.csv"]
        {
            assert_eq!(reason_to_ignore(data), None, "{data}");
        }
        for (name, reason) in [
            ("in/", "slash"),
            ("/", "slash"),
            ("", "slash"),
            ("in/_SUCCESS", "underscore"),
            ("_committed_1.json", "underscore"),
            ("in/.DS_Store", "dot"),
            (".a.csv", "dot"),
            ("a.csv.tmp", "ends in neither"),
            ("a.csv.crc", "ends in neither"),
            ("a.csv.partial", "ends in neither"),
            ("in_$folder$", "ends in neither"),
            ("a.xlsx", "ends in neither"),
            ("csv", "ends in neither"),
            ("a\u{1}b", "ends in neither"),
        ] {
            assert!(reason_to_ignore(name).is_some_and(|found| found.contains(reason)), "{name:?}");
        }
    }
}
