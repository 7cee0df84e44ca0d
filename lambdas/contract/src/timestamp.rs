//! Times as the ledger and the stamps have them. Command and function compare what the other wrote, as text.

use time::{OffsetDateTime, UtcOffset};

pub fn now() -> String {
    rfc3339(OffsetDateTime::now_utc())
}

/// RFC 3339 in UTC with milliseconds always, so that the text sorts by time.
pub fn rfc3339(time: OffsetDateTime) -> String {
    let utc = time.to_offset(UtcOffset::UTC);
    let (hour, minute, second, millisecond) = utc.time().as_hms_milli();
    format!("{}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z", utc.date())
}
