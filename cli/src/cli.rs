//! What commands take: the target, the configuration file, the names that a shell completes, and texts in files that
//! arguments name.

pub(crate) mod completion_cache;
pub(crate) mod config_file;
pub(crate) mod file_argument;
pub(crate) mod target;
