//! Calls the API with an access token.

use std::fmt::Display;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, Response, StatusCode};
use restctl_contract::api::{BatchGetAnswer, MAX_ANSWER_BYTES};
use serde::Serialize;
use tokio::sync::Mutex;

use crate::api::endpoint::{self, Endpoint, Location};
use crate::api::retry::{Attempts, Retry, wait_while_busy};
use crate::api::session_cache::{self, SessionCache};
use crate::api::token;
use crate::context::Context;
use crate::failure::{Failure, FailureContext, Result};
use crate::identity::http::read_bounded_body;
use crate::terminal::sent_secrets::SentSecret;

/// The most of a Lambda's answer that a load balancer passes on, with room for what a proxy in between may add.
pub(crate) const MAX_BODY_BYTES: usize = 2 * 1024 * 1024 + MAX_ANSWER_BYTES;

/// The media type of the API's own error answers (RFC 9457, section 3).
const PROBLEM: &str = "application/problem+json";

/// Calls the API. Several calls may run at the same time.
pub(crate) struct Api<'a> {
    context: &'a Context,
    access: Mutex<Arc<Access>>,
}

/// The endpoint and the token of a call. It is replaced when either turns out to be stale.
struct Access {
    endpoint: Endpoint,
    token: String,
    /// An earlier command found the location. Since then, the API may have moved or may have a new certificate.
    is_remembered: bool,
}

impl<'a> Api<'a> {
    pub(crate) async fn new(context: &'a Context) -> Result<Self> {
        let session = SessionCache::read(context)?;
        let (reached, token) = tokio::join!(
            reach_endpoint(context, session.recent_location()),
            token::remembered_or_new_token(context, session.unexpired_token())
        );
        // If both fail, the token's failure names the first missing step: setup.
        let token = token?.access_token;
        let (endpoint, is_remembered) = reached?;
        Ok(Self { context, access: Mutex::new(Arc::new(Access { endpoint, token, is_remembered })) })
    }

    pub(crate) async fn get(&self, path: &str) -> Result<(StatusCode, Vec<u8>)> {
        self.call_until_final::<()>(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &impl Serialize) -> Result<(StatusCode, Vec<u8>)> {
        self.call_until_final(Method::POST, path, Some(body)).await
    }

    /// Returns the name of the attribute that identifies an item.
    pub(crate) async fn key_name(&self) -> String {
        self.access.lock().await.endpoint.location.key.clone()
    }

    /// Calls the API until its answer is final.
    async fn call_until_final<B: Serialize>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
    ) -> Result<(StatusCode, Vec<u8>)> {
        let mut attempts = Attempts::default();
        let mut access = self.access.lock().await.clone();
        loop {
            let answer = self.send_to_current_location(&mut access, &method, path, body).await?;
            let status = answer.status();
            match attempts.next_retry(status, answer.headers()) {
                None => {
                    let headers = answer.headers().clone();
                    let body = read_bounded_body(answer, MAX_BODY_BYTES).await?;
                    endpoint::check_sender(&access.request_url(path), status, &headers, &body)?;
                    return Ok((status, body));
                }
                Some(Retry::WithNewToken) => access = self.renew_token(&access).await?,
                Some(Retry::After(pause)) => wait_while_busy(pause).await,
            }
        }
    }

    /// Sends a request, and sends it again if the API is no longer where the session cache says.
    async fn send_to_current_location<B: Serialize>(
        &self,
        access: &mut Arc<Access>,
        method: &Method,
        path: &str,
        body: Option<&B>,
    ) -> Result<Response> {
        loop {
            match access.send_request(method, path, body).await {
                Ok(answer) if !(access.is_remembered && is_from_another_server(&answer)) => {
                    return Ok(answer);
                }
                Err(error) if !(access.is_remembered && error.is_connect()) => {
                    return Err(access.endpoint.no_answer_failure(&access.request_url(path), &error));
                }
                _ => *access = self.look_up_again(access).await?,
            }
        }
    }

