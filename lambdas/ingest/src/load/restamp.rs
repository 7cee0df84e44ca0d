use restctl_contract::load::LedgerEntry;

use super::begin::Attempt;
use super::context::LoadContext;
use super::dialect::choose_dialect;
use crate::error::LoadError;
use crate::message::{Completion, Deadline};
use crate::source::{Object, RowStream};
use crate::table::RowOutcome;

/// Puts the stamps of newer loads on the items that those loads left unchanged.
///
/// An unchanged row costs no write, so its item keeps an older stamp. That does no harm as long as loads come in the
/// order of their uploads. A late load, however, would replace such an item.
pub(super) async fn restamp_newer_loads(
    attempt: &mut Attempt<'_>,
    deadline: Deadline,
) -> Result<Completion, LoadError> {
    for newer in attempt.record.ledger.read_newer_entries(&attempt.stamp).await? {
        let has_old_stamps = newer.receipt.unchanged > 0 && newer.confirmed.offset < newer.position.offset;
        if has_old_stamps && restamp_load(attempt, newer, deadline).await? == Completion::TimeIsShort {
            return Ok(Completion::TimeIsShort);
        }
    }
    Ok(Completion::Complete)
}

async fn restamp_load(
    attempt: &mut Attempt<'_>,
    mut newer: LedgerEntry,
    deadline: Deadline,
) -> Result<Completion, LoadError> {
    let Attempt { context, bucket, table, record, progress, .. } = attempt;
    let object = Object::find(&context.s3, bucket, &newer.object, Some(&newer.version)).await?;
    let object = object.ok_or_else(|| newer_file_deleted(&newer))?;
    let dialect = choose_dialect(context, &object, &newer).await?;
    let LoadContext { s3, key, window_size, .. } = context;
    let mut rows = RowStream::resume(s3, &object, &dialect, key, newer.confirmed, *window_size, deadline);
    let stamp = newer.stamp();
    while newer.confirmed.offset < newer.position.offset {
        let window = match rows.next_window().await {
            Ok(Some(window)) => window,
            Err(error @ (LoadError::Temporary(_) | LoadError::TooSlow(_))) => return Err(error),
            // The newer load did not come any further either.
            Ok(None) | Err(LoadError::Permanent(_)) => break,
        };
        let compared = table.compare_rows(&window.rows, &stamp).await?;
        let unchanged = compared.select_rows(&window.rows, |outcome| outcome == RowOutcome::Unchanged);
        let written = table.write_rows(&unchanged, &stamp).await?;
        progress.receipt.read_units += compared.read_units;
        progress.receipt.write_units += written.write_units;
        newer.confirmed = window.end;
        record.ledger.write_entry(&newer).await?;
        if deadline.is_short() {
            return Ok(Completion::TimeIsShort);
        }
    }
    newer.confirmed = newer.position;
    record.ledger.write_entry(&newer).await?;
    Ok(Completion::Complete)
}

fn newer_file_deleted(newer: &LedgerEntry) -> LoadError {
    LoadError::Permanent(format!(
        "the file {:?} was uploaded later but is no longer in the bucket, so its newer rows cannot be told from older \
         ones: upload this file again",
        newer.object
    ))
}
