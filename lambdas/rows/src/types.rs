//! The types of columns and values.

pub(crate) mod candidate;
pub(crate) mod column_types;
pub(crate) mod value;
