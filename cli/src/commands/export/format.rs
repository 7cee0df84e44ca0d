//! The format of the exported items.

use std::path::Path;

use clap::ValueEnum;

use crate::failure::{Exit, Failure, Result};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    Csv,
    Ndjson,
}

impl ExportFormat {
    /// Returns the format in which `upload` would read a file of this name.
    pub(super) fn from_extension(file: &Path) -> Result<Self> {
        let extension = file.extension().unwrap_or_default().to_ascii_lowercase();
        match extension.to_str() {
            Some("csv") => Ok(Self::Csv),
            Some("ndjson" | "jsonl") => Ok(Self::Ndjson),
            _ => Err(Failure::new(format!("the name {} does not show the format", file.display()))
                .exit(Exit::Usage)
                .why("it does not end in .csv, .ndjson or .jsonl")
                .next("choose such a name, or use --format csv or --format ndjson")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_gives_the_format() {
        for (name, format) in [
            ("a.csv", ExportFormat::Csv),
            ("b/A.CSV", ExportFormat::Csv),
            ("a.jsonl", ExportFormat::Ndjson),
            ("a.ndjson", ExportFormat::Ndjson),
        ] {
            assert_eq!(ExportFormat::from_extension(Path::new(name)).unwrap(), format);
        }
        for name in ["a", ".csv", "a.json", "a.csv.gz"] {
            assert!(ExportFormat::from_extension(Path::new(name)).is_err(), "{name}");
        }
    }
}
