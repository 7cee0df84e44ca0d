//! Times in the ledger and in stamps. The command and the functions compare them as text.

use time::{OffsetDateTime, UtcOffset};

/// Returns the current time.
pub fn now() -> String {
    to_rfc3339(OffsetDateTime::now_utc())
}

/// Returns the time as RFC 3339 in UTC. It always has milliseconds, so the text sorts by time.
pub fn to_rfc3339(time: OffsetDateTime) -> String {
    let utc = time.to_offset(UtcOffset::UTC);
    let (hour, minute, second, millisecond) = utc.time().as_hms_milli();
    format!("{}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z", utc.date())
}
