//! What a file is before it is compared: the types of its columns, its keys, and how many records it has.

use restctl_contract::key::Key;
use restctl_rows::{Dialect, Format, MAX_SHOWN_REJECTS, Reject, Types};

use super::KEYS_ON_DISK;
use super::keys::{Collecting, Keys};
use super::records::Records;
use crate::data_file::external_sort::Sorted;
use crate::data_file::source::Source;
use crate::data_file::survey::{nothing_to_load, survey};
use crate::failure::{FailureContext, Result};
use crate::terminal::output;

pub(super) struct Reading {
    /// With the types of a CSV's columns, as `upload` finds them.
    pub(super) dialect: Dialect,
    pub(super) keys: Keys,
    /// The numbers of the records to compare, in the order of the file.
    pub(super) last: Sorted<1>,
    /// Rows that can be loaded.
    pub(super) rows: u64,
    /// Rows that cannot.
    pub(super) rejected: u64,
    /// The first of these.
    pub(super) rejects: Vec<Reject>,
}

/// With `sample`, so many keys are to be compared.
pub(super) async fn read(
    source: &Source,
    dialect: Dialect,
    key: &Key,
    sample: Option<u64>,
) -> Result<Reading> {
    let dialect = decided(source, dialect, key).await?;
    let progress = output::bytes_bar("reading keys", source.size);
    let mut records = Records::of(source, &dialect, key, progress.clone());
    let mut keys = Collecting::default();
    let (mut rows, mut rejected, mut rejects) = (0, 0, Vec::new());
    while let Some(some) = records.next().await? {
        for record in some {
            match record {
                Ok(row) => {
                    keys.push(row.key(), rows + rejected).context(KEYS_ON_DISK)?;
                    rows += 1;
                }
                Err(reject) => {
                    rejects.extend((rejects.len() < MAX_SHOWN_REJECTS).then_some(reject));
                    rejected += 1;
                }
            }
        }
    }
    progress.finish_and_clear();
    if rows == 0 {
        return Err(nothing_to_load(source, &rejects));
    }
    let (keys, last) = keys.finish(sample).await.context(KEYS_ON_DISK)?;
    Ok(Reading { dialect, keys, last, rows, rejected, rejects })
}

/// A row may be a reject for the survey, which reads numbers as text, and none for the load, where it is almost as large
/// as an item may be. So the types alone are the survey's.
async fn decided(source: &Source, dialect: Dialect, key: &Key) -> Result<Dialect> {
    if dialect.encoding.format != Format::Csv {
        return Ok(dialect);
    }
    let surveyed = survey(source, &dialect, key).await?;
    let types = surveyed.findings.column_types().map_or(Types::Strings, Types::Columns);
    Ok(Dialect { types, ..dialect })
}
