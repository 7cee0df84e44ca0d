use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// Calls in flight at most: 32 batches of 25 at 10 ms each are 80,000 rows a second, twice a table's default quota.
const MOST: f64 = 32.0;

/// Throttled calls that were in flight together are one reason to slow down, not several.
const ONE_CUT_EVERY: Duration = Duration::from_millis(100);

/// How many calls may be in flight: half as many each time the table throttles, one more with each round of calls
/// that it takes (additive increase, multiplicative decrease, as TCP finds its share of a line).
pub(super) struct Pace {
    state: Mutex<State>,
    freed: Notify,
}

struct State {
    most: f64,
    in_flight: usize,
    cut: Option<Instant>,
}

/// One call's place; free again when it is dropped.
pub(super) struct Turn<'a>(&'a Pace);

impl Default for Pace {
    fn default() -> Self {
        Self { state: Mutex::new(State { most: MOST, in_flight: 0, cut: None }), freed: Notify::new() }
    }
}

impl Pace {
    pub(super) async fn turn(&self) -> Turn<'_> {
        loop {
            let freed = self.freed.notified();
            {
                let mut state = self.state();
                if (state.in_flight as f64) < state.most.floor() {
                    state.in_flight += 1;
                    return Turn(self);
                }
            }
            freed.await;
        }
    }

    pub(super) fn taken(&self) {
        let mut state = self.state();
        state.most = (state.most + state.most.recip()).min(MOST);
    }

    pub(super) fn throttled(&self) {
        let mut state = self.state();
        if state.cut.is_none_or(|cut| cut.elapsed() >= ONE_CUT_EVERY) {
            state.cut = Some(Instant::now());
            state.most = (state.most / 2.0).max(1.0);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.state().in_flight -= 1;
        self.0.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;

    use super::*;

    fn most(pace: &Pace) -> f64 {
        pace.state().most
    }

    #[test]
    fn a_burst_of_throttles_halves_once_and_success_comes_back_slowly() {
        let pace = Pace::default();
        (0..32).for_each(|_| pace.throttled());
        assert_eq!(most(&pace), 16.0);
        (0..16).for_each(|_| pace.taken());
        assert!((16.5..=17.0).contains(&most(&pace)), "{}", most(&pace));
        (0..10_000).for_each(|_| pace.taken());
        assert_eq!(most(&pace), MOST);
    }

    #[test]
    fn one_call_is_always_allowed() {
        let pace = Pace::default();
        for _ in 0..10 {
            pace.state().cut = None;
            pace.throttled();
        }
        assert_eq!(most(&pace), 1.0);
        let first = pace.turn().now_or_never().unwrap();
        let mut second = pin!(pace.turn());
        assert!(second.as_mut().now_or_never().is_none());
        drop(first);
        assert!(second.now_or_never().is_some());
    }
}
