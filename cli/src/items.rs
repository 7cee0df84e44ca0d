//! Items on their way out: as JSON, as NDJSON, as CSV, or as a table on a terminal.

mod columns;
pub(crate) mod csv;
pub(crate) mod document;
pub(crate) mod layout;
pub(crate) mod ndjson;
mod spool;
