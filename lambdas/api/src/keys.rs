//! The identity provider's keys, fetched over HTTPS and kept.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::{Client, Url, redirect};
use restctl_verifier::{KeySet, KeySetError, MAX_KEY_SET_BYTES};
use tokio::sync::Mutex;

use crate::failure::{Failure, chain};

/// Between two fetches for tokens signed with an unknown key, which anyone can send.
const PAUSE: Duration = Duration::from_secs(60);

/// Between two fetches while there are no keys at all, and so no request is answered.
const PAUSE_WITHOUT_KEYS: Duration = Duration::from_secs(1);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);

pub(crate) struct Keys {
    client: Client,
    uri: Url,
    /// Held while fetching, so that one fetch serves all who wait.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: Option<Arc<KeySet>>,
    /// The attempt from which the pause counts, and whether it failed. The one that brought the first keys is
    /// none: a key that appears just after the function has started is found at once.
    attempt: Option<(SystemTime, bool)>,
}

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("{}", chain(.0))]
    Http(#[from] reqwest::Error),
    #[error("the answer's status is {0}, not 200")]
    Status(u16),
    #[error(transparent)]
    KeySet(#[from] KeySetError),
}

impl Keys {
    /// # Errors
    /// If the TLS client cannot be built, as without root certificates.
    pub(crate) fn new(uri: Url) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            // The keys are where the deployment says, and nowhere else.
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(FETCH_TIMEOUT)
            // Fetches are rare, and a connection would not outlive the function's freeze between requests.
            .pool_max_idle_per_host(0)
            .user_agent("restctl")
            .build()?;
        Ok(Self { client, uri, state: Mutex::default() })
    }

    /// Fetches while the function starts. A failure does not stop the start: `/health` needs no keys, and the
    /// first request that does tries again.
    pub(crate) async fn prefetch(&self) {
        if let Err(failure) = self.held().await {
            tracing::warn!(cause = failure.cause(), "the keys cannot be had yet");
        }
    }

    /// The keys at hand; fetched if there are none.
    pub(crate) async fn held(&self) -> Result<Arc<KeySet>, Failure> {
        let mut state = self.state.lock().await;
        if let Some(held) = &state.held {
            return Ok(Arc::clone(held));
        }
        let fetched = self.attempt(&mut state, PAUSE_WITHOUT_KEYS).await?;
        state.attempt = None;
        Ok(fetched)
    }

    /// The keys after `known` turned out to lack one: others if another request has fetched some meanwhile or
    /// it is time to fetch again, else the same.
    pub(crate) async fn other_than(&self, known: &Arc<KeySet>) -> Result<Arc<KeySet>, Failure> {
        let mut state = self.state.lock().await;
        match &state.held {
            Some(held) if !Arc::ptr_eq(held, known) => Ok(Arc::clone(held)),
            _ => self.attempt(&mut state, PAUSE).await,
        }
    }

    /// Fetches, unless the last attempt was less than `pause` ago: then its outcome stands. A failure leaves
    /// the keys at hand as they are.
    async fn attempt(&self, state: &mut State, pause: Duration) -> Result<Arc<KeySet>, Failure> {
        if let Some((last, failed)) = state.attempt {
            // A clock that was set back ends the pause.
            let left = last.elapsed().map_or(Duration::ZERO, |elapsed| pause.saturating_sub(elapsed));
            match &state.held {
                Some(held) if !left.is_zero() && !failed => return Ok(Arc::clone(held)),
                _ if !left.is_zero() => {
                    let cause =
                        "the last attempt to fetch the keys failed, the next one is not due".to_owned();
                    return Err(Failure::KeysUnavailable { cause, retry_after: left });
                }
                _ => {}
            }
        }
        let outcome = self.fetch().await;
        state.attempt = Some((SystemTime::now(), outcome.is_err()));
        match outcome {
            Ok(fetched) => {
                let fetched = Arc::new(fetched);
                state.held = Some(Arc::clone(&fetched));
                Ok(fetched)
            }
            Err(error) => {
                let cause = format!("{}: {error}", self.uri);
                Err(Failure::KeysUnavailable { cause, retry_after: pause })
            }
        }
    }

    async fn fetch(&self) -> Result<KeySet, FetchError> {
        let mut response = self.client.get(self.uri.clone()).send().await?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let mut document = Vec::new();
        while let Some(piece) = response.chunk().await? {
            document.extend_from_slice(&piece);
            if document.len() > MAX_KEY_SET_BYTES {
                break;
            }
        }
        Ok(KeySet::from_json(&document)?)
    }
}
