//! The clock of tests, which only they advance.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

thread_local! {
    /// Each test runs on a thread of its own.
    static NOW: Cell<SystemTime> = const { Cell::new(SystemTime::UNIX_EPOCH) };
}

pub(crate) fn test_time() -> SystemTime {
    NOW.get()
}

pub(crate) fn advance_clock(time: Duration) {
    NOW.set(test_time() + time);
}
