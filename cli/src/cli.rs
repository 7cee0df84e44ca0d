//! What commands take: the target, the configuration file, the names that a shell completes, texts in files that arguments
//! name, tags, durations, how long to wait, and words that clap has not parsed.

pub(crate) mod completion_cache;
pub(crate) mod config_file;
pub(crate) mod duration;
pub(crate) mod file_argument;
pub(crate) mod tag_argument;
pub(crate) mod target;
pub(crate) mod unparsed_words;
pub(crate) mod wait;
