use std::time::{Duration, SystemTime};

/// What is left for the answer once the work has stopped.
const MARGIN: Duration = Duration::from_secs(3);

/// When the invocation ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(SystemTime);

impl Deadline {
    pub(crate) fn at(time: SystemTime) -> Self {
        Self(time)
    }

    /// Whether there is still time to do something after `wait`.
    pub(crate) fn allows(self, wait: Duration) -> bool {
        SystemTime::now() + wait + MARGIN < self.0
    }
}
