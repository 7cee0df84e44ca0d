//! What stands in for a good token of an issuer of which the attacker has seen none: the claims that the API requires and
//! the name of a published key, signed with another key.

use restctl_contract::issuer::{Algorithm, Provider, TrustedIssuer};
use serde_json::{Map, Value, json};

use crate::error::ForgeryError;
use crate::public_key::PublicKey;
use crate::signing_key::SigningKey;

const SUBJECT: &str = "restctl-auth-test";

const LIFETIME_SECONDS: u64 = 3600;

/// Returns the token. `key` is the published key that it names.
pub(crate) fn sign_token(
    issuer: &TrustedIssuer,
    key: Option<&PublicKey>,
    attacker: &SigningKey,
    now: u64,
) -> Result<String, ForgeryError> {
    attacker.sign_token(&header(key, attacker.algorithm), claims(issuer, now))
}

fn header(key: Option<&PublicKey>, algorithm: Algorithm) -> Value {
    let mut header = json!({"typ": "JWT", "alg": algorithm.name()});
    if let Some(kid) = key.and_then(PublicKey::key_id) {
        header["kid"] = json!(kid);
    }
    header
}

/// Returns claims that the API would accept from the issuer.
pub(crate) fn claims(issuer: &TrustedIssuer, now: u64) -> Value {
    let audience = issuer.audiences.first().map_or("", String::as_str);
    let mut claims = json!({
        "iss": issuer.issuer, "sub": SUBJECT, "iat": now, "exp": now.saturating_add(LIFETIME_SECONDS),
    });
    match issuer.provider {
        Provider::Cognito => {
            claims["client_id"] = json!(audience);
            claims["token_use"] = json!("access");
        }
        _ => claims["aud"] = json!(audience),
    }
    match issuer.provider {
        Provider::Entra => claims["azp"] = json!(SUBJECT),
        Provider::Keycloak => claims["typ"] = json!("Bearer"),
        _ => {}
    }
    let scope = &issuer.scope;
    for path in &issuer.grant_claims {
        insert_at(&mut claims, path.names(), json!([scope]));
    }
    if issuer.grant_claims.is_empty() {
        match issuer.provider {
            Provider::Entra => claims["roles"] = json!([scope]),
            Provider::Okta => claims["scp"] = json!([scope]),
            Provider::Auth0 | Provider::Keycloak | Provider::Cognito | Provider::OpenId => {
                claims["scope"] = json!(scope);
            }
        }
    }
    claims
}

/// Sets the member to which `names` lead. What is in the way and is not an object is replaced.
fn insert_at(object: &mut Value, names: &[String], value: Value) {
    let Some((first, rest)) = names.split_first() else {
        *object = value;
        return;
    };
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    if let Some(members) = object.as_object_mut() {
        insert_at(members.entry(first.as_str()).or_insert(Value::Null), rest, value);
    }
}
