//! Dates, times and durations as ISO 8601 text.

const NANOS_PER_SECOND: i64 = 1_000_000_000;

const SECONDS_PER_DAY: i64 = 86_400;

pub(super) const NANOS_PER_DAY: i64 = SECONDS_PER_DAY * NANOS_PER_SECOND;

/// Days from 1 March 0000, with which the calendar's cycle of 400 years begins most simply, to 1 January 1970.
const DAYS_BEFORE_1970: i64 = 719_468;

const DAYS_PER_400_YEARS: i64 = 146_097;

/// Formats a day, counted from 1 January 1970.
pub(super) fn date(days: i64) -> String {
    let days = days.saturating_add(DAYS_BEFORE_1970);
    let (cycle, day) = (days.div_euclid(DAYS_PER_400_YEARS), days.rem_euclid(DAYS_PER_400_YEARS));
    // Without its leap days, a cycle has years of 365 days.
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    // From March on, months have 153 days in each five.
    let month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = cycle * 400 + year + i64::from(month <= 2);
    match year {
        0..=9999 => format!("{year:04}-{month:02}-{day_of_month:02}"),
        _ => format!("{year:+05}-{month:02}-{day_of_month:02}"),
    }
}

/// Formats a time of day. The fraction has as many groups of three digits as it needs.
pub(super) fn time(nanos: i64) -> String {
    let (seconds, nanos) = (nanos.div_euclid(NANOS_PER_SECOND), nanos.rem_euclid(NANOS_PER_SECOND));
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}{}", fraction(nanos))
}

/// Formats a day and a time of day.
pub(super) fn date_time(days: i64, nanos: i64) -> String {
    format!("{}T{}", date(days), time(nanos))
}

/// Formats a duration in hours, minutes and seconds.
pub(super) fn duration(millis: i64) -> String {
    let sign = if millis < 0 { "-" } else { "" };
    let millis = millis.unsigned_abs() as i64;
    let (seconds, nanos) = (millis / 1000, millis % 1000 * 1_000_000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{sign}PT{hours:02}H{minutes:02}M{seconds:02}{}S", fraction(nanos))
}

fn fraction(nanos: i64) -> String {
    match nanos {
        0 => String::new(),
        _ if nanos % 1_000_000 == 0 => format!(".{:03}", nanos / 1_000_000),
        _ if nanos % 1000 == 0 => format!(".{:06}", nanos / 1000),
        _ => format!(".{nanos:09}"),
    }
}

#[cfg(test)]
mod tests {
    use time::{Date, Duration, Month};

    use super::*;

    #[test]
    fn every_day_has_the_date_of_the_calendar() {
        let start = Date::from_calendar_date(0, Month::January, 1).unwrap();
        let epoch = Date::from_calendar_date(1970, Month::January, 1).unwrap();
        let first = (start - epoch).whole_days();
        for days in (first..first + 3_652_425).step_by(7) {
            let expected = epoch + Duration::days(days);
            assert_eq!(date(days), expected.to_string());
        }
        assert_eq!(date(-719_529), "-001-12-31".replace("-001", "-0001"));
        assert_eq!(date(2_932_897), "+10000-01-01");
        assert_eq!(date(i64::MAX).len(), date(i64::MAX - 1).len());
    }

    #[test]
    fn fractions_have_no_more_digits_than_needed() {
        assert_eq!(time(0), "00:00:00");
        assert_eq!(time(NANOS_PER_DAY - 1), "23:59:59.999999999");
        assert_eq!(time(34_200_500_000_000), "09:30:00.500");
        assert_eq!(date_time(20_468, 34_200_000_001_000), "2026-01-15T09:30:00.000001");
        assert_eq!(duration(97_200_000), "PT27H00M00S");
        assert_eq!(duration(-90_500), "-PT00H01M30.500S");
    }
}
