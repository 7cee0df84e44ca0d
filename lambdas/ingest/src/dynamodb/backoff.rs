use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// How long a failed call waits before the next attempt: exponential backoff with full jitter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backoff {
    pub(crate) first: Duration,
    pub(crate) longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(50), longest: Duration::from_secs(5) }
    }
}

impl Backoff {
    /// Waits after an attempt; the first one is 0.
    pub(crate) async fn wait_after(self, attempt: u32) {
        let longest = self.first.saturating_mul(2_u32.saturating_pow(attempt)).min(self.longest);
        // A hasher's random keys are random enough here.
        let random = RandomState::new().hash_one(attempt) as f64 / u64::MAX as f64;
        tokio::time::sleep(longest.mul_f64(random)).await;
    }
}
