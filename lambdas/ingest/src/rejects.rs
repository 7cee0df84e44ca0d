//! The rows of a load that were rejected, and why.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use restctl_rows::Reject;
use tempfile::{NamedTempFile, TempPath};

use crate::error::Error;

const HEADER: &str = "line,column,reason,row\n";

/// A load's rejects since its last checkpoint. They are on disk (`/tmp` in a Lambda), because there may be more than
/// memory holds.
pub(crate) struct RejectsPart {
    /// The number of parts before this one.
    earlier_parts: u32,
    file: Option<BufWriter<NamedTempFile>>,
}

impl RejectsPart {
    pub(crate) fn new(earlier_parts: u32) -> Self {
        Self { earlier_parts, file: None }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.file.is_none()
    }

    pub(crate) fn push(&mut self, reject: &Reject) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let mut file = BufWriter::new(NamedTempFile::new()?);
                if self.earlier_parts == 0 {
                    file.write_all(HEADER.as_bytes())?;
                }
                none.insert(file)
            }
        };
        let column = quote_csv_cell(reject.column.as_deref().unwrap_or_default());
        writeln!(
            file,
            "{},{column},{},{}",
            reject.line,
            quote_csv_cell(&reject.reason),
            quote_csv_cell(&reject.row)
        )
    }

    /// Returns the part as a file that is deleted with its path, and begins the next part. Returns `None` if there
    /// are no rejects.
    pub(crate) fn take_file(&mut self) -> io::Result<Option<TempPath>> {
        let Some(file) = self.file.take() else { return Ok(None) };
        self.earlier_parts += 1;
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Some(file.into_temp_path()))
    }
}

/// Puts a part into the bucket.
pub(crate) async fn upload_part(s3: &Client, bucket: &str, key: &str, path: &Path) -> Result<(), Error> {
    let body =
        ByteStream::from_path(path).await.map_err(|error| Error::RejectsFile(io::Error::other(error)))?;
    let put = s3.put_object().bucket(bucket).key(key).content_type("text/csv; charset=utf-8").body(body);
    put.send().await.map_err(|error| Error::failed_call("PutObject", key, error))?;
    Ok(())
}

/// Quotes a cell if RFC 4180 requires it.
fn quote_csv_cell(cell: &str) -> String {
    if cell.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample_reject(line: u64) -> Reject {
        let (column, reason, row) = (Some("id".into()), "is \"x\"".into(), ",\"a\nb\"".into());
        Reject { line, column, reason, row, has_multiline_cell: false }
    }

    #[test]
    fn all_parts_together_are_one_csv_file() {
        let mut rejects = RejectsPart::new(0);
        assert!(rejects.take_file().unwrap().is_none());
        let mut text = String::new();
        for line in 7..9 {
            rejects.push(&sample_reject(line)).unwrap();
            assert!(!rejects.is_empty());
            text.push_str(&std::fs::read_to_string(rejects.take_file().unwrap().unwrap()).unwrap());
        }
        let row = "id,\"is \"\"x\"\"\",\",\"\"a\nb\"\"\"";
        assert_eq!(text, format!("line,column,reason,row\n7,{row}\n8,{row}\n"));
    }
}
