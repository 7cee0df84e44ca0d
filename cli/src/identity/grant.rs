//! Access tokens by the client-credentials grant (RFC 6749, section 4.4).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::RequestBuilder;
use restctl_contract::issuer::TrustedIssuer;
use serde::{Deserialize, Serialize};

use crate::failure::{Exit, Failure, FailureContext, Result};
use crate::identity::http::{build_client, read_bounded_body};
use crate::identity::token_client::{ClientAuthentication, TokenClient};
use crate::terminal::sent_secrets::SentSecret;
use crate::timestamp::seconds_now;

/// Providers send tokens of a few kilobytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AccessToken {
    pub(crate) access_token: String,
    /// Seconds since 1970.
    pub(crate) expires_at: u64,
}

/// The provider's answer (RFC 6749, section 5.1).
#[derive(Deserialize)]
struct GrantAnswer {
    access_token: String,
    /// Seconds.
    #[serde(default)]
    expires_in: u64,
}

/// The provider's refusal (RFC 6749, section 5.2).
#[derive(Deserialize)]
struct GrantRefusal {
    error: String,
    error_description: Option<String>,
}

/// Requests a token of `issuer` with this secret. The token is not cached.
pub(crate) async fn request_token(
    client: &TokenClient,
    issuer: &TrustedIssuer,
    secret: &str,
) -> Result<AccessToken> {
    let endpoint = &client.token_endpoint;
    let request = build_client(endpoint, &issuer.authorities)?.post(endpoint);
    let request = fill_in(request, client, issuer, secret);
    let sent = SentSecret::of_client(&client.client_id, secret);
    sent.clone().remember();
    let answer = request.send().await;
    let answer = answer.context(format!("the identity provider does not answer at {endpoint}"))?;
    let status = answer.status();
    let body = read_bounded_body(answer, MAX_ANSWER_BYTES).await?;
    if !status.is_success() {
        return Err(parse_refusal(status, &body, &sent));
    }
    let granted: GrantAnswer = serde_json::from_slice(&body).map_err(|error| {
        // The error may quote what is there instead.
        Failure::new(format!("the answer of {endpoint} has no token")).why(sent.redact(&error.to_string()))
    })?;
    if holds_secret(&granted.access_token, &sent) {
        return Err(Failure::new(format!("the answer of {endpoint} has the client secret in its token"))
            .exit(Exit::Authentication)
            .why("anyone who gets the token would get the secret, so it was not used")
            .next("have the provider leave the secret out of its tokens, and give the client a new secret"));
    }
    let expires_at = seconds_now().saturating_add(granted.expires_in);
    Ok(AccessToken { access_token: granted.access_token, expires_at })
}

/// Fills in the credentials, and what is asked for.
fn fill_in(
    request: RequestBuilder,
    client: &TokenClient,
    issuer: &TrustedIssuer,
    secret: &str,
) -> RequestBuilder {
    let mut form = vec![("grant_type", "client_credentials".to_owned())];
    form.extend(client.scope_to_request(issuer).map(|scope| ("scope", scope)));
    form.extend(client.audience_to_request(issuer).map(|audience| ("audience", audience)));
    form.extend(client.resource.clone().map(|resource| ("resource", resource)));
    match client.authentication {
        ClientAuthentication::ClientSecretPost | ClientAuthentication::PrivateKeyJwt => {
            form.extend([("client_id", client.client_id.clone()), ("client_secret", secret.to_owned())]);
            request.form(&form)
        }
        // RFC 6749, section 2.3.1.
        ClientAuthentication::ClientSecretBasic => {
            request.basic_auth(form_encode(&client.client_id), Some(form_encode(secret))).form(&form)
        }
    }
}

fn form_encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Whether the token has the secret in it: as it is, or in a part of a JWT.
fn holds_secret(token: &str, sent: &SentSecret) -> bool {
    let parts = token.split('.').filter_map(|part| URL_SAFE_NO_PAD.decode(part).ok());
    sent.is_in(token) || parts.into_iter().any(|part| sent.is_in(&String::from_utf8_lossy(&part)))
}

/// Describes the provider's refusal in its own words, but without the secret, however short that is.
fn parse_refusal(status: reqwest::StatusCode, body: &[u8], sent: &SentSecret) -> Failure {
    let failure = Failure::new("the identity provider refuses the client").exit(Exit::Authentication);
    let failure = match serde_json::from_slice::<GrantRefusal>(body) {
        Ok(GrantRefusal { error, error_description }) => {
            let said = format!("{error}: {}", error_description.unwrap_or_default());
            failure.why(format!("{status}: {}", sent.redact(&said)))
        }
        Err(_) => failure.why(status.to_string()),
    };
    failure.next(
        "check client id, secret, audience and scope with the provider, then:\n\
         restctl setup --client-id ID --client-secret-file FILE",
    )
}
