//! Which events have been printed, so that a log can be read again where lines come late.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::aws::cloudwatchlogs::LogEvent;

/// How far behind the newest line one may come, in milliseconds. Lambda sends lines in batches, within seconds.
const LATE: i64 = 30_000;

/// In a quiet log, what is older than this is not looked at again, whatever the newest line: in milliseconds, and far
/// more than two clocks may differ that AWS takes a signature from.
const QUIET: i64 = 15 * 60_000;

/// Some megabytes. Where a log is faster, less of it is read again.
const MOST: usize = 50_000;

pub(super) struct Seen {
    /// The time of each, and a hash of what identifies it.
    events: BTreeSet<(i64, u64)>,
    newest: Option<i64>,
    from: i64,
}

impl Seen {
    pub(super) fn since(since: i64) -> Self {
        Self { events: BTreeSet::new(), newest: None, from: since }
    }

    /// Whether it has not been seen before.
    pub(super) fn is_new(&mut self, event: &LogEvent) -> bool {
        if event.timestamp < self.from || !self.events.insert((event.timestamp, identity(event))) {
            return false;
        }
        self.newest = self.newest.max(Some(event.timestamp));
        if self.events.len() > MOST
            && let Some((oldest, _)) = self.events.pop_first()
        {
            self.from = self.from.max(oldest + 1);
        }
        true
    }

    /// From where on the log is to be read, in milliseconds since the Unix epoch.
    pub(super) fn from(&self) -> i64 {
        self.from
    }

    /// The log has been read to its end, at `now`.
    pub(super) fn move_on(&mut self, now: i64) {
        let late = self.newest.map_or(i64::MIN, |newest| newest - LATE);
        self.from = self.from.max(late).max(now - QUIET);
        self.events = self.events.split_off(&(self.from, 0));
    }
}

fn identity(event: &LogEvent) -> u64 {
    let mut hasher = DefaultHasher::new();
    match &event.id {
        Some(id) => id.hash(&mut hasher),
        // Two lines of one text and one millisecond are one, in an emulator.
        None => (&event.stream, &event.message).hash(&mut hasher),
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(timestamp: i64, id: impl ToString) -> LogEvent {
        LogEvent { id: Some(id.to_string()), stream: String::new(), timestamp, message: "same".into() }
    }

    #[test]
    fn each_event_is_new_once_however_late() {
        let mut seen = Seen::since(1_000);
        assert!(seen.is_new(&event(100_000, 1)));
        assert!(seen.is_new(&event(100_000, 2)), "another one of the same millisecond");
        seen.move_on(100_000);
        assert_eq!(seen.from(), 70_000);
        assert!(!seen.is_new(&event(100_000, 1)));
        assert!(seen.is_new(&event(70_000, 3)), "late");
        assert!(!seen.is_new(&event(69_999, 4)), "not asked for any more");
        seen.move_on(100_001);
        assert_eq!(seen.from(), 70_000);
        assert!(!seen.is_new(&event(70_000, 3)));
    }

    #[test]
    fn a_quiet_log_is_not_read_from_the_start_for_ever() {
        let mut seen = Seen::since(1_000);
        seen.move_on(2_000);
        assert_eq!(seen.from(), 1_000);
        seen.move_on(QUIET + 5_000);
        assert_eq!(seen.from(), 5_000);
    }

    #[test]
    fn a_fast_log_does_not_fill_the_memory() {
        let mut seen = Seen::since(0);
        let most = i64::try_from(MOST).unwrap();
        assert!((0..most + 10).all(|n| seen.is_new(&event(n / 2, n))));
        assert_eq!(seen.events.len(), MOST);
        assert!(!seen.is_new(&event(0, 0)), "forgotten, and not printed twice for that");
        assert!(!seen.is_new(&event(most / 2, most)));
    }

    #[test]
    fn without_ids_the_text_counts() {
        let line = |message: &str| LogEvent { id: None, message: message.into(), ..event(1, 0) };
        let mut seen = Seen::since(0);
        assert!(seen.is_new(&line("a")) && seen.is_new(&line("b")) && !seen.is_new(&line("a")));
    }
}
