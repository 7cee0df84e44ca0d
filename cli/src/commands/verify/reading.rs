//! Reads a file before it is compared: the types of its columns, its keys, and the number of its records.

use restctl_contract::key::Key;
use restctl_rows::{CsvDialect, Dialect, Format, MAX_SHOWN_REJECTS, Reject, Types};

use super::keys::{FileKeys, KEYS_ON_DISK, KeyCollector};
use super::records::RecordReader;
use crate::data_file::external_sort::SortedRecords;
use crate::data_file::source::Source;
use crate::data_file::survey::{nothing_to_load_failure, survey_file};
use crate::failure::{FailureContext, Result};
use crate::terminal::progress;

pub(super) struct FileReading {
    /// With the types of a CSV's columns, as `upload` determines them.
    pub(super) dialect: Dialect,
    pub(super) keys: FileKeys,
    /// The numbers of the records to compare, in the order of the file.
    pub(super) last_records: SortedRecords<1>,
    /// Rows that can be loaded.
    pub(super) rows: u64,
    /// Rows that cannot be loaded.
    pub(super) rejected: u64,
    /// The first of the rejected rows.
    pub(super) rejects: Vec<Reject>,
}

/// Reads all of `source`. With `sample`, selects only that many keys to compare.
pub(super) async fn read_file(
    source: &Source,
    dialect: Dialect,
    key: &Key,
    sample: Option<u64>,
) -> Result<FileReading> {
    let dialect = with_column_types(source, dialect, key).await?;
    let progress = progress::bytes_bar("reading keys", source.size);
    let mut records = RecordReader::new(source, &dialect, key, progress.clone());
    let mut keys = KeyCollector::default();
    let (mut rows, mut rejected, mut rejects) = (0, 0, Vec::new());
    while let Some(batch) = records.next_batch().await? {
        for record in batch {
            match record {
                Ok(row) => {
                    keys.push(row.key(), rows + rejected).context_of_temporary_file(KEYS_ON_DISK)?;
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
    if let (0, Some(reject)) = (rows, rejects.first()) {
        return Err(nothing_to_load_failure(source, reject, &dialect, key));
    }
    let (keys, last_records) = keys.finish(sample).await.context_of_temporary_file(KEYS_ON_DISK)?;
    Ok(FileReading { dialect, keys, last_records, rows, rejected, rejects })
}

/// Returns the dialect with the column types of a CSV file. Nothing else comes from the survey: it reads numbers as text, so
/// it may reject a row of almost the maximum size that the load accepts.
async fn with_column_types(source: &Source, dialect: Dialect, key: &Key) -> Result<Dialect> {
    if dialect.format != Format::Csv {
        return Ok(dialect);
    }
    let progress = progress::bytes_bar("reading", source.size);
    let surveyed = survey_file(source, &dialect, key, |position| progress.set_position(position)).await?;
    progress.finish_and_clear();
    let types = surveyed.findings.column_types().map_or(Types::Strings, Types::Columns);
    Ok(Dialect { csv: CsvDialect { types, ..dialect.csv }, ..dialect })
}
