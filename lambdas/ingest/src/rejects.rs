use std::io::{self, BufWriter, Write};

use restctl_rows::Reject;
use tempfile::{NamedTempFile, TempPath};

const HEADER: &str = "line,column,reason,row\n";

/// The rejects of one load since its last checkpoint, kept on disk (`/tmp` in a Lambda) so that their number does
/// not matter to memory.
pub(crate) struct Rejects {
    /// How many parts there are before this one.
    parts: u32,
    file: Option<BufWriter<NamedTempFile>>,
}

impl Rejects {
    pub(crate) fn after(parts: u32) -> Self {
        Self { parts, file: None }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.file.is_none()
    }

    pub(crate) fn push(&mut self, reject: &Reject) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let mut file = BufWriter::new(NamedTempFile::new()?);
                if self.parts == 0 {
                    file.write_all(HEADER.as_bytes())?;
                }
                none.insert(file)
            }
        };
        let column = quoted(reject.column.as_deref().unwrap_or_default());
        writeln!(file, "{},{column},{},{}", reject.line, quoted(&reject.reason), quoted(&reject.row))
    }

    /// The part as a file, which goes away with its path; none if there are no rejects. The next part begins.
    pub(crate) fn take(&mut self) -> io::Result<Option<TempPath>> {
        let Some(file) = self.file.take() else { return Ok(None) };
        self.parts += 1;
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

    fn reject(line: u64) -> Reject {
        Reject { line, column: Some("id".into()), reason: "is \"x\"".into(), row: ",\"a\nb\"".into() }
    }

    #[test]
    fn the_parts_together_are_one_csv() {
        let mut rejects = Rejects::after(0);
        assert!(rejects.take().unwrap().is_none());
        let mut text = String::new();
        for line in 7..9 {
            rejects.push(&reject(line)).unwrap();
            assert!(!rejects.is_empty());
            text.push_str(&std::fs::read_to_string(rejects.take().unwrap().unwrap()).unwrap());
        }
        let row = "id,\"is \"\"x\"\"\",\",\"\"a\nb\"\"\"";
        assert_eq!(text, format!("line,column,reason,row\n7,{row}\n8,{row}\n"));
    }
}
