//! A message about an object: what it says, its queue, and the time that is left for it.

mod deadline;
mod queue;

pub(crate) use deadline::{Completion, Deadline};
pub(crate) use queue::{LoadQueue, receive_count, retry_delay};
