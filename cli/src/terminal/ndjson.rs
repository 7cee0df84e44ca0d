//! The progress of an operation on the stack as lines of JSON on standard output.

use std::cell::Cell;
use std::io::ErrorKind;

use serde::Serialize;
use serde_json::{Value, json};

use crate::failure::{FailureContext, Result};
use crate::terminal::output::{self, Format};

/// The version of the lines' schema. Each line carries it as `schema`.
const SCHEMA: u32 = 1;

/// Writes the lines. Without `--output json`, it writes nothing.
pub(crate) struct NdjsonReport {
    operation: &'static str,
    /// The reader is gone (`restctl deploy --output json | head`). The operation continues nevertheless.
    reader_is_gone: Cell<bool>,
}

impl NdjsonReport {
    /// `operation` is the name of the command.
    pub(crate) fn new(operation: &'static str) -> Self {
        Self { operation, reader_is_gone: Cell::new(false) }
    }

    /// Writes a line with the members of `value`.
    pub(crate) fn write_line(&self, kind: &str, value: &impl Serialize) -> Result<()> {
        if output::chosen_format() == Format::Text || self.reader_is_gone.get() {
            return Ok(());
        }
        let mut line = json!({ "schema": SCHEMA, "operation": self.operation, "type": kind });
        let value = serde_json::to_value(value).context("cannot write the line as JSON")?;
        if let (Some(line), Value::Object(members)) = (line.as_object_mut(), value) {
            line.extend(members);
        }
        match output::write_json_line(&line.to_string()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.reader_is_gone.set(true);
                Ok(())
            }
            written => written.context("cannot write to standard output"),
        }
    }

    /// Writes the last line, with the result of the operation, and returns its failure.
    pub(crate) fn write_result(&self, result: Result<Value>) -> Result<()> {
        match result {
            Ok(value) => self.write_line("result", &value),
            Err(failure) => {
                if let Err(unwritten) = self.write_line("result", &output::describe_failure(&failure)) {
                    output::print_failure(&unwritten);
                }
                Err(failure)
            }
        }
    }
}