    /// Looks the API up in AWS, unless another call has just done so.
    async fn look_up_again(&self, stale: &Arc<Access>) -> Result<Arc<Access>> {
        let mut access = self.access.lock().await;
        if Arc::ptr_eq(&access, stale) {
            let (endpoint, token) = (look_up_endpoint(self.context).await?, stale.token.clone());
            *access = Arc::new(Access { endpoint, token, is_remembered: false });
        }
        Ok(access.clone())
    }

    /// Requests a new token, unless another call has just done so.
    async fn renew_token(&self, stale: &Arc<Access>) -> Result<Arc<Access>> {
        let mut access = self.access.lock().await;
        if access.token == stale.token {
            let token = token::renew_token(self.context).await?.access_token;
            let Access { endpoint, is_remembered, .. } = access.as_ref();
            *access = Arc::new(Access { endpoint: endpoint.clone(), token, is_remembered: *is_remembered });
        }
        Ok(access.clone())
    }
}

impl Access {
    fn request_url(&self, path: &str) -> String {
        format!("{}{path}", self.endpoint.base_url)
    }

    async fn send_request<B: Serialize>(
        &self,
        method: &Method,
        path: &str,
        body: Option<&B>,
    ) -> reqwest::Result<Response> {
        SentSecret::of_token(&self.token).remember();
        let request = self.endpoint.client.request(method.clone(), self.request_url(path));
        let request = request.bearer_auth(&self.token);
        match body {
            Some(body) => request.json(body).send().await,
            None => request.send().await,
        }
    }
}

/// Parses the answer to a bulk call for `asked` ids. An answer that leaves all of them for later is an error: the caller
/// would request them again for ever.
pub(crate) fn parse_bulk_answer(body: &[u8], asked: usize) -> Result<BatchGetAnswer> {
    let answer: BatchGetAnswer =
        serde_json::from_slice(body).context("the API's answer is not valid JSON")?;
    if answer.remaining.len() < asked {
        return Ok(answer);
    }
    Err(Failure::new("the API returned none of the requested ids")
        .why("it left all of them for a later call")
        .next("try again in a moment"))
}

/// Percent-encodes `text` as one segment of a path or one value of a query.
pub(crate) fn percent_encode(text: &str) -> impl Display {
    /// All but the unreserved characters of RFC 3986, section 2.3.
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, RESERVED)
}

/// Returns the endpoint, and whether its location comes from the session cache.
async fn reach_endpoint(context: &Context, remembered: Option<&Location>) -> Result<(Endpoint, bool)> {
    if let Some(location) = remembered
        && let Ok(endpoint) = Endpoint::from_location(location.clone()).await
    {
        return Ok((endpoint, true));
    }
    Ok((look_up_endpoint(context).await?, false))
}

async fn look_up_endpoint(context: &Context) -> Result<Endpoint> {
    let location = Location::look_up(context).await?;
    session_cache::store_location(context, &location)?;
    Endpoint::from_location(location).await
}

/// Whether another server now answers at the API's former address: the API's own error answers are problem documents.
fn is_from_another_server(answer: &Response) -> bool {
    let is_suspect = matches!(answer.status(), StatusCode::NOT_FOUND | StatusCode::SERVICE_UNAVAILABLE);
    is_suspect && !is_problem_document(answer.headers())
}

fn is_problem_document(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media_type.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(PROBLEM))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_media_type_identifies_a_problem_document() {
        for (media_type, expected) in [
            ("application/problem+json", true),
            ("Application/Problem+JSON; charset=utf-8", true),
            ("application/json", false),
            ("text/html", false),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, media_type.parse().unwrap())]);
            assert_eq!(is_problem_document(&headers), expected, "{media_type}");
        }
        assert!(!is_problem_document(&HeaderMap::new()));
    }
}
