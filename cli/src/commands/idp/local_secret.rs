//! The client secret of the local cloud's identity provider.

use serde::Deserialize;

use crate::failure::{Failure, FailureContext, Result};
use crate::identity::http::{build_client, read_bounded_body};
use crate::local::LocalCloud;
use crate::terminal::sent_secrets::SentSecret;

/// A client with its secret has a few hundred bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

#[derive(Deserialize)]
struct RotatedClient {
    client_secret: String,
}

/// Lets the identity provider replace the client's secret, and returns the new one. The old one is invalid from then on.
pub(super) async fn rotate_local_secret(local: &LocalCloud) -> Result<String> {
    let provider = &local.identity_provider;
    let address = format!("{}api/v2/clients/{}/rotate-secret", provider.issuer, provider.client_id);
    SentSecret::of_client(&provider.client_id, &provider.client_secret).remember();
    let request = build_client(&address, &[])?.post(&address);
    let answer = request.basic_auth(&provider.client_id, Some(&provider.client_secret)).send().await;
    let answer = answer.context(format!("the identity provider does not answer at {address}"))?;
    if !answer.status().is_success() {
        return Err(Failure::new(format!("{address} answers {}", answer.status()))
            .next("restctl local down; restctl local up"));
    }
    let body = read_bounded_body(answer, MAX_ANSWER_BYTES).await?;
    let rotated: RotatedClient =
        serde_json::from_slice(&body).context(format!("the answer of {address} has no secret"))?;
    Ok(rotated.client_secret)
}
