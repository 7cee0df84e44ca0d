//! Parquet files: each row becomes a JSON object.
//!
//! Memory holds one page of each column, and the footer. The rows are put together from the columns here, not by the
//! row reader of the crate: that one drops all digits of a timestamp behind milliseconds, and panics on files whose
//! columns contradict each other.

mod chunks;
mod column;
mod pages;
mod row_group;
mod shape;
mod value;

use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};

use self::chunks::Chunks;
use self::row_group::RowGroup;
use self::shape::Node;
use self::value::LeftOut;
use super::object_name::{ObjectName, ROWS_ENDING};
use super::refusal::{EXPORT_AGAIN, cannot_convert, damaged};
use super::spool::Spool;
use super::{Converted, magic};
use crate::data_file::source::Source;
use crate::failure::{Failure, Result};

/// The largest footer that is read. One of a million column chunks has less.
const MAX_FOOTER_BYTES: u32 = 256 * 1024 * 1024;

/// The footer's length and the magic bytes.
const TAIL_BYTES: u64 = 8;

pub(super) async fn convert(source: &Source) -> Result<Converted> {
    let shown = &source.shown;
    ensure_footer_bounded(source)?;
    let file = SerializedFileReader::new(Chunks::new(source.reader()?));
    let file = file.map_err(|error| cannot_read_failure(shown, &error))?;
    let columns = shape::columns(file.metadata().file_metadata().schema_descr())
        .map_err(|why| cannot_convert(shown, why, EXPORT_AGAIN))?;
    let mut spool = Spool::create()?;
    let mut left_out = LeftOut::default();
    for group in 0..file.num_row_groups() {
        write_row_group(&file, group, &columns, shown, &mut left_out, &mut spool).await?;
    }
    let mut notes = vec![describe(file.metadata())];
    left_out.add_notes(&mut notes);
    Ok(Converted { source: spool.into_source(shown)?, name: ObjectName::WithEnding(ROWS_ENDING), notes })
}

async fn write_row_group(
    file: &SerializedFileReader<Chunks>,
    group: usize,
    columns: &[Node],
    shown: &str,
    left_out: &mut LeftOut,
    spool: &mut Spool,
) -> Result<()> {
    let failure = |error: ParquetError| cannot_read_failure(shown, &error);
    let reader = file.get_row_group(group).map_err(failure)?;
    let mut rows = RowGroup::open(reader.as_ref()).map_err(failure)?;
    let mut line = Vec::new();
    while rows.write_next(columns, left_out, &mut line).map_err(failure)? {
        spool.write(&line).await?;
    }
    Ok(())
}

/// Fails if the footer is larger than memory should hold. Its length is the file's own claim.
fn ensure_footer_bounded(source: &Source) -> Result<()> {
    let tail = source.read_range(source.size.saturating_sub(TAIL_BYTES), TAIL_BYTES)?;
    let length = tail.first_chunk().map_or(0, |length| u32::from_le_bytes(*length));
    if tail.ends_with(magic::PARQUET) && length > MAX_FOOTER_BYTES {
        let why = format!("its footer has {length} bytes, and restctl reads at most {MAX_FOOTER_BYTES}");
        let next = "write it again with fewer columns or larger row groups, and run the command again";
        return Err(cannot_convert(&source.shown, why, next));
    }
    Ok(())
}

fn describe(metadata: &ParquetMetaData) -> String {
    let groups = metadata.num_row_groups();
    let rows: i64 = metadata.row_groups().iter().map(|group| group.num_rows()).fold(0, i64::saturating_add);
    format!("Parquet, {rows} rows in {groups} row {}", if groups == 1 { "group" } else { "groups" })
}

fn cannot_read_failure(shown: &str, error: &ParquetError) -> Failure {
    match error {
        ParquetError::NYI(_) => {
            let next =
                "write it again with other settings, such as compression zstd, and run the command again";
            Failure::new(format!("{shown} cannot be loaded")).because(error).next(next)
        }
        _ => damaged(shown, error),
    }
}
