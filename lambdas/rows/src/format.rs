//! One reader for each format: text to rows and rejects.

pub(crate) mod csv;
mod json;
pub(crate) mod json_array;
pub(crate) mod ndjson;
mod position;
