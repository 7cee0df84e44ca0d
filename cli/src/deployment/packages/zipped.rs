//! A Lambda package: a zip with one file, `bootstrap`, which the runtime `provided.al2023` starts.

use std::io::{Cursor, Read, Write};

use zip::result::ZipResult;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// How well a package is compressed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Compression {
    /// For a package that stays on this machine. It takes a quarter of the time, and the package is a tenth larger.
    #[allow(dead_code, reason = "the build script, which shares this file, packs for AWS")]
    Fast = 1,
    /// For a package that is uploaded, and fetched at each cold start.
    Small = 6,
}

/// Packs a binary. The same binary gives the same bytes.
pub(crate) fn zip_binary(binary: &[u8], compression: Compression) -> ZipResult<Vec<u8>> {
    // The default time is 1980-01-01, so the bytes depend only on the binary.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(compression as i64))
        .unix_permissions(0o755);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("bootstrap", options)?;
    zip.write_all(binary)?;
    Ok(zip.finish()?.into_inner())
}

/// Returns the binary that [`zip_binary`] packed.
#[allow(dead_code, reason = "the build script, which shares this file, only packs")]
pub(crate) fn unzip_binary(zip: &[u8]) -> ZipResult<Vec<u8>> {
    let mut binary = Vec::new();
    ZipArchive::new(Cursor::new(zip))?.by_name("bootstrap")?.read_to_end(&mut binary)?;
    Ok(binary)
}
