//! An entry of the ledger, and a stack, for unit tests.

use aws_sdk_cloudformation::types::{Output, Stack as SdkStack};
use restctl_contract::load::LedgerEntry;
use restctl_contract::template::output;
use serde_json::{Value, json};

use crate::aws::cloudformation::{self, Stack};

/// Returns the entry of a loaded file, with these members in place of its own.
pub(crate) fn ledger_entry(members: &Value) -> LedgerEntry {
    let mut entry = json!({ "load": "0123456789abcdef", "object": "a.csv", "version": "v1", "size": 1,
        "uploaded": "2026-01-15T09:30:05.000Z", "began": "2026-01-15T09:30:06.000Z", "updated": "2026-01-15T09:30:07.000Z",
        "state": "loaded", "attempts": 1, "progress": 0, "position": { "offset": 0, "line": 1 }, "blind": false,
        "confirmed": { "offset": 0, "line": 1 }, "reject_parts": 0, "read": 0, "new": 0, "changed": 0, "unchanged": 0,
        "stale": 0, "rejected": 0, "duplicates": 0, "read_units": 0.0, "write_units": 0.0, "seconds": 0.0 });
    entry.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    serde_json::from_value(entry).unwrap()
}

/// Returns a stack with what a load depends on. The name of each output is in its value.
pub(crate) fn test_stack() -> Stack {
    let names =
        [output::INGEST_FUNCTION, output::LEDGER_TABLE, output::LOAD_QUEUE, output::DEAD_LETTER_QUEUE];
    let output = |name| Output::builder().output_key(name).output_value(format!("http://localhost/{name}"));
    let outputs = names.map(|name| output(name).build());
    cloudformation::from_sdk(SdkStack::builder().set_outputs(Some(outputs.into())).build())
}
