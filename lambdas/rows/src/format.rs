//! One reader for each format. It turns text into rows and rejects.

pub(crate) mod csv;
mod json;
pub(crate) mod json_array;
pub(crate) mod ndjson;
mod position;
