//! What a number format of Excel shows of a moment.

use calamine::{ExcelDateTime, ExcelDateTimeType};

use crate::data_file::conversion::moment;

const MILLIS_PER_DAY: i64 = 86_400_000;

/// The first serial number that is no date: the day after 31 December 9999.
const END_OF_DATES: f64 = 2_958_466.0;

/// 29 February 1900, which never was, but which Excel counts.
const LEAP_DAY_OF_1900: i64 = 60;

/// From serial number 0 to 1 January 1970.
const DAYS_BEFORE_1970: i64 = 25_569;

/// Likewise, where serial number 0 is 1 January 1904.
const DAYS_FROM_1904: i64 = 24_107;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MomentParts {
    Date,
    Time,
    DateAndTime,
    /// The format does not tell.
    Unknown,
}

impl MomentParts {
    /// Reads a format code such as `dd/mm/yyyy h:mm` (ECMA-376 part 1, 18.8.31).
    pub(super) fn from_format_code(code: &str) -> Self {
        let (mut date, mut time, mut month_or_minute) = (false, false, false);
        let mut characters = code.chars();
        while let Some(character) = characters.next() {
            match character.to_ascii_lowercase() {
                ';' => break,
                '\\' | '_' | '*' => _ = characters.next(),
                '"' => _ = characters.by_ref().find(|character| *character == '"'),
                '[' => _ = characters.by_ref().find(|character| *character == ']'),
                'y' | 'd' => date = true,
                'h' | 's' => time = true,
                'm' => month_or_minute = true,
                _ => {}
            }
        }
        match (date || (month_or_minute && !time), time) {
            (true, true) => Self::DateAndTime,
            (true, false) => Self::Date,
            (false, true) => Self::Time,
            (false, false) => Self::Unknown,
        }
    }
}

/// Returns the text of a moment, of which the cell's format shows `parts`. No part that is not zero is left out. If
/// Excel has no date for the moment, and shows number signs, returns its serial number.
pub(super) fn text_of_moment(moment: &ExcelDateTime, parts: MomentParts) -> Result<String, f64> {
    let serial = moment.as_f64();
    let millis = (serial * MILLIS_PER_DAY as f64).round();
    if moment.is_duration() && serial.is_finite() {
        return Ok(moment::duration(millis as i64));
    }
    if !(0.0..END_OF_DATES).contains(&serial) {
        return Err(serial);
    }
    let (days, millis) = (millis as i64 / MILLIS_PER_DAY, millis as i64 % MILLIS_PER_DAY);
    let time = moment::time(millis * 1_000_000);
    let date = if is_1904(moment) { Some(moment::date(days - DAYS_FROM_1904)) } else { date_of_1900(days) };
    Ok(match (date, parts) {
        (None, _) => time,
        (_, MomentParts::Time) if days == 0 => time,
        (Some(date), MomentParts::Date | MomentParts::Unknown) if millis == 0 => date,
        (Some(date), _) => format!("{date}T{time}"),
    })
}

fn is_1904(moment: &ExcelDateTime) -> bool {
    *moment == ExcelDateTime::new(moment.as_f64(), ExcelDateTimeType::DateTime, true)
}

/// Returns the date with that serial number. `None` for 0, which is a time of day.
fn date_of_1900(days: i64) -> Option<String> {
    match days {
        0 => None,
        LEAP_DAY_OF_1900 => Some("1900-02-29".to_owned()),
        1..LEAP_DAY_OF_1900 => Some(moment::date(days + 1 - DAYS_BEFORE_1970)),
        _ => Some(moment::date(days - DAYS_BEFORE_1970)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(serial: f64, format: &str, is_1904: bool) -> Result<String, f64> {
        let moment = ExcelDateTime::new(serial, ExcelDateTimeType::DateTime, is_1904);
        text_of_moment(&moment, MomentParts::from_format_code(format))
    }

    #[test]
    fn the_format_decides_what_is_shown_of_a_moment() {
        for (serial, format, is_1904, shown) in [
            (46037.0, "yyyy-mm-dd", false, "2026-01-15"),
            (46037.0, "dd/mm/yyyy h:mm", false, "2026-01-15T00:00:00"),
            (46_037.395_833_333_336, "yyyy\\-mm\\-dd", false, "2026-01-15T09:30:00"),
            (0.395_833_333_333_333_3, "h:mm AM/PM", false, "09:30:00"),
            (0.395_833_333_333_333_3, "General", false, "09:30:00"),
            (46037.5, "[$-409]h:mm", false, "2026-01-15T12:00:00"),
            (46037.0, "mmm", false, "2026-01-15"),
            (0.999_999_999_9, "mm:ss", false, "1900-01-01T00:00:00"),
            (1.0, "d", false, "1900-01-01"),
            (60.0, "d", false, "1900-02-29"),
            (61.0, "d", false, "1900-03-01"),
            (0.0, "d", true, "1904-01-01"),
            (44575.0, "\"day\" d", true, "2026-01-15"),
            (2_958_465.0, "d", false, "9999-12-31"),
        ] {
            assert_eq!(text(serial, format, is_1904), Ok(shown.to_owned()), "{serial} as {format}");
        }
        assert_eq!(text(-1.5, "d", false), Err(-1.5));
        assert_eq!(text(2_958_466.0, "d", false), Err(2_958_466.0));
        let duration = ExcelDateTime::new(1.125, ExcelDateTimeType::TimeDelta, false);
        assert_eq!(text_of_moment(&duration, MomentParts::Time).unwrap(), "PT27H00M00S");
    }
}
