//! Values that wait in a file without a name, since memory is not to grow with their number.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure::{Failure, FailureContext, Result};

const SPOOL: &str = "items cannot be kept in a temporary file";

pub(super) struct Spool(BufWriter<File>);

impl Spool {
    pub(super) fn new() -> Result<Self> {
        Ok(Self(BufWriter::new(tempfile::tempfile().context(SPOOL).map_err(more_space)?)))
    }

    pub(super) fn push(&mut self, value: &impl Serialize) -> Result<()> {
        serde_json::to_writer(&mut self.0, value).context(SPOOL).map_err(more_space)?;
        self.0.write_all(b"\n").context(SPOOL).map_err(more_space)
    }

    /// In the order in which they came.
    pub(super) fn read<T: DeserializeOwned>(self) -> Result<impl Iterator<Item = Result<T>>> {
        let written = self.0.into_inner().map_err(|error| error.into_error());
        let mut file = written.context(SPOOL).map_err(more_space)?;
        file.rewind().context(SPOOL)?;
        let lines = BufReader::new(file).lines();
        Ok(lines.map(|line| serde_json::from_str(&line.context(SPOOL)?).context(SPOOL)))
    }
}

fn more_space(failure: Failure) -> Failure {
    failure.next("name a folder with more space: export TMPDIR=/path/to/it")
}
