//! Rows that cannot be loaded.

pub(crate) mod excerpt;
