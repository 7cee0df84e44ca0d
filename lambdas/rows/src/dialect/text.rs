//! A dialect as one line of text, which travels in an object's metadata: `format=csv&delimiter=%3B`.

use std::fmt;
use std::str::FromStr;

use form_urlencoded::{Serializer, parse};

use super::compression::Compression;
use super::format::Format;
use super::{CsvDialect, Dialect};

const FORMAT: &str = "format";
const COMPRESSION: &str = "compression";
const DELIMITER: &str = "delimiter";
const ESCAPE: &str = "escape";
const ROW_NUMBERS: &str = "row-numbers";
const SKIP_COLUMN: &str = "skip-column";
const MULTILINE_CELLS: &str = "multiline-cells";
const RECORDS: &str = "records";

/// The error for a text that is not a dialect, as another version of restctl may write it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the object's metadata describes its format in a way that this version does not know: {0:?}")]
pub struct UnknownDialect(String);

/// Writes all but the types of columns, in ASCII.
impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Serializer::new(String::new());
        text.append_pair(FORMAT, &self.format.to_string());
        if self.compression != Compression::None {
            text.append_pair(COMPRESSION, &self.compression.to_string());
        }
        if self.format == Format::Csv {
            let CsvDialect { delimiter, escape, row_numbers, skip_columns, multiline_cells, types: _ } =
                &self.csv;
            text.append_pair(DELIMITER, &delimiter.to_string());
            text.extend_pairs(escape.map(|escape| (ESCAPE, escape.to_string())));
            text.extend_pairs(row_numbers.then_some((ROW_NUMBERS, "true")));
            text.extend_pairs(skip_columns.iter().map(|column| (SKIP_COLUMN, column)));
            text.extend_pairs(multiline_cells.then_some((MULTILINE_CELLS, "true")));
        }
        text.extend_pairs(self.records.as_ref().map(|path| (RECORDS, path.to_string())));
        f.write_str(&text.finish())
    }
}

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(text: &str) -> Result<Self, UnknownDialect> {
        let unknown = || UnknownDialect(text.chars().take(100).collect());
        let pairs = || parse(text.as_bytes());
        let format = pairs().find(|(name, _)| name == FORMAT).and_then(|(_, format)| format.parse().ok());
        let mut dialect = Dialect::new(format.ok_or_else(unknown)?, Compression::None);
        for (name, value) in pairs() {
            dialect.set(&name, &value).ok_or_else(unknown)?;
        }
        Ok(dialect)
    }
}

impl Dialect {
    /// Returns `None` if there is no such property or value.
    fn set(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            FORMAT => {}
            COMPRESSION => self.compression = value.parse().ok()?,
            DELIMITER => self.csv.delimiter = value.parse().ok()?,
            ESCAPE => self.csv.escape = Some(value.parse().ok()?),
            ROW_NUMBERS => self.csv.row_numbers = value.parse().ok()?,
            SKIP_COLUMN => self.csv.skip_columns.push(value.to_owned()),
            MULTILINE_CELLS => self.csv.multiline_cells = value.parse().ok()?,
            RECORDS => self.records = Some(value.parse().ok()?),
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialect_survives_as_text() {
        let csv = CsvDialect {
            delimiter: "tab".parse().unwrap(),
            escape: Some("\\".parse().unwrap()),
            row_numbers: true,
            skip_columns: vec!["größe & co".to_owned(), "2".to_owned()],
            multiline_cells: true,
            ..CsvDialect::default()
        };
        let dialect = Dialect { csv, ..Dialect::new(Format::Csv, Compression::Gzip) };
        let text = dialect.to_string();
        assert!(text.is_ascii(), "{text}");
        assert_eq!(text.parse(), Ok(dialect));
        let records = Some("data.größe".parse().unwrap());
        let dialect = Dialect { records, ..Dialect::new(Format::Json, Compression::None) };
        assert_eq!(dialect.to_string().parse(), Ok(dialect));
        let text = Dialect::new(Format::Ndjson, Compression::None).to_string();
        assert_eq!(text, "format=ndjson");
        assert_eq!(text.parse(), Ok(Dialect::new(Format::Ndjson, Compression::None)));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "csv", "format=xml", "delimiter=%3B", "format=csv&quote=%27", "format=csv&escape=ab"]
        {
            assert!(text.parse::<Dialect>().is_err(), "{text}");
        }
    }
}
