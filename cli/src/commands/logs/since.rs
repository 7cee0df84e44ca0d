//! The `--since` argument.

use std::str::FromStr;

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::cli::duration::parse_duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Since {
    Ago(Duration),
    At(OffsetDateTime),
}

impl Since {
    /// Returns the time in milliseconds since the Unix epoch.
    pub(super) fn unix_milliseconds(self) -> i64 {
        let time = match self {
            Self::Ago(ago) => {
                OffsetDateTime::now_utc().checked_sub(ago).unwrap_or(OffsetDateTime::UNIX_EPOCH)
            }
            Self::At(time) => time,
        };
        i64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or_default().max(0)
    }
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(time) = OffsetDateTime::parse(text, &Rfc3339) {
            return Ok(Self::At(time));
        }
        let ago = parse_duration(text).and_then(|ago| ago.try_into().ok());
        ago.map(Self::Ago).ok_or_else(|| {
            "give a number with s, m, h or d, as in 90m, or a time as in 2026-01-31T08:00:00Z".to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_given_or_counted_back() {
        let ago = |seconds| Ok(Since::Ago(Duration::seconds(seconds)));
        for (text, since) in [("30s", ago(30)), ("10m", ago(600)), ("2h", ago(7200)), ("3d", ago(259_200))] {
            assert_eq!(text.parse(), since, "{text}");
        }
        let since: Since = "1970-01-01T02:00:01.5+02:00".parse().unwrap();
        assert_eq!(since.unix_milliseconds(), 1500);
        assert!("4294967295d".parse::<Since>().unwrap().unix_milliseconds() >= 0);
        for bad in ["", "m", "10", "-1m", "1.5h", "1w", "é", "1é", "yesterday", "4294967296d"] {
            assert!(bad.parse::<Since>().is_err(), "{bad}");
        }
    }
}
