use std::time::{Duration, SystemTime};

/// The time that is kept for the ledger and the queue after the work has stopped.
const MARGIN: Duration = Duration::from_secs(3);

/// The time that each call to the queue may take within that margin.
const LAST_CALL: Duration = Duration::from_secs(2);

/// With less time than this, no new work begins. In a short invocation, the limit is a quarter of its time.
const SHORT: Duration = Duration::from_secs(15);

/// When the invocation ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    pub(crate) end: SystemTime,
    pub(crate) margin: Duration,
    pub(crate) last_call: Duration,
    pub(crate) short: Duration,
}

/// Whether work is complete, or has stopped because time is short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Completion {
    Complete,
    TimeIsShort,
}

impl Deadline {
    /// Returns the deadline of an invocation that begins now.
    pub(crate) fn from_end(end: SystemTime) -> Self {
        Self { end, margin: MARGIN, last_call: LAST_CALL, short: SHORT.min(time_until(end) / 4) }
    }

    /// Returns the time that is left for work.
    pub(crate) fn time_left(self) -> Duration {
        self.time_until_end().saturating_sub(self.margin)
    }

    /// Returns whether no new work should begin.
    pub(crate) fn is_short(self) -> bool {
        self.time_left() < self.short
    }

    /// Returns the time until Lambda ends the function by force.
    pub(crate) fn time_until_end(self) -> Duration {
        time_until(self.end)
    }
}

fn time_until(time: SystemTime) -> Duration {
    time.duration_since(SystemTime::now()).unwrap_or_default()
}
