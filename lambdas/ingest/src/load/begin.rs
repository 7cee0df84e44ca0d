use std::ops::ControlFlow;
use std::time::{Duration, SystemTime};

use restctl_contract::event::UploadedObject;
use restctl_contract::load::{LedgerEntry, LoadId, LoadState, MAX_ATTEMPTS, Position, Receipt};
use restctl_contract::timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tracing::info;

use super::checkpoint::LoadRecord;
use super::context::LoadContext;
use super::count::Progress;
use super::outcome::LoadOutcome;
use crate::error::Error;
use crate::message::retry_delay;
use crate::table::ItemsTable;

/// One attempt at a load, which lasts as long as the invocation at most.
pub(super) struct Attempt<'a> {
    pub(super) context: &'a LoadContext,
    pub(super) bucket: &'a str,
    pub(super) table: ItemsTable<'a>,
    pub(super) stamp: String,
    /// The load of a newer upload began before this one.
    pub(super) is_late: bool,
    pub(super) progress: Progress,
    pub(super) record: LoadRecord<'a>,
}

/// Counts the attempt in the ledger before it does anything else, so that one that dies is counted, too. Returns the
/// outcome if there is nothing left to attempt.
pub(super) async fn begin_attempt<'a>(
    context: &'a LoadContext,
    created: &'a UploadedObject,
    version: &str,
    now: SystemTime,
) -> Result<ControlFlow<LoadOutcome, Attempt<'a>>, Error> {
    let ledger = context.ledger();
    let mut entry = match ledger.read_entry(&LoadId::for_version(&created.key, version)).await? {
        Some(entry) if is_settled(entry.state) => {
            info!(state = %entry.state, "the load is settled already");
            return Ok(ControlFlow::Break(LoadOutcome::Settled));
        }
        Some(entry) => match time_to_wait(&entry, now) {
            Some(wait) => return Ok(ControlFlow::Break(LoadOutcome::TooEarly { wait })),
            None => next_attempt(entry),
        },
        None => first_attempt(created, version),
    };
    if entry.attempts > MAX_ATTEMPTS {
        entry.state = LoadState::Stopped;
        entry.reason = Some(format!(
            "{MAX_ATTEMPTS} attempts in a row ended without an error message: restctl logs --load {} may show why",
            entry.load
        ));
        ledger.write_entry(&entry).await?;
        return Ok(ControlFlow::Break(LoadOutcome::Stopped));
    }
    ledger.write_entry(&entry).await?;
    info!(attempt = entry.attempts, from_byte = entry.position.offset, "an attempt begins");
    let stamp = entry.stamp();
    let mut progress = Progress::from_entry(&entry);
    progress.receipt.units_are_estimated |= context.estimates_units;
    Ok(ControlFlow::Continue(Attempt {
        context,
        bucket: &created.bucket,
        table: context.items_table(),
        is_late: ledger.record_start(&stamp).await?,
        stamp,
        progress,
        record: LoadRecord::new(context, &created.bucket, entry),
    }))
}

/// Returns whether nothing is left to do for the message.
pub(super) fn is_settled(state: LoadState) -> bool {
    matches!(state, LoadState::Loaded | LoadState::Failed | LoadState::Ignored)
}

/// Returns how long to wait before the next attempt, if the last one failed recently. Usually the queue has waited already.
fn time_to_wait(entry: &LedgerEntry, now: SystemTime) -> Option<Duration> {
    if entry.state != LoadState::Loading || entry.reason.is_none() {
        return None;
    }
    let failed = SystemTime::from(OffsetDateTime::parse(&entry.updated, &Rfc3339).ok()?);
    let waited = now.duration_since(failed).unwrap_or_default();
    retry_delay(entry.attempts).checked_sub(waited).filter(|wait| !wait.is_zero())
}

fn next_attempt(entry: LedgerEntry) -> LedgerEntry {
    let now = timestamp::now();
    let entry = if entry.state == LoadState::Stopped { entry.reopened_at(now.clone()) } else { entry };
    LedgerEntry { attempts: entry.attempts + 1, updated: now, ..entry }
}

pub(super) fn first_attempt(created: &UploadedObject, version: &str) -> LedgerEntry {
    let now = timestamp::now();
    LedgerEntry {
        load: LoadId::for_version(&created.key, version),
        object: created.key.clone(),
        version: version.to_owned(),
        size: created.size,
        uploaded: created.uploaded.clone(),
        began: now.clone(),
        updated: now,
        state: LoadState::Loading,
        reason: None,
        attempts: 1,
        progress: 0,
        position: Position::START,
        blind: false,
        confirmed: Position::START,
        reject_parts: 0,
        dialect: None,
        column_types: None,
        receipt: Receipt::default(),
    }
}
