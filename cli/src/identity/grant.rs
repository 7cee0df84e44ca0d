//! Access tokens by the client-credentials grant (RFC 6749, section 4.4).

mod answer;
mod assertion;
mod kind_of_token;
mod refusal_advice;
mod request;
#[cfg(test)]
mod test_client;

use reqwest::Client;
use reqwest::header::{ACCEPT, AUTHORIZATION};
use restctl_contract::issuer::TrustedIssuer;
use serde::{Deserialize, Serialize};

use self::answer::TokenAnswer;
use self::assertion::audiences_of_assertion;
use self::request::{Credential, TokenRequest};
use crate::failure::{Failure, Result};
use crate::identity::discovery::check_secure;
use crate::identity::http::{build_client, describe_no_answer};
use crate::identity::token_client::TokenClient;
use crate::timestamp::seconds_now;

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AccessToken {
    pub(crate) access_token: String,
    /// Seconds since 1970. `None` if neither the answer nor the token says.
    pub(crate) expires_at: Option<u64>,
}

/// Why no token was granted.
pub(crate) struct GrantFailure {
    failure: Failure,
    /// The provider refused the client's secret or key, and not what it asked for.
    pub(crate) refuses_credential: bool,
}

impl From<Failure> for GrantFailure {
    fn from(failure: Failure) -> Self {
        Self { failure, refuses_credential: false }
    }
}

impl From<GrantFailure> for Failure {
    fn from(refusal: GrantFailure) -> Self {
        refusal.failure
    }
}

/// Requests a token of `issuer`. `stored` is the client's secret or private key. The token is not cached.
pub(crate) async fn request_token(
    client: &TokenClient,
    issuer: &TrustedIssuer,
    stored: &str,
) -> Result<AccessToken, GrantFailure> {
    check_secure(&client.token_endpoint, "the token endpoint of the settings")?;
    let credential = Credential::parse(stored, client)?;
    let http = build_client(&client.token_endpoint, &issuer.authorities)?;
    let audiences = audiences_of_assertion(client, issuer);
    let request = |audience| TokenRequest::new(client, issuer, &credential, audience, seconds_now());
    let mut answer = send_request(&http, client, request(audiences.first)?).await?;
    if let (Credential::Key(_), Some(audience)) = (&credential, audiences.second)
        && answer.refuses_client()
    {
        answer = send_request(&http, client, request(audience)?).await?;
    }
    answer.into_token(client, issuer, seconds_now())
}

async fn send_request(http: &Client, client: &TokenClient, request: TokenRequest) -> Result<TokenAnswer> {
    let endpoint = &client.token_endpoint;
    request.sent.clone().remember();
    let mut sending = http.post(endpoint).header(ACCEPT, "application/json").form(&request.form);
    if let Some(authorization) = request.authorization {
        sending = sending.header(AUTHORIZATION, authorization);
    }
    match sending.send().await {
        Ok(answer) => TokenAnswer::read(answer, request.sent).await,
        Err(error) => {
            let what = format!("the identity provider does not answer at {endpoint}");
            Err(describe_no_answer(&what, &error).await)
        }
    }
}
