//! How far a load is, in words.

use restctl_contract::event::VISIBILITY_TIMEOUT;
use restctl_contract::load::{LedgerEntry, LoadState, MAX_ATTEMPTS};
use restctl_contract::timestamp::to_rfc3339;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub(super) fn describe_state(entry: Option<&LedgerEntry>) -> String {
    let Some(entry) = entry else { return "waiting for its turn".to_owned() };
    match (entry.state, &entry.reason) {
        (LoadState::Loading, Some(reason)) => {
            let (attempts, latest) = (entry.attempts, describe_latest_attempt(entry));
            format!(
                "attempt {attempts} of {MAX_ATTEMPTS} (if none is running, another begins {latest}), after a failure: {reason}"
            )
        }
        (LoadState::Loading, None) if entry.attempts == 0 => {
            format!(
                "waiting for the next run of the function, which begins {}",
                describe_latest_attempt(entry)
            )
        }
        (state, _) => state.to_string(),
    }
}

/// Describes when the next attempt at a load begins, if none is running.
pub(crate) fn describe_next_attempt(entry: &LedgerEntry) -> Option<String> {
    let is_waiting = entry.state == LoadState::Loading && (entry.attempts == 0 || entry.reason.is_some());
    is_waiting.then(|| format!("{} of the last update, if none is running", describe_longest_pause()))
}

/// Says until when the next attempt begins.
fn describe_latest_attempt(entry: &LedgerEntry) -> String {
    let updated = OffsetDateTime::parse(&entry.updated, &Rfc3339).ok();
    let latest = updated.and_then(|updated| updated.checked_add(VISIBILITY_TIMEOUT.try_into().ok()?));
    latest.map_or_else(describe_longest_pause, |latest| format!("by {}", to_rfc3339(latest)))
}

/// Mostly it begins much sooner: at once if time ran short, after a failure between 30 seconds and 15 minutes later.
fn describe_longest_pause() -> String {
    format!("within {} minutes", VISIBILITY_TIMEOUT.as_secs() / 60)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::loads::test_entry::ledger_entry;

    #[test]
    fn a_load_that_waits_for_its_next_attempt_says_for_how_long() {
        let (failure, pause) =
            (Some("S3 is away"), Some("within 30 minutes of the last update, if none is running"));
        for (state, attempts, reason, described, next) in [
            ("loading", 1, None, "loading", None),
            (
                "loading",
                0,
                None,
                "waiting for the next run of the function, which begins by 2026-01-15T10:00:07.000Z",
                pause,
            ),
            (
                "loading",
                2,
                failure,
                "attempt 2 of 5 (if none is running, another begins by 2026-01-15T10:00:07.000Z), after a failure: S3 is away",
                pause,
            ),
            ("stopped", 5, failure, "stopped", None),
            ("ignored", 0, failure, "ignored", None),
        ] {
            let entry = ledger_entry(&json!({ "state": state, "reason": reason, "attempts": attempts }));
            assert_eq!(describe_state(Some(&entry)), described);
            assert_eq!(describe_next_attempt(&entry).as_deref(), next, "{described}");
        }
    }
}
