//! A message about an object: what it says, the queue that it came from, and the time that is left for it.

mod deadline;
mod event;
mod queue;

pub(crate) use deadline::Deadline;
pub(crate) use event::ObjectCreated;
pub(crate) use queue::{Queue, receives, rest_after};
