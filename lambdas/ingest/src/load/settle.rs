use restctl_contract::load::{LedgerEntry, LoadState, MAX_ATTEMPTS, Receipt};
use tracing::{error, info, warn};

use super::begin::Attempt;
use super::outcome::LoadOutcome;
use crate::error::{Error, LoadError};
use crate::message::Completion;

/// Records the attempt's result in the ledger and in the log.
pub(super) async fn settle_attempt(
    mut attempt: Attempt<'_>,
    result: Result<Completion, LoadError>,
) -> Result<LoadOutcome, Error> {
    let Attempt { record, progress, .. } = &mut attempt;
    let settled = match result {
        // The next invocation counts itself as the first attempt.
        Ok(Completion::TimeIsShort) => {
            record.checkpoint_with_attempts(progress, 0).await.map(|()| LoadOutcome::Continues)
        }
        Ok(Completion::Complete) => finish_load(&mut attempt, LoadState::Loaded, None).await,
        Err(LoadError::Permanent(reason) | LoadError::TooSlow(reason)) => {
            finish_load(&mut attempt, LoadState::Failed, Some(reason)).await
        }
        Err(LoadError::Temporary(error)) => Err(error),
    };
    match settled {
        Ok(outcome) => Ok(outcome),
        Err(error) => record_failure(attempt, &error).await,
    }
}

async fn finish_load(
    attempt: &mut Attempt<'_>,
    state: LoadState,
    reason: Option<String>,
) -> Result<LoadOutcome, Error> {
    let Attempt { record, progress, .. } = attempt;
    (record.entry.state, record.entry.reason) = (state, reason);
    match record.make_checkpoint(progress).await {
        Ok(()) => {
            log_receipt(&record.entry);
            Ok(LoadOutcome::Settled)
        }
        Err(error) => {
            (record.entry.state, record.entry.reason) = (LoadState::Loading, None);
            Err(error)
        }
    }
}

/// Logs the failure and writes it to the ledger. The message is delivered again in any case.
async fn record_failure(mut attempt: Attempt<'_>, failure: &Error) -> Result<LoadOutcome, Error> {
    let Attempt { record, progress, .. } = &mut attempt;
    let failures = record.entry.attempts;
    let reason = failure.describe();
    error!(attempt = failures, reason, "the attempt failed");
    record.entry.reason = Some(reason);
    let is_last = failures >= MAX_ATTEMPTS;
    if is_last {
        record.entry.state = LoadState::Stopped;
    }
    record.write_progress(progress).await?;
    Ok(if is_last { LoadOutcome::Stopped } else { LoadOutcome::Retries { failures } })
}

fn log_receipt(entry: &LedgerEntry) {
    let Receipt { read, new, changed, unchanged, stale, rejected, duplicates, .. } = entry.receipt;
    match &entry.reason {
        None => info!(read, new, changed, unchanged, stale, rejected, duplicates, "loaded"),
        // The reason may quote the file, whose content must not be in the log.
        Some(_) => warn!(read, rejected, "failed; the ledger has the reason"),
    }
}
