//! What every command takes: its target, the configuration file, and the names that a shell completes.

pub(crate) mod completion_cache;
pub(crate) mod config_file;
pub(crate) mod target;
