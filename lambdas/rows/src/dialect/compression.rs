use std::fmt;
use std::str::FromStr;

/// How the text of a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    /// RFC 1952, with one member or several.
    Gzip,
    /// RFC 8878, with one frame or several.
    Zstd,
}

/// The first bytes of a gzip member with deflate, which is the only method (RFC 1952, section 2.3.1).
const GZIP: &[u8] = &[0x1f, 0x8b, 0x08];

/// The magic number of a zstd frame (RFC 8878, section 3.1.1).
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// The last three bytes of the magic number of a skippable zstd frame, whose first is 0x50 to 0x5f (RFC 8878, section
/// 3.1.2). Tools that compress in parallel begin with one.
const ZSTD_SKIPPABLE: &[u8] = &[0x2a, 0x4d, 0x18];

impl Compression {
    /// Returns the compression that the first bytes of a file show.
    pub fn from_first_bytes(bytes: &[u8]) -> Self {
        match bytes {
            _ if bytes.starts_with(GZIP) => Compression::Gzip,
            _ if bytes.starts_with(ZSTD) => Compression::Zstd,
            [0x50..=0x5f, rest @ ..] if rest.starts_with(ZSTD_SKIPPABLE) => Compression::Zstd,
            _ => Compression::None,
        }
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

/// Reads the name of an actual compression.
impl FromStr for Compression {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "gzip" => Ok(Compression::Gzip),
            "zstd" => Ok(Compression::Zstd),
            _ => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_show_the_compression() {
        for (bytes, compression) in [
            (b"\x1f\x8b\x08\x00".as_slice(), Compression::Gzip),
            (b"\x28\xb5\x2f\xfd\x24", Compression::Zstd),
            (b"\x52\x2a\x4d\x18\x04", Compression::Zstd),
            (b"id,a\n", Compression::None),
            (b"PK\x03\x04", Compression::None),
            (b"\x1f\x8b", Compression::None),
            (b"", Compression::None),
        ] {
            assert_eq!(Compression::from_first_bytes(bytes), compression, "{bytes:?}");
        }
    }
}
