//! The assertion with which a client that has a private key authenticates (RFC 7523, section 2.2).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use restctl_contract::issuer::{Provider, TrustedIssuer};
use serde_json::{Map, Value, json};

use crate::digest::to_hex;
use crate::failure::{Failure, Result};
use crate::identity::client_key::ClientKey;
use crate::identity::token_client::TokenClient;

/// The value of `client_assertion_type`.
pub(super) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Keycloak takes no assertion with a longer life unless the client is configured for it, and others take any up to a few
/// minutes. Each request gets its own.
const LIFETIME_SECONDS: u64 = 60;

/// The audiences to try, one after the other.
pub(super) struct AssertionAudiences<'a> {
    pub(super) first: &'a str,
    pub(super) second: Option<&'a str>,
}

/// Returns the `aud` of the provider's assertions.
///
/// RFC 10070 requires the issuer alone. Entra ID and Okta document the token endpoint. Among the others, some older servers
/// know only the token endpoint: if they refuse the client, that is tried next. The assertion is sent to that
/// endpoint only, which the issuer itself named in its configuration, so no audience means anyone else than who gets it.
pub(super) fn audiences_of_assertion<'a>(
    client: &'a TokenClient,
    issuer: &'a TrustedIssuer,
) -> AssertionAudiences<'a> {
    let (issuer_url, endpoint) = (issuer.issuer.as_str(), client.token_endpoint.as_str());
    match issuer.provider {
        Provider::Entra | Provider::Okta => AssertionAudiences { first: endpoint, second: None },
        Provider::Auth0 | Provider::Keycloak | Provider::Cognito => {
            AssertionAudiences { first: issuer_url, second: None }
        }
        Provider::OpenId => AssertionAudiences { first: issuer_url, second: Some(endpoint) },
    }
}

/// Signs an assertion for `audience` at `now`, in seconds since 1970.
pub(super) fn sign_assertion(
    key: &ClientKey,
    client: &TokenClient,
    provider: Provider,
    audience: &str,
    now: u64,
) -> Result<String> {
    let algorithm = key.algorithm(provider);
    let mut header = Map::new();
    header.insert("alg".to_owned(), json!(algorithm.name()));
    if provider == Provider::Entra {
        // Elsewhere it stays out: RFC 10070 wants another type, which older servers refuse, but no server may insist on it.
        header.insert("typ".to_owned(), json!("JWT"));
        if let Some(digest) = &key.certificate_digest {
            header.insert("x5t#S256".to_owned(), json!(digest));
        }
    }
    if let Some(key_id) = client.key_id.as_ref().or(key.key_id.as_ref()) {
        header.insert("kid".to_owned(), json!(key_id));
    }
    let claims = json!({
        "iss": client.client_id,
        "sub": client.client_id,
        // One text: RFC 10070 forbids a list.
        "aud": audience,
        "jti": random_id()?,
        "iat": now,
        "exp": now + LIFETIME_SECONDS,
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&Value::Object(header)), part(&claims));
    let signature = key.sign(algorithm, message.as_bytes())?;
    Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// Returns a `jti` that no assertion had before.
fn random_id() -> Result<String> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Failure::new("this system provides no random numbers"))?;
    Ok(to_hex(&bytes))
}

#[cfg(test)]
mod tests;
