//! Remembers which events were printed, so that a log can be read again when lines arrive late.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::aws::cloudwatchlogs::LogEvent;

/// How late a line may arrive after the newest one, in milliseconds. Lambda sends lines in batches, within seconds.
const MAX_DELAY_MS: i64 = 30_000;

/// Lines older than this are not read again, even in a quiet log. In milliseconds, and far more than the clock
/// difference at which AWS still accepts a signature.
const MAX_AGE_MS: i64 = 15 * 60_000;

/// The most events to remember, some megabytes. If a log is faster, less of it is read again.
const MAX_EVENTS: usize = 50_000;

pub(super) struct SeenEvents {
    /// The time of each, and a hash of what identifies it.
    events: BTreeSet<(i64, u64)>,
    newest: Option<i64>,
    from: i64,
}

impl SeenEvents {
    pub(super) fn new(since: i64) -> Self {
        Self { events: BTreeSet::new(), newest: None, from: since }
    }

    /// Remembers the event. Returns whether it is new.
    pub(super) fn insert(&mut self, event: &LogEvent) -> bool {
        if event.timestamp < self.from || !self.events.insert((event.timestamp, identity_hash(event))) {
            return false;
        }
        self.newest = self.newest.max(Some(event.timestamp));
        if self.events.len() > MAX_EVENTS
            && let Some((oldest, _)) = self.events.pop_first()
        {
            self.from = self.from.max(oldest + 1);
        }
        true
    }

    /// Returns where to start reading, in milliseconds since the Unix epoch.
    pub(super) fn start_time(&self) -> i64 {
        self.from
    }

    /// Moves the start forward, after the log was read to its end at `now`.
    pub(super) fn advance_start(&mut self, now: i64) {
        let late = self.newest.map_or(i64::MIN, |newest| newest - MAX_DELAY_MS);
        self.from = self.from.max(late).max(now - MAX_AGE_MS);
        self.events = self.events.split_off(&(self.from, 0));
    }
}

fn identity_hash(event: &LogEvent) -> u64 {
    let mut hasher = DefaultHasher::new();
    match &event.id {
        Some(id) => id.hash(&mut hasher),
        // An emulator gives no ids, so two equal lines of one millisecond count as one.
        None => (&event.stream, &event.message).hash(&mut hasher),
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample_event(timestamp: i64, id: impl ToString) -> LogEvent {
        LogEvent { id: Some(id.to_string()), stream: String::new(), timestamp, message: "same".into() }
    }

    #[test]
    fn each_event_is_new_once_however_late() {
        let mut seen = SeenEvents::new(1_000);
        assert!(seen.insert(&sample_event(100_000, 1)));
        assert!(seen.insert(&sample_event(100_000, 2)), "another one of the same millisecond");
        seen.advance_start(100_000);
        assert_eq!(seen.start_time(), 70_000);
        assert!(!seen.insert(&sample_event(100_000, 1)));
        assert!(seen.insert(&sample_event(70_000, 3)), "late");
        assert!(!seen.insert(&sample_event(69_999, 4)), "not asked for any more");
        seen.advance_start(100_001);
        assert_eq!(seen.start_time(), 70_000);
        assert!(!seen.insert(&sample_event(70_000, 3)));
    }

    #[test]
    fn a_quiet_log_is_not_read_from_the_start_for_ever() {
        let mut seen = SeenEvents::new(1_000);
        seen.advance_start(2_000);
        assert_eq!(seen.start_time(), 1_000);
        seen.advance_start(MAX_AGE_MS + 5_000);
        assert_eq!(seen.start_time(), 5_000);
    }

    #[test]
    fn a_fast_log_does_not_fill_the_memory() {
        let mut seen = SeenEvents::new(0);
        let most = i64::try_from(MAX_EVENTS).unwrap();
        assert!((0..most + 10).all(|n| seen.insert(&sample_event(n / 2, n))));
        assert_eq!(seen.events.len(), MAX_EVENTS);
        assert!(!seen.insert(&sample_event(0, 0)), "forgotten, and not printed twice for that");
        assert!(!seen.insert(&sample_event(most / 2, most)));
    }

    #[test]
    fn without_ids_the_text_counts() {
        let line = |message: &str| LogEvent { id: None, message: message.into(), ..sample_event(1, 0) };
        let mut seen = SeenEvents::new(0);
        assert!(seen.insert(&line("a")) && seen.insert(&line("b")) && !seen.insert(&line("a")));
    }
}
