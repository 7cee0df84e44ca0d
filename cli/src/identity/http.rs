//! An HTTP client for identity providers, and bodies of bounded size.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Certificate, Url};
use restctl_contract::issuer::is_loopback_host;

use crate::failure::{Failure, FailureContext, Result};
use crate::network::proxy::Proxy;
use crate::network::tunnel::find_refusal;

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
    refusal.map_or_else(|| Failure::new(what).because(error), |refusal| refusal.failure)
}

/// Reads the body. Fails if it is larger than `limit` bytes.
pub(crate) async fn read_bounded_body(mut answer: reqwest::Response, limit: usize) -> Result<Vec<u8>> {
    let address = answer.url().clone();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.context(format!("the answer of {address} ended early"))? {
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
