//! How an operation on the stack is told: to a person on standard error, to a program as NDJSON on standard output.

use std::cell::Cell;
use std::io::ErrorKind;

use serde::Serialize;
use serde_json::{Value, json};

use crate::failure::{FailureContext, Result};
use crate::terminal::output::{self, Format};

/// The version of the lines' schema, in each of them as `schema`.
const SCHEMA: u32 = 1;

pub(crate) struct NdjsonReport {
    operation: &'static str,
    /// Nobody reads the lines any more (`restctl deploy --output json | head`), which is no reason to stop half-way.
    is_unread: Cell<bool>,
}

impl NdjsonReport {
    /// Of `operation`, the name of its command.
    pub(crate) fn new(operation: &'static str) -> Self {
        Self { operation, is_unread: Cell::new(false) }
    }

    /// A line for a program, with the members of `value`; a person is told by [`output::print_message`].
    pub(crate) fn line(&self, kind: &str, value: &impl Serialize) -> Result<()> {
        if output::chosen_format() == Format::Text || self.is_unread.get() {
            return Ok(());
        }
        let mut line = json!({ "schema": SCHEMA, "operation": self.operation, "type": kind });
        let value = serde_json::to_value(value).context("the line cannot be written as JSON")?;
        if let (Some(line), Value::Object(members)) = (line.as_object_mut(), value) {
            line.extend(members);
        }
        match output::write_line(&line.to_string()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.is_unread.set(true);
                Ok(())
            }
            written => written.context("standard output cannot be written"),
        }
    }

    /// The last line: what the operation came to. Passes a failure on.
    pub(crate) fn conclude(&self, result: Result<Value>) -> Result<()> {
        match result {
            Ok(value) => self.line("result", &value),
            Err(failure) => {
                if let Err(unwritten) = self.line("result", &failure.json()) {
                    output::print_failure(&unwritten);
                }
                Err(failure)
            }
        }
    }
}
