//! Times of AWS services and HTTP headers in the ledger's format: RFC 3339 in UTC, with milliseconds.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use restctl_contract::timestamp::to_rfc3339;
use time::OffsetDateTime;

/// Returns the current time in seconds since 1970.
pub(crate) fn seconds_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Converts a time of the AWS SDK.
pub(crate) fn from_sdk(time: &DateTime) -> Option<String> {
    OffsetDateTime::from_unix_timestamp_nanos(time.as_nanos()).ok().map(to_rfc3339)
}

/// Converts seconds since 1970.
pub(crate) fn from_seconds(seconds: u64) -> Option<String> {
    OffsetDateTime::from_unix_timestamp(seconds.try_into().ok()?).ok().map(to_rfc3339)
}

/// Converts milliseconds since 1970. Returns `None` outside the calendar's range.
pub(crate) fn from_milliseconds(milliseconds: i64) -> Option<String> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000).ok().map(to_rfc3339)
}

/// Converts the value of an HTTP header such as `Date` (RFC 9110, section 5.6.7).
pub(crate) fn from_http_date(text: &str) -> Option<String> {
    DateTime::from_str(text, DateTimeFormat::HttpDate).ok().as_ref().and_then(from_sdk)
}

#[cfg(test)]
mod tests {
    use restctl_contract::timestamp::now;

    use super::*;

    #[test]
    fn times_sort_as_text() {
        let formatted = from_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(formatted, "1994-11-06T08:49:37.000Z");
        assert_eq!(from_sdk(&DateTime::from_millis(784_111_777_005)).unwrap(), "1994-11-06T08:49:37.005Z");
        assert_eq!(from_seconds(784_111_777), from_http_date("Sun, 06 Nov 1994 08:49:37 GMT"));
        assert_eq!(from_http_date("yesterday"), None);
        assert_eq!(now().len(), formatted.len());
    }
}
