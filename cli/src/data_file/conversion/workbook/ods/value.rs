//! The attributes that give the value of a cell ("OpenDocument 1.3, part 3", 19.385).

use quick_xml::XmlVersion;
use quick_xml::events::BytesStart;

use crate::data_file::conversion::moment;
use crate::data_file::conversion::workbook::cell::Cell;

/// What the start tag of a cell says.
pub(super) struct CellTag {
    /// `None`: its text is the value.
    pub(super) value: Option<Cell>,
    /// In how many columns it stands, one after another.
    pub(super) columns: usize,
}

impl CellTag {
    pub(super) fn parse(tag: &BytesStart<'_>) -> Result<Self, quick_xml::Error> {
        let mut parsed = Self { value: None, columns: 1 };
        let mut is_error = false;
        for attribute in tag.attributes() {
            let attribute = attribute?;
            let text = attribute.normalized_value(XmlVersion::Implicit1_0)?.into_owned();
            match attribute.key.as_ref() {
                "office:value" => parsed.value = Some(cell_of_number(&text)),
                "office:boolean-value" => parsed.value = Some(Cell::Boolean(text == "true")),
                "office:date-value" | "office:string-value" => parsed.value = Some(Cell::from_text(text)),
                "office:time-value" => parsed.value = Some(Cell::Text(time_of_day(&text).unwrap_or(text))),
                "calcext:value-type" => is_error = text == "error",
                "table:number-columns-repeated" => parsed.columns = text.parse().unwrap_or(1),
                _ => {}
            }
        }
        if is_error {
            parsed.value = Some(Cell::Error);
        }
        Ok(parsed)
    }
}

/// Takes a decimal with all its digits, but without a fraction of zeros.
fn cell_of_number(text: &str) -> Cell {
    let whole = text.split_once('.').filter(|(_, zeros)| zeros.bytes().all(|byte| byte == b'0'));
    let text = whole.map_or(text, |(whole, _)| whole);
    match serde_json::from_str::<serde_json::Number>(text) {
        Ok(_) => Cell::Number(text.to_owned()),
        // Such as +5 or .5.
        Err(_) => text.parse().map_or(Cell::Error, Cell::from_float),
    }
}

/// Returns the time of day that a duration of less than a day stands for: a spreadsheet has one type for both.
fn time_of_day(duration: &str) -> Option<String> {
    let (hours, rest) = duration.strip_prefix("PT")?.split_once('H')?;
    let (minutes, seconds) = rest.strip_suffix('S')?.split_once('M')?;
    let (seconds, fraction) = seconds.split_once(['.', ',']).unwrap_or((seconds, ""));
    let part = |text: &str, limit: i64| text.parse().ok().filter(|part| (0..limit).contains(part));
    let seconds = (part(hours, 24)? * 60 + part(minutes, 60)?) * 60 + part(seconds, 60)?;
    let nanos = part(&format!("{fraction:0<9}"), 1_000_000_000)?;
    Some(moment::time(seconds * 1_000_000_000 + nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_digits() {
        for (text, number) in [
            ("3.10", "3.10"),
            ("42.0", "42"),
            ("-7", "-7"),
            ("0.12345678901234567890123", "0.12345678901234567890123"),
            ("1.5E+20", "1.5E+20"),
            ("+5", "5"),
            (".5", "0.5"),
        ] {
            assert_eq!(cell_of_number(text), Cell::Number(number.to_owned()), "{text}");
        }
        assert_eq!(cell_of_number("INF"), Cell::Error);
    }

    #[test]
    fn a_duration_below_a_day_is_a_time() {
        assert_eq!(time_of_day("PT09H30M00S").unwrap(), "09:30:00");
        assert_eq!(time_of_day("PT09H30M00.500000000S").unwrap(), "09:30:00.500");
        for other in ["PT27H00M00S", "P1D", "-PT1H0M0S", "PT1H", "PT1H1M1.1234567890S", ""] {
            assert_eq!(time_of_day(other), None, "{other}");
        }
    }
}
