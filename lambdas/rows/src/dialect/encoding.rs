//! The format and the compression of a file.

use std::fmt;

/// How a file is encoded, as its name tells: `items.csv`, `items.ndjson.gz`, `items.json.zst`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding {
    pub format: Format,
    pub compression: Compression,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `.csv`: a header, and values separated by a delimiter (RFC 4180).
    Csv,
    /// `.ndjson`, `.jsonl`: JSON objects, usually one per line. At the start of the file, also arrays of objects.
    Ndjson,
    /// `.json`: arrays of objects, or objects.
    JsonArray,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    /// `.gz` (RFC 1952), with one member or several.
    Gzip,
    /// `.zst` (RFC 8878), with one frame or several.
    Zstd,
}

/// The error for a file name that does not tell the format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the name {name:?} does not tell the format")]
pub struct UnknownEnding {
    name: String,
}

impl Encoding {
    /// Returns the encoding of the file or object `name`. The case of the endings does not matter.
    ///
    /// # Errors
    /// If the name does not tell it.
    pub fn from_name(name: &str) -> Result<Self, UnknownEnding> {
        let lower = name.to_ascii_lowercase();
        let (text, compression) = match lower.rsplit_once('.') {
            Some((text, "gz")) => (text, Compression::Gzip),
            Some((text, "zst")) => (text, Compression::Zstd),
            _ => (lower.as_str(), Compression::None),
        };
        let format = match text.rsplit_once('.') {
            Some((_, "csv")) => Format::Csv,
            Some((_, "ndjson" | "jsonl")) => Format::Ndjson,
            Some((_, "json")) => Format::JsonArray,
            _ => return Err(UnknownEnding { name: name.to_owned() }),
        };
        Ok(Self { format, compression })
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Compression::None => "no compression",
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells_the_encoding() {
        let encoding =
            |name| Encoding::from_name(name).map(|encoding| (encoding.format, encoding.compression)).unwrap();
        assert_eq!(encoding("a/b.c/items.CSV"), (Format::Csv, Compression::None));
        assert_eq!(encoding("items.jsonl"), (Format::Ndjson, Compression::None));
        assert_eq!(encoding("items.ndjson.gz"), (Format::Ndjson, Compression::Gzip));
        assert_eq!(encoding("items.json"), (Format::JsonArray, Compression::None));
        assert_eq!(encoding("items.Json.ZST"), (Format::JsonArray, Compression::Zstd));
        for unknown in ["items.xlsx", "items.gz", "items.csv.zip", "items.csv.gz.gz", "csv", "csv.gz", ""] {
            assert_eq!(Encoding::from_name(unknown), Err(UnknownEnding { name: unknown.to_owned() }));
        }
    }
}
