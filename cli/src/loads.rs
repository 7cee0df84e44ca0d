//! Loads as the operator sees them: their entries in the ledger, their progress, receipts and dead letters.

pub(crate) mod dead_letter;
pub(crate) mod load;
pub(crate) mod progress;
pub(crate) mod receipt;
