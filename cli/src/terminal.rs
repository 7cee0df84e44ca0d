//! The terminal: all that is printed, asked and interrupted goes through here.

pub(crate) mod advice;
pub(crate) mod interrupt;
mod interrupt_handler;
pub(crate) mod ndjson;
pub(crate) mod output;
pub(crate) mod progress;
pub(crate) mod prompt;
pub(crate) mod sanitize;
pub(crate) mod screen;
pub(crate) mod sent_secrets;
pub(crate) mod text;
