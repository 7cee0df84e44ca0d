//! The size of a function's package.

use std::fs::{self, File};
use std::io::{self, Cursor, Seek, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

pub(crate) struct Package {
    pub(crate) bytes: u64,
    /// The size of the zip file, deflated as `restctl deploy` does it.
    pub(crate) zipped_bytes: u64,
}

impl Package {
    /// Measures these files and the contents of these folders.
    ///
    /// # Errors
    /// Fails if one cannot be read.
    pub(crate) fn measure_files(files: &[impl AsRef<Path>]) -> Result<Self, String> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let mut bytes = 0;
        for file in files.iter().map(AsRef::as_ref) {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            bytes +=
                add_to_zip(&mut zip, file, &name).map_err(|error| format!("{}: {error}", file.display()))?;
        }
        let zip = zip.finish().map_err(|error| error.to_string())?.into_inner();
        Ok(Self { bytes, zipped_bytes: zip.len() as u64 })
    }
}

fn add_to_zip<W: Write + Seek>(zip: &mut ZipWriter<W>, path: &Path, name: &str) -> io::Result<u64> {
    if path.is_dir() {
        return fs::read_dir(path)?.try_fold(0, |bytes, entry| {
            let entry = entry?;
            let name = format!("{name}/{}", entry.file_name().to_string_lossy());
            Ok(bytes + add_to_zip(zip, &entry.path(), &name)?)
        });
    }
    zip.start_file(name, SimpleFileOptions::default().compression_method(CompressionMethod::Deflated))?;
    io::copy(&mut File::open(path)?, zip)
}
