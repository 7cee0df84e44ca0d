use std::io::{self, BufWriter, Write};

use restctl_rows::Reject;
use tempfile::{NamedTempFile, TempPath};

const HEADER: &str = "line,column,reason,row\n";

/// The rejects of one load, kept on disk (`/tmp` in a Lambda) so that their number does not matter to memory.
#[derive(Default)]
pub(crate) struct Rejects {
    file: Option<BufWriter<NamedTempFile>>,
}

impl Rejects {
    pub(crate) fn push(&mut self, reject: &Reject) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let mut file = BufWriter::new(NamedTempFile::new()?);
                file.write_all(HEADER.as_bytes())?;
                none.insert(file)
            }
        };
        let column = quoted(reject.column.as_deref().unwrap_or_default());
        writeln!(file, "{},{column},{},{}", reject.line, quoted(&reject.reason), quoted(&reject.row))
    }

    /// The file, which goes away with its path; none if there are no rejects.
    pub(crate) fn finish(self) -> io::Result<Option<TempPath>> {
        let Some(file) = self.file else { return Ok(None) };
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Some(file.into_temp_path()))
    }
}

/// RFC 4180.
fn quoted(field: &str) -> String {
    if field.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_csv() {
        let mut rejects = Rejects::default();
        let reject =
            Reject { line: 7, column: Some("id".into()), reason: "is \"x\"".into(), row: ",\"a\nb\"".into() };
        rejects.push(&reject).unwrap();
        rejects.push(&Reject { line: 8, column: None, reason: "is odd".into(), row: "1".into() }).unwrap();
        let path = rejects.finish().unwrap().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "line,column,reason,row\n7,id,\"is \"\"x\"\"\",\",\"\"a\nb\"\"\"\n8,,is odd,1\n");
        assert!(Rejects::default().finish().unwrap().is_none());
    }
}
