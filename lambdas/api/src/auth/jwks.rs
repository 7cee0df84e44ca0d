//! The keys of an issuer, fetched over HTTPS and cached.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use restctl_aws::{BoxError, HttpsClient, error_chain};
use restctl_contract::issuer::Algorithm;
use restctl_contract::log_text::LogText;
use restctl_verifier::{KeySet, KeySetError, MAX_KEY_SET_BYTES};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::verified::VerifiedTokens;
use crate::problem::Failure;

/// The pause between two fetches for tokens that newer keys could make good, which anyone can send, and after a
/// failure. No other pause is longer.
const REFETCH_PAUSE: Duration = Duration::from_secs(60);

/// The pause between two fetches while there are no keys at all, so that no token can be verified. If other issuers are
/// trusted, too, each further failure doubles it, up to [`REFETCH_PAUSE`]: anyone can name the failing issuer, and a
/// fetch holds the function for up to [`FETCH_TIMEOUT`], during which it serves no client of the others.
const REFETCH_PAUSE_WITHOUT_KEYS: Duration = Duration::from_secs(1);

/// Keys of this age are fetched again. A key that the provider has withdrawn is trusted for this long.
const MAX_AGE: Duration = Duration::from_secs(300);

const FETCH_TIMEOUT: Duration = Duration::from_secs(3);

/// Caches the keys of one issuer.
pub(crate) struct KeyCache {
    https: HttpsClient,
    uri: Uri,
    /// Those that the issuer's tokens may have.
    algorithms: Vec<Algorithm>,
    /// Whether no other issuer is trusted.
    is_only_issuer: bool,
    clock: fn() -> SystemTime,
    /// Locked while fetching, so that one fetch serves every waiting request.
    state: Mutex<KeyCacheState>,
    fetches: AtomicU64,
}

/// A key set as fetched, and the tokens that it has verified.
pub(crate) struct CachedKeys {
    pub(crate) key_set: KeySet,
    pub(crate) verified_tokens: VerifiedTokens,
    document: Bytes,
}

#[derive(Default)]
struct KeyCacheState {
    /// The keys and when they were fetched.
    cached: Option<(Arc<CachedKeys>, SystemTime)>,
    /// When the pause began, and whether that attempt failed. The attempt that brought the first keys starts no pause:
    /// a key that appears just after the function has started is found at once.
    last_attempt: Option<(SystemTime, bool)>,
    /// The attempts that have failed since the last one that succeeded.
    failures: u32,
}

impl KeyCache {
    pub(crate) fn new(
        https: HttpsClient,
        uri: Uri,
        algorithms: Vec<Algorithm>,
        is_only_issuer: bool,
        clock: fn() -> SystemTime,
    ) -> Self {
        let (state, fetches) = (Mutex::default(), AtomicU64::new(0));
        Self { https, uri, algorithms, is_only_issuer, clock, state, fetches }
    }

    /// Fetches the keys while the function starts. A failure does not stop the start: `/health` needs no keys, and the
    /// first request with a token tries again.
    pub(crate) async fn prefetch_keys(&self) {
        if let Err(failure) = self.current_keys().await {
            tracing::warn!(cause = %LogText(failure.cause().unwrap_or_default()), "the keys are not available yet");
        }
    }

    /// Returns the cached keys. Fetches them first if there are none or if they are old.
    pub(crate) async fn current_keys(&self) -> Result<Arc<CachedKeys>, Failure> {
        let mut state = self.state.lock().await;
        match &state.cached {
            Some((keys, since)) if self.time_since(*since) < MAX_AGE => Ok(Arc::clone(keys)),
            Some((keys, _)) => {
                let old_keys = Arc::clone(keys);
                match self.fetch_unless_paused(&mut state).await {
                    Ok(fetched) => Ok(fetched),
                    Err(failure) => {
                        let cause = failure.cause().unwrap_or_default();
                        tracing::warn!(cause = %LogText(cause), "the old keys stay in use");
                        Ok(old_keys)
                    }
                }
            }
            None => {
                let fetched = self.fetch_unless_paused(&mut state).await?;
                state.last_attempt = None;
                Ok(fetched)
            }
        }
    }

    /// Returns the keys that are there, however old they are.
    pub(crate) async fn cached_keys(&self) -> Option<Arc<CachedKeys>> {
        self.state.lock().await.cached.as_ref().map(|(keys, _)| Arc::clone(keys))
    }

