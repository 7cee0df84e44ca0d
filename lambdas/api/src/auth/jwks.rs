//! The identity provider's keys, fetched over HTTPS and kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use restctl_aws::{BoxError, HttpsClient};
use restctl_verifier::{KeySet, MAX_KEY_SET_BYTES};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::verified::Verified;
use crate::problem::Failure;

/// Between two fetches for tokens signed with an unknown key, which anyone can send, and after a fetch that failed.
const PAUSE: Duration = Duration::from_secs(60);

/// Between two fetches while there are no keys at all, and so no request is answered.
const PAUSE_WITHOUT_KEYS: Duration = Duration::from_secs(1);

/// Keys of this age are fetched again: for so long a key is trusted that the provider has withdrawn.
const MOST_AGE: Duration = Duration::from_secs(300);

const FETCH_TIMEOUT: Duration = Duration::from_secs(3);

pub(crate) struct Keys {
    https: HttpsClient,
    uri: Uri,
    /// Held while fetching, so that one fetch serves all who wait.
    state: Mutex<State>,
    fetches: AtomicU64,
}

/// A key set as it was fetched, and what it has verified.
pub(crate) struct Held {
    pub(crate) set: KeySet,
    pub(crate) verified: Verified,
    document: Bytes,
}

#[derive(Default)]
struct State {
    held: Option<(Arc<Held>, SystemTime)>,
    /// The attempt from which the pause counts, and whether it failed. The one that brought the first keys is
    /// none: a key that appears just after the function has started is found at once.
    attempt: Option<(SystemTime, bool)>,
}

impl Keys {
    pub(crate) fn new(https: HttpsClient, uri: Uri) -> Self {
        Self { https, uri, state: Mutex::default(), fetches: AtomicU64::new(0) }
    }

    /// Fetches while the function starts. A failure does not stop the start: `/health` needs no keys, and the
    /// first request that does tries again.
    pub(crate) async fn prefetch(&self) {
        if let Err(failure) = self.held().await {
            tracing::warn!(cause = failure.cause(), "the keys cannot be had yet");
        }
    }

    /// The keys at hand; fetched where there are none, or where they are old and the provider has others.
    pub(crate) async fn held(&self) -> Result<Arc<Held>, Failure> {
        let mut state = self.state.lock().await;
        match &state.held {
            Some((held, since)) if age(*since) < MOST_AGE => Ok(Arc::clone(held)),
            Some((held, _)) => {
                let held = Arc::clone(held);
                match self.attempt(&mut state, PAUSE).await {
                    Ok(fetched) => Ok(fetched),
                    Err(failure) => {
                        tracing::warn!(cause = failure.cause(), "the keys are old, and go on");
                        Ok(held)
                    }
                }
            }
            None => {
                let fetched = self.attempt(&mut state, PAUSE_WITHOUT_KEYS).await?;
                state.attempt = None;
                Ok(fetched)
            }
        }
    }

    /// The keys after `known` turned out to lack one: others if another request has fetched some meanwhile or
    /// it is time to fetch again, else the same.
    pub(crate) async fn other_than(&self, known: &Arc<Held>) -> Result<Arc<Held>, Failure> {
        let mut state = self.state.lock().await;
        match &state.held {
            Some((held, _)) if !Arc::ptr_eq(held, known) => Ok(Arc::clone(held)),
            _ => self.attempt(&mut state, PAUSE).await,
        }
    }

    /// How often the keys have been fetched since this was asked last, whatever came of it.
    pub(crate) fn take_fetches(&self) -> u64 {
        self.fetches.swap(0, Ordering::Relaxed)
    }

    /// Fetches, unless the last attempt was less than `pause` ago: then its outcome stands. A failure leaves
    /// the keys at hand as they are.
    async fn attempt(&self, state: &mut State, pause: Duration) -> Result<Arc<Held>, Failure> {
        if let Some((last, failed)) = state.attempt {
            let left = pause.saturating_sub(age(last));
            match &state.held {
                Some((held, _)) if !left.is_zero() && !failed => return Ok(Arc::clone(held)),
                _ if !left.is_zero() => {
                    let cause =
                        "the last attempt to fetch the keys failed, the next one is not due".to_owned();
                    return Err(Failure::KeysUnavailable { cause, retry_after: left });
                }
                _ => {}
            }
        }
        self.fetches.fetch_add(1, Ordering::Relaxed);
        // Also where whoever waits for it has no more time, and drops it.
        state.attempt = Some((SystemTime::now(), true));
        let outcome = timeout(FETCH_TIMEOUT, self.fetch(state.held.as_ref().map(|(held, _)| held))).await;
        let outcome = outcome.unwrap_or_else(|_| Err("no answer in time".into()));
        state.attempt = Some((SystemTime::now(), outcome.is_err()));
        match outcome {
            Ok(fetched) => {
                state.held = Some((Arc::clone(&fetched), SystemTime::now()));
                Ok(fetched)
            }
            Err(error) => {
                let cause = format!("{}: {}", self.uri, crate::problem::chain(&*error));
                Err(Failure::KeysUnavailable { cause, retry_after: pause })
            }
        }
    }

    /// The keys at hand where the provider's are still the same: what they have verified stays verified.
    async fn fetch(&self, held: Option<&Arc<Held>>) -> Result<Arc<Held>, BoxError> {
        // No redirect is followed: the keys are where the deployment says, and nowhere else.
        let request =
            Request::get(&self.uri).header("accept", "application/json").header("user-agent", "restctl");
        let answer = self.https.request(request.body(Full::default())?).await?;
        if answer.status() != StatusCode::OK {
            return Err(format!("the answer's status is {}, not 200", answer.status()).into());
        }
        let document = Limited::new(answer.into_body(), MAX_KEY_SET_BYTES).collect().await?.to_bytes();
        match held {
            Some(held) if held.document == document => Ok(Arc::clone(held)),
            _ => Ok(Arc::new(Held {
                set: KeySet::from_json(&document)?,
                verified: Verified::default(),
                document,
            })),
        }
    }
}

/// A clock that was set back ends every pause.
fn age(since: SystemTime) -> Duration {
    since.elapsed().unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests;
