use std::time::{Duration, SystemTime};

/// What is kept for the last words to the ledger and the queue once the work has stopped.
const MARGIN: Duration = Duration::from_secs(3);

/// No new work is begun when so much is left; of a short invocation a quarter.
const SHORT: Duration = Duration::from_secs(15);

/// When the invocation ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    end: SystemTime,
    short: Duration,
}

impl Deadline {
    /// The end of an invocation that begins now.
    pub(crate) fn at(end: SystemTime) -> Self {
        Self { end, short: SHORT.min(time_until(end) / 4) }
    }

    /// The time for work that is left.
    pub(crate) fn left(self) -> Duration {
        time_until(self.end).saturating_sub(MARGIN)
    }

    /// Whether it is time to come to a close.
    pub(crate) fn is_short(self) -> bool {
        self.left() < self.short
    }

    /// The time until the function is ended by force.
    pub(crate) fn until_end(self) -> Duration {
        time_until(self.end)
    }
}

fn time_until(time: SystemTime) -> Duration {
    time.duration_since(SystemTime::now()).unwrap_or_default()
}
