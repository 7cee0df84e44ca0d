//! A Lambda package: a zip with one file, `bootstrap`, as the runtime `provided.al2023` starts it.

use std::io::{Cursor, Write};

use zip::result::ZipResult;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// The same binary gives the same bytes.
pub(crate) fn zip(binary: &[u8]) -> ZipResult<Vec<u8>> {
    // The default time is 1980-01-01, so nothing but the binary decides the bytes.
    let options =
        SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).unix_permissions(0o755);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("bootstrap", options)?;
    zip.write_all(binary)?;
    Ok(zip.finish()?.into_inner())
}
