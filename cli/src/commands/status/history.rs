//! The values of earlier snapshots, for the sparklines.

use std::collections::{HashMap, HashSet, VecDeque};

use tokio::time::Instant;

use super::snapshot::{Part, Snapshot};
use super::text;

/// The most values that are kept: more than a screen is wide.
const MAX_VALUES: usize = 500;

/// Values of earlier snapshots, the oldest first.
#[derive(Default)]
pub(super) struct History {
    pub(super) rows_per_second: VecDeque<u64>,
    pub(super) queue: VecDeque<u64>,
    last_snapshot: Option<Instant>,
    rows_by_load: HashMap<String, u64>,
}

impl History {
    pub(super) fn add_snapshot(&mut self, snapshot: &Snapshot, now: Instant) {
        let rows = self.count_new_rows(snapshot);
        if let Some(last) = self.last_snapshot.replace(now) {
            let seconds = (now - last).as_secs_f64().max(0.001);
            push_bounded(&mut self.rows_per_second, (rows as f64 / seconds).round() as u64);
        }
        if let Part::Known(queue) = &snapshot.queue {
            push_bounded(&mut self.queue, queue.waiting + queue.in_flight);
        }
    }

    /// Returns how many rows were read since the last snapshot.
    fn count_new_rows(&mut self, snapshot: &Snapshot) -> u64 {
        let mut count = 0;
        for entry in snapshot.loads.as_known().into_iter().flatten() {
            let rows = text::rows_read(entry);
            let before = self.rows_by_load.insert(entry.load.to_string(), rows);
            // Rows that were loaded before the first snapshot do not count.
            let is_new = before.is_none() && self.last_snapshot.is_some();
            count += rows.saturating_sub(before.unwrap_or(if is_new { 0 } else { rows }));
        }
        let listed = snapshot.loads.as_known().into_iter().flatten();
        let listed: HashSet<&str> = listed.map(|entry| entry.load.as_str()).collect();
        self.rows_by_load.retain(|load, _| listed.contains(load.as_str()));
        count
    }
}

fn push_bounded(values: &mut VecDeque<u64>, value: u64) {
    if values.len() == MAX_VALUES {
        values.pop_front();
    }
    values.push_back(value);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::commands::status::fixture::{loading_entry, sample_snapshot};

    #[test]
    fn rows_are_counted_from_one_snapshot_to_the_next() {
        let now = Instant::now();
        let mut history = History::default();
        // Rows from before the first snapshot are not traffic.
        history.add_snapshot(&sample_snapshot(vec![loading_entry("a", 5_000)]), now);
        assert!(history.rows_per_second.is_empty());
        history.add_snapshot(&sample_snapshot(vec![loading_entry("a", 6_000)]), now + Duration::from_secs(2));
        let both = |rows| sample_snapshot(vec![loading_entry("b", rows), loading_entry("a", 6_000)]);
        history.add_snapshot(&both(300), now + Duration::from_secs(3));
        // A load that starts over subtracts nothing.
        history.add_snapshot(&both(0), now + Duration::from_secs(4));
        assert_eq!(history.rows_per_second, [500, 300, 0]);
        assert_eq!(history.queue, [3, 3, 3, 3]);
        assert_eq!(history.rows_by_load.len(), 2);
    }

    #[test]
    fn the_history_is_bounded() {
        let mut history = History::default();
        for second in 0..2_000 {
            history.add_snapshot(&sample_snapshot(Vec::new()), Instant::now() + Duration::from_secs(second));
        }
        assert_eq!((history.queue.len(), history.rows_per_second.len()), (MAX_VALUES, MAX_VALUES));
    }
}
