use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// The most calls in flight. 32 batches of 25 rows at 10 ms each are 80,000 rows a second, twice a table's default
/// quota.
const MAX_IN_FLIGHT: f64 = 32.0;

/// Calls that were in flight together and throttled together count as one reason to slow down.
const CUT_INTERVAL: Duration = Duration::from_millis(100);

/// How many calls may be in flight: half as many each time the table throttles, one more after each round of calls that
/// it accepts (additive increase, multiplicative decrease, as TCP finds its share of a line).
pub(super) struct Pace {
    state: Mutex<PaceState>,
    freed: Notify,
}

struct PaceState {
    max_in_flight: f64,
    in_flight: usize,
    last_cut: Option<Instant>,
}

/// Permission for one call, given back on drop.
pub(super) struct CallSlot<'a>(&'a Pace);

impl Default for Pace {
    fn default() -> Self {
        let state = PaceState { max_in_flight: MAX_IN_FLIGHT, in_flight: 0, last_cut: None };
        Self { state: Mutex::new(state), freed: Notify::new() }
    }
}

impl Pace {
    pub(super) async fn wait_for_slot(&self) -> CallSlot<'_> {
        loop {
            let freed = self.freed.notified();
            {
                let mut state = self.lock_state();
                if (state.in_flight as f64) < state.max_in_flight.floor() {
                    state.in_flight += 1;
                    return CallSlot(self);
                }
            }
            freed.await;
        }
    }

    pub(super) fn speed_up(&self) {
        let mut state = self.lock_state();
        state.max_in_flight = (state.max_in_flight + state.max_in_flight.recip()).min(MAX_IN_FLIGHT);
    }

    pub(super) fn slow_down(&self, now: Instant) {
        let mut state = self.lock_state();
        if state.last_cut.is_none_or(|last_cut| now.duration_since(last_cut) >= CUT_INTERVAL) {
            state.last_cut = Some(now);
            state.max_in_flight = (state.max_in_flight / 2.0).max(1.0);
        }
    }

    fn lock_state(&self) -> MutexGuard<'_, PaceState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for CallSlot<'_> {
    fn drop(&mut self) {
        self.0.lock_state().in_flight -= 1;
        self.0.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;

    use super::*;

    fn max_in_flight(pace: &Pace) -> f64 {
        pace.lock_state().max_in_flight
    }

    #[test]
    fn a_burst_of_throttled_calls_halves_the_pace_once_and_it_recovers_slowly() {
        let pace = Pace::default();
        let now = Instant::now();
        (0..32).for_each(|_| pace.slow_down(now));
        assert_eq!(max_in_flight(&pace), 16.0);
        pace.slow_down(now + CUT_INTERVAL - Duration::from_millis(1));
        assert_eq!(max_in_flight(&pace), 16.0);
        (0..16).for_each(|_| pace.speed_up());
        assert!((16.5..=17.0).contains(&max_in_flight(&pace)), "{}", max_in_flight(&pace));
        (0..10_000).for_each(|_| pace.speed_up());
        assert_eq!(max_in_flight(&pace), MAX_IN_FLIGHT);
    }

    #[test]
    fn one_call_is_always_allowed() {
        let pace = Pace::default();
        let now = Instant::now();
        (0..10).for_each(|cut| pace.slow_down(now + cut * CUT_INTERVAL));
        assert_eq!(max_in_flight(&pace), 1.0);
        let first = pace.wait_for_slot().now_or_never().unwrap();
        let mut second = pin!(pace.wait_for_slot());
        assert!(second.as_mut().now_or_never().is_none());
        drop(first);
        assert!(second.now_or_never().is_some());
    }
}
