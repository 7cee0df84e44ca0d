//! Loads as their operator sees them: how far they are, their receipts and their dead letters.

pub(crate) mod dead_letter;
pub(crate) mod load;
pub(crate) mod progress;
pub(crate) mod receipt;
pub(crate) mod rejects_csv;
