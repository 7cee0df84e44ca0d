//! What a command asks of the running identity provider.

use serde::Deserialize;

use super::IdentityProvider;
use crate::failure::{Failure, FailureContext, Result};
use crate::identity::discovery::{self, bounded_body};

/// A client with its secret has some hundred bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

#[derive(Deserialize)]
struct Rotated {
    client_secret: String,
}

impl IdentityProvider {
    /// Makes another secret for the client; the present one is worth nothing from then on.
    pub(crate) async fn rotate_secret(&self) -> Result<String> {
        let address = format!("{}api/v2/clients/{}/rotate-secret", self.issuer, self.client_id);
        let request = discovery::client(&address)?.post(&address);
        let answer = request.basic_auth(&self.client_id, Some(&self.client_secret)).send().await;
        let answer = answer.context(format!("the identity provider does not answer at {address}"))?;
        if !answer.status().is_success() {
            return Err(Failure::new(format!("{address} answers {}", answer.status()))
                .next("restctl local down; restctl local up"));
        }
        let body = bounded_body(answer, MAX_ANSWER_BYTES).await?;
        let rotated: Rotated =
            serde_json::from_slice(&body).context(format!("{address} answers no secret"))?;
        Ok(rotated.client_secret)
    }
}
