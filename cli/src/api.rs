//! The API with the token that opens it.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use restctl_contract::api::MAX_ANSWER_BYTES;
use serde::Serialize;
use tokio::sync::Mutex;

use crate::context::Context;
use crate::discovery::bounded_body;
use crate::endpoint::Endpoint;
use crate::failure::Result;
use crate::{output, token};

/// What a load balancer passes of a Lambda's answer, with room for what a proxy in between may add.
const MAX_BODY_BYTES: usize = 2 * 1024 * 1024 + MAX_ANSWER_BYTES;

/// How often a call is made while the API says that it is busy, and the longest pause between two of them.
const TRIES: u32 = 6;
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

pub(crate) struct Api<'a> {
    context: &'a Context,
    endpoint: Endpoint,
    token: Mutex<String>,
}

impl<'a> Api<'a> {
    pub(crate) async fn new(context: &'a Context) -> Result<Self> {
        let (endpoint, token) = tokio::join!(Endpoint::find(context), token::obtain(context));
        // Where both fail, the step that comes first is the one to name: setup.
        let token = Mutex::new(token?);
        Ok(Self { context, endpoint: endpoint?, token })
    }

    pub(crate) async fn get(&self, path: &str) -> Result<(StatusCode, Vec<u8>)> {
        self.call::<()>(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &impl Serialize) -> Result<(StatusCode, Vec<u8>)> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Calls the API: once more with a new token where it refuses the one there is, and some times more where it is
    /// busy and says for how long.
    async fn call<B: Serialize>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
    ) -> Result<(StatusCode, Vec<u8>)> {
        let address = format!("{}{path}", self.endpoint.base_url);
        let (mut tries, mut renewed) = (0, false);
        loop {
            let token = self.token.lock().await.clone();
            let mut request = self.endpoint.client.request(method.clone(), &address).bearer_auth(&token);
            if let Some(body) = body {
                request = request.json(body);
            }
            let answer = request.send().await.map_err(|error| self.endpoint.no_answer(&address, &error))?;
            let status = answer.status();
            tries += 1;
            match pause(status, answer.headers()) {
                _ if status == StatusCode::UNAUTHORIZED && !renewed => {
                    renewed = true;
                    self.renew(&token).await?;
                }
                Some(pause) if tries < TRIES => {
                    output::say(&format!("the API is busy; going on in {} s", pause.as_secs()));
                    tokio::time::sleep(pause).await;
                }
                _ => return Ok((status, bounded_body(answer, MAX_BODY_BYTES).await?)),
            }
        }
    }

    /// Of several calls that are refused with the same token, the first one replaces it.
    async fn renew(&self, refused: &str) -> Result<()> {
        let mut token = self.token.lock().await;
        if *token == refused {
            token::forget(self.context)?;
            *token = token::obtain(self.context).await?;
        }
        Ok(())
    }
}

/// How long the API asks to wait before the call is made again.
fn pause(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    let busy = status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS;
    busy.then(|| Duration::from_secs(seconds).min(LONGEST_PAUSE))
}

/// `text` percent-encoded, as one segment of a path or one value of a query.
pub(crate) fn encoded(text: &str) -> String {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if unreserved(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_the_apis_own_and_bounded() {
        let pause = |status: u16, value: &str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
            pause(status.try_into().unwrap(), &headers).map(|pause| pause.as_secs())
        };
        assert_eq!(pause(503, "2"), Some(2));
        assert_eq!(pause(503, "3600"), Some(60));
        assert_eq!(pause(500, "2"), None);
        assert_eq!(pause(503, "Wed, 21 Oct 2026 07:28:00 GMT"), None);
        assert_eq!(super::pause(StatusCode::SERVICE_UNAVAILABLE, &HeaderMap::new()), None);
    }
}
