//! The pauses between two looks at something that AWS has not finished yet. A test owns its clock, so that a quarter of an hour
//! passes at once.

use std::time::{Duration, Instant};

#[cfg(test)]
use std::sync::{Mutex, PoisonError};

use crate::failure::Result;

#[derive(Default)]
pub(crate) enum Clock {
    #[default]
    System,
    /// Counts the pauses instead of waiting.
    #[cfg(test)]
    Test(Mutex<Duration>),
}

impl Clock {
    pub(crate) async fn sleep(&self, pause: Duration) {
        match self {
            Self::System => tokio::time::sleep(pause).await,
            #[cfg(test)]
            Self::Test(slept) => {
                *slept.lock().unwrap_or_else(PoisonError::into_inner) += pause;
                tokio::task::yield_now().await;
            }
        }
    }

    /// Tries until there is a result. Returns `None` after the time `patience`.
    pub(crate) async fn poll<T>(
        &self,
        pause: Duration,
        patience: Duration,
        attempt: impl AsyncFn() -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let mut waited = Duration::ZERO;
        loop {
            let found = attempt().await?;
            if found.is_some() || waited >= patience {
                return Ok(found);
            }
            self.sleep(pause).await;
            waited += pause;
        }
    }

    /// Returns the time. In a test, only the pauses let it pass.
    pub(crate) fn now(&self) -> Instant {
        match self {
            Self::System => Instant::now(),
            #[cfg(test)]
            Self::Test(_) => Instant::now() + self.slept(),
        }
    }

    /// Returns the sum of all pauses.
    #[cfg(test)]
    pub(crate) fn slept(&self) -> Duration {
        match self {
            Self::System => Duration::ZERO,
            Self::Test(slept) => *slept.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }
}
