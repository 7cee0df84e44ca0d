//! An HTTP client for identity providers, and bodies of bounded size.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Certificate, StatusCode, Url};
use restctl_contract::issuer::is_loopback_host;

use crate::failure::{Failure, FailureContext, Result};
use crate::network::certificate_refusal::is_certificate_refusal;
use crate::network::name_lookup::find_unknown_name;
use crate::network::page_text::{first_line, is_page};
use crate::network::proxy::Proxy;
use crate::network::tunnel::find_refusal;

/// How much of an error's body is read for its first words.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// What to do if a proxy may have answered in place of the provider.
pub(crate) const ALLOW_ADDRESS: &str =
    "if a proxy or firewall answers in its place, ask its administrator to allow this address";

/// Builds a client for the identity provider at `address`. It follows no redirects: a secret must not go elsewhere. If
/// there are `authorities`, it trusts these and no others.
pub(crate) fn build_client(address: &str, authorities: &[String]) -> Result<reqwest::Client> {
    let mut builder = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(20))
        .redirect(reqwest::redirect::Policy::none());
    // An address that is not a URL fails when it is requested.
    if let Ok(url) = Url::parse(address)
        && let Some(proxy) = Proxy::for_url(&url)?
    {
        builder = builder.proxy(proxy.to_client_proxy()?);
    }
    if !authorities.is_empty() {
        let authorities = authorities.iter().map(|authority| read_authority(authority));
        builder = builder.tls_certs_only(authorities.collect::<Result<Vec<_>>>()?);
    }
    builder.build().context("cannot start the HTTP client")
}

/// Describes a request that got no answer. `what` says whose.
pub(super) async fn describe_no_answer(what: &str, error: &reqwest::Error) -> Failure {
    let refusal = match error.url() {
        Some(url) if error.is_connect() => find_refusal(url).await,
        _ => None,
    };
    if let Some(refusal) = refusal {
        return refusal.failure;
    }
    let unknown = match error.url() {
        Some(url) if error.is_connect() => find_unknown_name(url).await,
        _ => None,
    };
    match unknown {
        Some(unknown) => Failure::new(what)
            .why(format!("the name {} does not resolve: {}", unknown.name, unknown.error))
            .next("check the name, this machine's network and its DNS"),
        None if is_certificate_refusal(error) => Failure::new(what).because(error),
        None => Failure::new(what).because(error).next(
            "run the same command again, because the cause may be temporary;\n\
             if it stays, check the address, this machine's network, and whether a firewall closes the way to it",
        ),
    }
}

/// Describes an answer whose status is not a success: `why` it should be one, and `next` unless the cause is temporary.
pub(super) async fn describe_status(answer: reqwest::Response, why: String, next: &str) -> Failure {
    let (url, status) = (answer.url().clone(), answer.status());
    let content_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_owned();
    let body = read_bounded_body(answer, MAX_ERROR_BYTES).await.unwrap_or_default();
    let words = first_line(&content_type, &body).map(|words| format!("the answer has the text \"{words}\""));
    let failure = Failure::new(format!("{url} answered {status}")).why_lines([why].into_iter().chain(words));
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return failure.next("run the same command again; the cause is temporary");
    }
    match is_page(&content_type) {
        true => failure.next(format!("{next};\n{ALLOW_ADDRESS}")),
        false => failure.next(next),
    }
}

/// Reads the body. Fails if it is larger than `limit` bytes.
pub(crate) async fn read_bounded_body(mut answer: reqwest::Response, limit: usize) -> Result<Vec<u8>> {
    let address = answer.url().clone();
    let mut body = Vec::new();
    let cut = |failure: Failure| failure.next("run the same command again; the cause is temporary");
    while let Some(chunk) =
        answer.chunk().await.context(format!("the answer of {address} was cut off")).map_err(cut)?
    {
        if body.len() + chunk.len() > limit {
            return Err(Failure::new(format!("the answer of {address} has more than {limit} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

pub(super) fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(is_loopback_host)
}

fn read_authority(authority: &str) -> Result<Certificate> {
    let unreadable = "cannot read the provider's certificate authority";
    let der = STANDARD.decode(authority).context(unreadable)?;
    Certificate::from_der(&der).context(unreadable)
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::StatusCode as Status;
    use tokio::net::TcpListener;

    use super::*;

    async fn describe(status: Status) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let page = "<html><title>Blocked by the gateway</title></html>";
        let routes = Router::new().fallback(move || async move { (status, page) });
        tokio::spawn(async { axum::serve(listener, routes).await });
        let answer = build_client(&url, &[]).unwrap().get(&url).send().await.unwrap();
        describe_status(answer, "keys are there".to_owned(), "publish them").await.to_string()
    }

    #[tokio::test]
    async fn an_unexpected_status_is_shown_with_its_text() {
        let failure = describe(Status::FORBIDDEN).await;
        for part in ["answered 403 Forbidden", "keys are there", "\"Blocked by the gateway\"", "publish them"]
        {
            assert!(failure.contains(part), "{failure}");
        }
        let failure = describe(Status::SERVICE_UNAVAILABLE).await;
        assert!(failure.contains("the cause is temporary") && !failure.contains("publish them"), "{failure}");
    }
}
