//! Times as the ledger writes them.

use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use time::{OffsetDateTime, UtcOffset};

pub(crate) fn now() -> String {
    rfc3339(OffsetDateTime::now_utc())
}

/// A time that a service told.
pub(crate) fn of(time: &DateTime) -> Option<String> {
    OffsetDateTime::from_unix_timestamp_nanos(time.as_nanos()).ok().map(rfc3339)
}

/// The time of an HTTP header such as `Date` (RFC 9110, section 5.6.7).
pub(crate) fn of_http_date(text: &str) -> Option<String> {
    DateTime::from_str(text, DateTimeFormat::HttpDate).ok().as_ref().and_then(of)
}

/// UTC, with milliseconds always, so that the text sorts by time.
fn rfc3339(time: OffsetDateTime) -> String {
    let utc = time.to_offset(UtcOffset::UTC);
    let (hour, minute, second, millisecond) = utc.time().as_hms_milli();
    format!("{}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z", utc.date())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_sort_as_text() {
        let told = of_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(told, "1994-11-06T08:49:37.000Z");
        assert_eq!(of(&DateTime::from_millis(784_111_777_005)).unwrap(), "1994-11-06T08:49:37.005Z");
        assert_eq!(of_http_date("yesterday"), None);
        assert_eq!(now().len(), told.len());
    }
}
