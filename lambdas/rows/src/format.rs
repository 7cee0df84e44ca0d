//! One reader for each format. It turns text into rows and rejects.

pub(crate) mod csv;
pub(crate) mod json;
