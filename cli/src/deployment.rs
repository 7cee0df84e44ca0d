//! One deployment of the stack: what is checked before, what is packaged, and which versions of the functions are live.

pub(crate) mod drift;
pub(crate) mod function_version;
pub(crate) mod operation;
pub(crate) mod packages;
pub(crate) mod preflight;
pub(crate) mod progress;
pub(crate) mod root_cause;
pub(crate) mod smoke;
