//! The API with the token that opens it.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use restctl_contract::api::{BatchGetAnswer, MAX_ANSWER_BYTES};
use serde::Serialize;
use tokio::sync::Mutex;

use crate::api::endpoint::{Endpoint, Location};
use crate::api::session_cache::{self, Session};
use crate::api::token;
use crate::context::Context;
use crate::failure::{Failure, FailureContext, Result};
use crate::identity::http::read_bounded_body;
use crate::terminal::output;

/// What a load balancer passes of a Lambda's answer, with room for what a proxy in between may add.
pub(crate) const MAX_BODY_BYTES: usize = 2 * 1024 * 1024 + MAX_ANSWER_BYTES;

/// How often a call is made while the API says that it is busy, and the longest pause between two of them.
const TRIES: u32 = 6;
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The media type of the API's own refusals (RFC 9457, section 3).
const PROBLEM: &str = "application/problem+json";

/// Many calls may be under way at once.
pub(crate) struct Api<'a> {
    context: &'a Context,
    access: Mutex<Arc<Access>>,
}

/// What a call goes by; where that turns out to be of yesterday, another takes its place.
struct Access {
    endpoint: Endpoint,
    token: String,
    /// The location is an earlier command's: the API may be elsewhere by now, or have another certificate.
    is_remembered: bool,
}

impl<'a> Api<'a> {
    pub(crate) async fn new(context: &'a Context) -> Result<Self> {
        let (reached, token) = tokio::join!(reach(context), token::obtain(context));
        // Where both fail, the step that comes first is the one to name: setup.
        let token = token?.access_token;
        let (endpoint, is_remembered) = reached?;
        Ok(Self { context, access: Mutex::new(Arc::new(Access { endpoint, token, is_remembered })) })
    }

    pub(crate) async fn get(&self, path: &str) -> Result<(StatusCode, Vec<u8>)> {
        self.call::<()>(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &impl Serialize) -> Result<(StatusCode, Vec<u8>)> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// The name of the attribute that identifies an item.
    pub(crate) async fn key(&self) -> String {
        self.access.lock().await.endpoint.location.key.clone()
    }

    /// Calls the API: once more where it is found anew, once more with a new token where it refuses the one there is, and
    /// some times more where it is busy and says for how long.
    async fn call<B: Serialize>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
    ) -> Result<(StatusCode, Vec<u8>)> {
        let (mut tries, mut renewed) = (0, false);
        let mut access = self.access.lock().await.clone();
        loop {
            let answer = match access.send(&method, path, body).await {
                Ok(answer) if !(access.is_remembered && is_of_another(&answer)) => answer,
                Err(error) if !(access.is_remembered && error.is_connect()) => {
                    return Err(access.endpoint.no_answer(&access.address(path), &error));
                }
                _ => {
                    access = self.find_anew(&access).await?;
                    continue;
                }
            };
            let status = answer.status();
            tries += 1;
            match pause(status, answer.headers()) {
                _ if status == StatusCode::UNAUTHORIZED && !renewed => {
                    renewed = true;
                    access = self.renew_token(&access).await?;
                }
                Some(pause) if tries < TRIES => {
                    output::print_message(&format!("the API is busy; going on in {} s", pause.as_secs()));
                    tokio::time::sleep(pause).await;
                }
                _ => return Ok((status, read_bounded_body(answer, MAX_BODY_BYTES).await?)),
            }
        }
    }

    /// Looks the API up in AWS, unless another call has done so meanwhile.
    async fn find_anew(&self, stale: &Arc<Access>) -> Result<Arc<Access>> {
        let mut access = self.access.lock().await;
        if Arc::ptr_eq(&access, stale) {
            let (endpoint, token) = (find(self.context).await?, stale.token.clone());
            *access = Arc::new(Access { endpoint, token, is_remembered: false });
        }
        Ok(access.clone())
    }

    /// Asks for a new token, unless another call has done so meanwhile.
    async fn renew_token(&self, stale: &Arc<Access>) -> Result<Arc<Access>> {
        let mut access = self.access.lock().await;
        if access.token == stale.token {
            let token = token::renew(self.context).await?.access_token;
            let Access { endpoint, is_remembered, .. } = access.as_ref();
            *access = Arc::new(Access { endpoint: endpoint.clone(), token, is_remembered: *is_remembered });
        }
        Ok(access.clone())
    }
}

impl Access {
    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.endpoint.base_url)
    }

    async fn send<B: Serialize>(
        &self,
        method: &Method,
        path: &str,
        body: Option<&B>,
    ) -> reqwest::Result<Response> {
        let request = self.endpoint.client.request(method.clone(), self.address(path));
        let request = request.bearer_auth(&self.token);
        match body {
            Some(body) => request.json(body).send().await,
            None => request.send().await,
        }
    }
}

/// The endpoint, and whether it is the one that is remembered.
async fn reach(context: &Context) -> Result<(Endpoint, bool)> {
    if let Some(location) = Session::recall(context)?.location()
        && let Ok(endpoint) = Endpoint::at(location).await
    {
        return Ok((endpoint, true));
    }
    Ok((find(context).await?, false))
}

async fn find(context: &Context) -> Result<Endpoint> {
    let location = Location::find(context).await?;
    session_cache::keep_location(context, &location)?;
    Endpoint::at(location).await
}

/// Something else answers where the API was: its own refusals are problem documents.
fn is_of_another(answer: &Response) -> bool {
    let is_suspect = matches!(answer.status(), StatusCode::NOT_FOUND | StatusCode::SERVICE_UNAVAILABLE);
    is_suspect && !has_problem(answer.headers())
}

fn has_problem(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media_type.split(';').next().is_some_and(|it| it.trim().eq_ignore_ascii_case(PROBLEM))
}

/// A bulk call's answer of so many ids. One that leaves them all over would be asked for again for ever.
pub(crate) fn bulk_answer(body: &[u8], asked: usize) -> Result<BatchGetAnswer> {
    let answer: BatchGetAnswer = serde_json::from_slice(body).context("the API answers no JSON")?;
    if answer.remaining.len() < asked {
        return Ok(answer);
    }
    Err(Failure::new("the API answers none of the ids it was asked for")
        .why("it left all of them over")
        .next("try again in a moment"))
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
    fn a_problem_is_told_by_its_media_type() {
        for (media_type, expected) in [
            ("application/problem+json", true),
            ("Application/Problem+JSON; charset=utf-8", true),
            ("application/json", false),
            ("text/html", false),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, media_type.parse().unwrap())]);
            assert_eq!(has_problem(&headers), expected, "{media_type}");
        }
        assert!(!has_problem(&HeaderMap::new()));
    }

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
