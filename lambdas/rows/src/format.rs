use crate::Unreadable;

/// How a file is written, told by the ending of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `.csv`: comma-separated values with a header (RFC 4180).
    Csv,
    /// `.ndjson`, `.jsonl`: a JSON object a line.
    Ndjson,
    /// `.json`: one array of objects.
    JsonArray,
}

impl Format {
    /// The format of the file or object called `name`; the ending's case does not matter.
    pub fn of(name: &str) -> Result<Self, Unreadable> {
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        match ending.as_deref() {
            Some("csv") => Ok(Format::Csv),
            Some("ndjson" | "jsonl") => Ok(Format::Ndjson),
            Some("json") => Ok(Format::JsonArray),
            _ => Err(Unreadable::UnknownEnding { name: name.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_tells_the_format() {
        assert_eq!(Format::of("a/b.c/items.CSV").unwrap(), Format::Csv);
        assert_eq!(Format::of("items.jsonl").unwrap(), Format::Ndjson);
        assert_eq!(Format::of("items.ndjson").unwrap(), Format::Ndjson);
        assert_eq!(Format::of("items.json").unwrap(), Format::JsonArray);
        for unknown in ["items.xlsx", "items.csv.gz", "csv", ""] {
            let message = Format::of(unknown).unwrap_err().to_string();
            assert!(message.contains(".csv, .ndjson, .jsonl or .json"), "{message}");
        }
    }
}