    /// Returns newer keys after `known` refused a token that they could make good, if another request has fetched them
    /// in the meantime or if it is time to fetch again. Otherwise returns the same keys.
    pub(crate) async fn keys_newer_than(&self, known: &Arc<CachedKeys>) -> Result<Arc<CachedKeys>, Failure> {
        let mut state = self.state.lock().await;
        match &state.cached {
            Some((keys, _)) if !Arc::ptr_eq(keys, known) => Ok(Arc::clone(keys)),
            _ => self.fetch_unless_paused(&mut state).await,
        }
    }

    /// Returns how many fetches were attempted since the last call.
    pub(crate) fn take_fetch_count(&self) -> u64 {
        self.fetches.swap(0, Ordering::Relaxed)
    }

    /// Fetches the keys, unless the pause after the last attempt is not over: then its outcome stands. A failure keeps
    /// the cached keys.
    async fn fetch_unless_paused(&self, state: &mut KeyCacheState) -> Result<Arc<CachedKeys>, Failure> {
        if let Some((last, failed)) = state.last_attempt {
            let left = self.pause_after(state).saturating_sub(self.time_since(last));
            match &state.cached {
                Some((keys, _)) if !left.is_zero() && !failed => return Ok(Arc::clone(keys)),
                _ if !left.is_zero() => {
                    let cause = format!("{}: the last attempt failed, and the next one is not due", self.uri);
                    return Err(Failure::KeysUnavailable { cause, retry_after: left });
                }
                _ => {}
            }
        }
        self.fetches.fetch_add(1, Ordering::Relaxed);
        // Set before the fetch, because a request that runs out of time drops this future.
        state.last_attempt = Some(((self.clock)(), true));
        state.failures = state.failures.saturating_add(1);
        let cached = state.cached.as_ref().map(|(keys, _)| keys);
        let outcome = timeout(FETCH_TIMEOUT, self.fetch_keys(cached)).await;
        let outcome = outcome.unwrap_or_else(|_| Err("no answer in time".into()));
        state.last_attempt = Some(((self.clock)(), outcome.is_err()));
        match outcome {
            Ok(fetched) => {
                state.cached = Some((Arc::clone(&fetched), (self.clock)()));
                state.failures = 0;
                Ok(fetched)
            }
            Err(error) => {
                let cause = format!("{}: {}", self.uri, error_chain(&*error));
                Err(Failure::KeysUnavailable { cause, retry_after: self.pause_after(state) })
            }
        }
    }

    /// Returns the pause that follows the last attempt.
    fn pause_after(&self, state: &KeyCacheState) -> Duration {
        if state.cached.is_some() {
            return REFETCH_PAUSE;
        }
        let doublings = if self.is_only_issuer { 0 } else { state.failures.saturating_sub(1) };
        REFETCH_PAUSE_WITHOUT_KEYS.saturating_mul(2_u32.saturating_pow(doublings)).min(REFETCH_PAUSE)
    }

    /// Fetches the keys. If they have not changed, returns `cached` with its verified tokens.
    async fn fetch_keys(&self, cached: Option<&Arc<CachedKeys>>) -> Result<Arc<CachedKeys>, BoxError> {
        // Redirects are not followed: keys come only from where the deployment says.
        let request =
            Request::get(&self.uri).header("accept", "application/json").header("user-agent", "restctl");
        let answer = self.https.request(request.body(Full::default())?).await?;
        if answer.status() != StatusCode::OK {
            return Err(format!("the answer's status is {}, not 200", answer.status()).into());
        }
        let document = Limited::new(answer.into_body(), MAX_KEY_SET_BYTES).collect().await?.to_bytes();
        match cached {
            Some(cached) if cached.document == document => Ok(Arc::clone(cached)),
            _ => Ok(Arc::new(CachedKeys {
                key_set: self.read_key_set(&document)?,
                verified_tokens: VerifiedTokens::default(),
                document,
            })),
        }
    }

    /// Reads the keys for the issuer's algorithms. Warns of each private key that the issuer publishes, which anyone
    /// could sign with and which is not used.
    fn read_key_set(&self, document: &[u8]) -> Result<KeySet, KeySetError> {
        let outcome = KeySet::parse(document, &self.algorithms);
        let reports = match &outcome {
            Ok(key_set) => key_set.reports(),
            Err(KeySetError::NoUsableKey { reports }) => reports,
            Err(_) => &[],
        };
        for report in reports.iter().filter(|report| report.is_exposed) {
            let (uri, key) = (self.uri.to_string(), report.to_string());
            tracing::warn!(uri = %LogText(&uri), key = %LogText(&key), "the issuer publishes a private key");
        }
        outcome
    }

    /// Returns the time since `start`. A clock that was set back ends every pause.
    fn time_since(&self, start: SystemTime) -> Duration {
        (self.clock)().duration_since(start).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests;
