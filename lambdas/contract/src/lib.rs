//! What the command, the two Lambdas and `templates/stack.yaml` agree on, each thing once.
//!
//! Types and names only: no AWS SDK and no runtime, so that every other crate may depend on it.

pub mod api;
pub mod event;
pub mod key;
pub mod load;
pub mod number;
pub mod stack;
pub mod template;
pub mod timestamp;
