//! One deployment of the stack: the checks before it, the packages, its progress, and the live versions of the functions.

pub(crate) mod concurrency;
pub(crate) mod drift;
pub(crate) mod function_version;
pub(crate) mod operation;
pub(crate) mod packages;
pub(crate) mod preflight;
pub(crate) mod price;
pub(crate) mod progress;
pub(crate) mod protection;
pub(crate) mod retained_data;
pub(crate) mod root_cause;
pub(crate) mod smoke;
