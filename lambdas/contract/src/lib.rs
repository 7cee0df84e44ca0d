//! What the command, the two Lambdas and `templates/stack.yaml` agree on.
//!
//! This crate has no AWS SDK and no runtime, so every other crate can depend on it.

pub mod api;
pub mod escape;
pub mod event;
pub mod issuer;
pub mod json;
pub mod key;
pub mod load;
pub mod log_text;
pub mod number;
pub mod remembered_dialect;
pub mod stack;
pub mod template;
pub mod timestamp;
