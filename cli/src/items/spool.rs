//! Keeps values in an unnamed file, so that memory does not grow with their number.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure::{FailureContext, Result};

const SPOOL: &str = "cannot keep the items in a temporary file";

pub(super) struct Spool(BufWriter<File>);

impl Spool {
    pub(super) fn new() -> Result<Self> {
        Ok(Self(BufWriter::new(tempfile::tempfile().context_of_temporary_file(SPOOL)?)))
    }

    pub(super) fn push(&mut self, value: &impl Serialize) -> Result<()> {
        serde_json::to_writer(&mut self.0, value).context_of_temporary_file(SPOOL)?;
        self.0.write_all(b"\n").context_of_temporary_file(SPOOL)
    }

    /// Returns the values in the order in which they were pushed.
    pub(super) fn into_values<T: DeserializeOwned>(self) -> Result<impl Iterator<Item = Result<T>>> {
        let written = self.0.into_inner().map_err(|error| error.into_error());
        let mut file = written.context_of_temporary_file(SPOOL)?;
        file.rewind().context_of_temporary_file(SPOOL)?;
        let lines = BufReader::new(file).lines();
        Ok(lines.map(|line| serde_json::from_str(&line.context(SPOOL)?).context(SPOOL)))
    }
}
