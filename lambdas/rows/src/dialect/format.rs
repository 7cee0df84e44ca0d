use std::fmt;
use std::str::FromStr;

/// The format of a file's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `.csv`, `.tsv`, `.tab`, `.psv`: a header, and values separated by a delimiter (RFC 4180).
    Csv,
    /// `.ndjson`, `.jsonl`: one JSON object per line.
    Ndjson,
    /// `.json`: one array of objects.
    Json,
}

/// The error for a file that shows its format neither by its name nor by its content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the name {name:?} does not tell the format")]
pub struct UnknownEnding {
    pub(crate) name: String,
}

impl Format {
    /// Returns the format that the ending of a file's name tells, in any case and before an ending of a compression.
    ///
    /// # Errors
    /// If it tells none.
    pub fn from_name(name: &str) -> Result<Self, UnknownEnding> {
        let lower = name.to_ascii_lowercase();
        let text = match lower.rsplit_once('.') {
            Some((text, "gz" | "gzip" | "zst" | "zstd" | "zip")) => text,
            _ => lower.as_str(),
        };
        match text.rsplit_once('.') {
            Some((_, "csv" | "tsv" | "tab" | "psv")) => Ok(Format::Csv),
            Some((_, "ndjson" | "jsonl")) => Ok(Format::Ndjson),
            Some((_, "json")) => Ok(Format::Json),
            _ => Err(UnknownEnding { name: name.to_owned() }),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Csv => "csv",
            Format::Ndjson => "ndjson",
            Format::Json => "json",
        })
    }
}

impl FromStr for Format {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "csv" => Ok(Format::Csv),
            "ndjson" => Ok(Format::Ndjson),
            "json" => Ok(Format::Json),
            _ => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells_the_format() {
        for (name, format) in [
            ("a/b.c/items.CSV", Format::Csv),
            ("items.tsv", Format::Csv),
            ("items.jsonl", Format::Ndjson),
            ("items.ndjson.gz", Format::Ndjson),
            ("items.json", Format::Json),
            ("items.Json.ZST", Format::Json),
            ("items.csv.zip", Format::Csv),
        ] {
            assert_eq!(Format::from_name(name), Ok(format), "{name}");
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        for unknown in ["items.xlsx", "items.gz", "items.csv.gz.gz", "csv", "csv.gz", "_SUCCESS", "in/", ""] {
            assert_eq!(Format::from_name(unknown), Err(UnknownEnding { name: unknown.to_owned() }));
        }
    }
}
