//! How items are written.

use std::path::Path;

use clap::ValueEnum;

use crate::failure::{Exit, Failure, Result};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Csv,
    Ndjson,
}

impl Format {
    /// The format by which `upload` would read a file of this name.
    pub(super) fn of(file: &Path) -> Result<Self> {
        let extension = file.extension().unwrap_or_default().to_ascii_lowercase();
        match extension.to_str() {
            Some("csv") => Ok(Self::Csv),
            Some("ndjson" | "jsonl") => Ok(Self::Ndjson),
            _ => Err(Failure::new(format!("the name {} does not tell the format", file.display()))
                .exit(Exit::Usage)
                .why("it ends neither in .csv nor in .ndjson or .jsonl")
                .next("name it so, or say --format csv or --format ndjson")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_format() {
        for (name, format) in [
            ("a.csv", Format::Csv),
            ("b/A.CSV", Format::Csv),
            ("a.jsonl", Format::Ndjson),
            ("a.ndjson", Format::Ndjson),
        ] {
            assert_eq!(Format::of(Path::new(name)).unwrap(), format);
        }
        for name in ["a", ".csv", "a.json", "a.csv.gz"] {
            assert!(Format::of(Path::new(name)).is_err(), "{name}");
        }
    }
}
