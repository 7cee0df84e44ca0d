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
    /// Half of the invocation's time.
    pub(crate) half: Duration,
    pub(crate) clock: fn() -> SystemTime,
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
        let clock = SystemTime::now;
        let all = end.duration_since(clock()).unwrap_or_default();
        Self { end, margin: MARGIN, last_call: LAST_CALL, short: SHORT.min(all / 4), half: all / 2, clock }
    }

    /// Returns the time that is left for work.
    pub(crate) fn time_left(self) -> Duration {
        self.time_until_end().saturating_sub(self.margin)
    }

    /// Returns whether no new work should begin.
    pub(crate) fn is_short(self) -> bool {
        self.time_left() < self.short
    }

    /// Returns whether work that has not come any further would leave too little time to come further in earnest.
    pub(crate) fn is_nearly_short(self) -> bool {
        self.time_left() < self.short * 2
    }

    /// Returns whether work that begins now has most of the invocation's time.
    pub(crate) fn is_fresh(self) -> bool {
        self.time_left() >= self.half && !self.is_nearly_short()
    }

    /// Returns the time until Lambda ends the function by force.
    pub(crate) fn time_until_end(self) -> Duration {
        self.end.duration_since(self.now()).unwrap_or_default()
    }

    pub(crate) fn now(self) -> SystemTime {
        (self.clock)()
    }

    /// Waits, but not beyond the time for work, and returns how much of the wait is left.
    pub(crate) async fn wait(self, time: Duration) -> Duration {
        let waited = time.min(self.time_left());
        tokio::time::sleep(waited).await;
        time - waited
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wait_ends_with_the_time_for_work() {
        let second = Duration::from_secs(1);
        let clock = || SystemTime::UNIX_EPOCH;
        let end = SystemTime::UNIX_EPOCH + MARGIN;
        let ended = Deadline { end, clock, ..Deadline::from_end(end) };
        assert_eq!(ended.wait(second).await, second);
        let short = Deadline { end: end + Duration::from_millis(1), ..ended };
        assert_eq!(short.wait(second).await, Duration::from_millis(999));
        assert_eq!(short.wait(Duration::ZERO).await, Duration::ZERO);
    }
}
