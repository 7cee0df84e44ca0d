//! What a cell or a member is loaded as.

pub(crate) mod column_types;
pub(crate) mod value;
