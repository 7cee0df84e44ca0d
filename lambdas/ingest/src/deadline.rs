use std::time::{Duration, SystemTime};

/// What is kept for the answer once the work has stopped.
const MARGIN: Duration = Duration::from_secs(3);

/// When the invocation ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(SystemTime);

impl Deadline {
    pub(crate) fn at(time: SystemTime) -> Self {
        Self(time)
    }

    /// The time for work that is left.
    pub(crate) fn left(self) -> Duration {
        self.0.duration_since(SystemTime::now() + MARGIN).unwrap_or_default()
    }
}
