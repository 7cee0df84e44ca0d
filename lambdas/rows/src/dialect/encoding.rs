use std::fmt;

/// How a file is written, told by its name: `items.csv`, `items.ndjson.gz`, `items.json.zst`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding {
    pub format: Format,
    pub compression: Compression,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `.csv`: values with a delimiter between them and a header (RFC 4180).
    Csv,
    /// `.ndjson`, `.jsonl`: a JSON object a line.
    Ndjson,
    /// `.json`: one array of objects.
    JsonArray,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    /// `.gz` (RFC 1952), of one member or several.
    Gzip,
    /// `.zst` (RFC 8878), of one frame or several.
    Zstd,
}

/// A file name that says nothing about the format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the name {name:?} does not tell the format")]
pub struct UnknownEnding {
    name: String,
}

impl Encoding {
    /// The encoding of the file or object called `name`; the endings' case does not matter.
    pub fn of(name: &str) -> Result<Self, UnknownEnding> {
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
        let of = |name| Encoding::of(name).map(|encoding| (encoding.format, encoding.compression)).unwrap();
        assert_eq!(of("a/b.c/items.CSV"), (Format::Csv, Compression::None));
        assert_eq!(of("items.jsonl"), (Format::Ndjson, Compression::None));
        assert_eq!(of("items.ndjson.gz"), (Format::Ndjson, Compression::Gzip));
        assert_eq!(of("items.json"), (Format::JsonArray, Compression::None));
        assert_eq!(of("items.Json.ZST"), (Format::JsonArray, Compression::Zstd));
        for unknown in ["items.xlsx", "items.gz", "items.csv.zip", "items.csv.gz.gz", "csv", "csv.gz", ""] {
            assert_eq!(Encoding::of(unknown), Err(UnknownEnding { name: unknown.to_owned() }));
        }
    }
}
