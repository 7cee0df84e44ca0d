//! An HTTP client for identity providers, and bodies of bounded size.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::Url;

use crate::failure::{Failure, FailureContext, Result};

/// Builds a client for the identity provider at `address`. It follows no redirects: a secret must not go elsewhere.
pub(crate) fn build_client(address: &str) -> Result<reqwest::Client> {
    let mut builder = reqwest::Client::builder()
        .timeout(Duration::from_secs(20))
        .redirect(reqwest::redirect::Policy::none());
    if Url::parse(address).is_ok_and(|url| is_loopback(&url)) {
        builder = builder.no_proxy();
    }
    builder.build().context("cannot start the HTTP client")
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
    let host = url.host_str().unwrap_or_default();
    host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
