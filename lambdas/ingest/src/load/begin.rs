use restctl_contract::load::{LedgerEntry, LoadId, LoadState, MAX_ATTEMPTS, Position, Receipt};
use restctl_contract::timestamp;
use tracing::info;

use super::Ingest;
use crate::error::Error;
use crate::message::ObjectCreated;

/// What an attempt finds at its start.
pub(super) enum Begun {
    Settled,
    /// Too many attempts have broken off without a word.
    Stopped,
    /// `late`: a load of a newer upload has begun before.
    Load {
        entry: Box<LedgerEntry>,
        late: bool,
    },
}

/// Notes in the ledger that an attempt begins, before it does anything else: one that breaks off has been counted.
pub(super) async fn begin(ingest: &Ingest, created: &ObjectCreated, version: &str) -> Result<Begun, Error> {
    let ledger = ingest.ledger();
    let mut entry = match ledger.entry(&LoadId::of(&created.key, version)).await? {
        Some(entry) if matches!(entry.state, LoadState::Loaded | LoadState::Failed) => {
            info!(state = %entry.state, "the load has been settled before");
            return Ok(Begun::Settled);
        }
        Some(entry) => next_attempt(entry),
        None => first_attempt(created, version),
    };
    if entry.attempts > MAX_ATTEMPTS {
        entry.state = LoadState::Stopped;
        entry.reason = Some(format!(
            "{MAX_ATTEMPTS} attempts in a row broke off without a word: restctl logs --load {} may tell why",
            entry.load
        ));
        ledger.write(&entry).await?;
        return Ok(Begun::Stopped);
    }
    ledger.write(&entry).await?;
    info!(attempt = entry.attempts, from_byte = entry.position.offset, "an attempt begins");
    let late = ledger.is_late(&entry.stamp()).await?;
    Ok(Begun::Load { entry: Box::new(entry), late })
}

fn next_attempt(entry: LedgerEntry) -> LedgerEntry {
    let now = timestamp::now();
    let entry = if entry.state == LoadState::Stopped { entry.again(now.clone()) } else { entry };
    LedgerEntry { attempts: entry.attempts + 1, updated: now, ..entry }
}

fn first_attempt(created: &ObjectCreated, version: &str) -> LedgerEntry {
    let now = timestamp::now();
    LedgerEntry {
        load: LoadId::of(&created.key, version),
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
        receipt: Receipt::default(),
    }
}
