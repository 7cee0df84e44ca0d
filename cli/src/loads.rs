//! Loads as their operator sees them: how far they are, their receipts and their dead letters.

pub(crate) mod dead_letter;
pub(crate) mod later_loads;
pub(crate) mod load;
mod obstacle;
mod progress;
pub(crate) mod receipt;
pub(crate) mod rejects_csv;
pub(crate) mod state_text;
#[cfg(test)]
mod test_entry;
pub(crate) mod wait;
