//! Tokens that mix what belongs to one trusted issuer with what belongs to another (RFC 8725, section 3.8): a verifier
//! must use the keys and the rules of the issuer that the token names, and of no other.

use aws_lc_rs::hmac::HMAC_SHA256;
use restctl_contract::issuer::Algorithm;
use serde_json::{Value, json};

use crate::KnownIssuer;
use crate::error::ForgeryError;
use crate::public_key::PublicKey;
use crate::signing_key::{SigningKey, sign_hmac_token};
use crate::token::{ForgedToken, Token, without_member};

/// Each costs some requests, and the number of pairs grows with the square.
const MAX_OTHERS: usize = 4;

/// Another issuer that the API trusts.
pub(crate) struct OtherIssuer<'a> {
    pub(crate) name: &'a str,
    /// One of its keys, with an algorithm of it.
    pub(crate) key: Option<(PublicKey, Algorithm)>,
}

impl<'a> OtherIssuer<'a> {
    pub(crate) fn from_known(known: &KnownIssuer<'a>) -> Self {
        let key = PublicKey::find_for_signatures(known.jwks, &known.trusted.algorithms);
        Self { name: &known.trusted.issuer, key: key.ok() }
    }
}

pub(crate) fn forge_tokens(
    good: &Token,
    others: &[OtherIssuer<'_>],
    attacker: &SigningKey,
) -> Result<Vec<ForgedToken>, ForgeryError> {
    let mut forged = Vec::new();
    for other in others.iter().take(MAX_OTHERS) {
        forged.extend(other_names(good, other, attacker)?);
        if let Some((key, algorithm)) = &other.key {
            forged.extend(other_keys(good, other.name, key, *algorithm)?);
        }
    }
    forged.extend(ambiguous_names(good, others, attacker)?);
    Ok(forged)
}

/// Returns tokens that name the other issuer, but the good token's key.
fn other_names(
    good: &Token,
    other: &OtherIssuer<'_>,
    attacker: &SigningKey,
) -> Result<[ForgedToken; 2], ForgeryError> {
    let claims = good.claims_with("iss", other.name);
    let name = other.name;
    Ok([
        ForgedToken::new(format!("issuer {name}, old signature"), good.with_payload(claims.to_string())),
        ForgedToken::new(format!("issuer {name}, foreign key"), attacker.sign_token(&good.header, &claims)?),
    ])
}

/// Returns tokens that name the other issuer's key.
fn other_keys(
    good: &Token,
    name: &str,
    key: &PublicKey,
    algorithm: Algorithm,
) -> Result<[ForgedToken; 4], ForgeryError> {
    let with_key_id = |header: Value| match key.key_id() {
        Some(kid) => {
            let mut header = header;
            header["kid"] = json!(kid);
            header
        }
        None => without_member(header, "kid"),
    };
    let attacker = SigningKey::generate(algorithm)?;
    let header = with_key_id(good.header_with("alg", algorithm.name()));
    let other_issuer = good.claims_with("iss", name);
    let secret = key.to_pem();
    let with_secret = sign_hmac_token(
        HMAC_SHA256,
        &with_key_id(good.header_with("alg", "HS256")),
        &good.claims,
        secret.as_bytes(),
    );
    Ok([
        ForgedToken::new(
            format!("key of {name}, old signature"),
            good.with_header(&with_key_id(good.header.clone())),
        ),
        ForgedToken::new(format!("key of {name}, foreign key"), attacker.sign_token(&header, &good.claims)?),
        ForgedToken::new(
            format!("issuer and key of {name}, foreign key"),
            attacker.sign_token(&header, &other_issuer)?,
        ),
        ForgedToken::new(format!("key of {name}, HS256, secret: its public key's PEM"), with_secret),
    ])
}

/// Returns tokens whose issuer is not exactly one of the trusted ones, but that a lax comparison may take for it.
fn ambiguous_names(
    good: &Token,
    others: &[OtherIssuer<'_>],
    attacker: &SigningKey,
) -> Result<Vec<ForgedToken>, ForgeryError> {
    let own = good.claims["iss"].as_str().unwrap_or_default();
    let all: Vec<&str> = [own].into_iter().chain(others.iter().map(|other| other.name)).collect();
    let other_slash = own.strip_suffix('/').map_or_else(|| format!("{own}/"), str::to_owned);
    let mut forged = Vec::new();
    for (name, issuer) in [
        ("in an array", json!(all)),
        ("in an object", json!({"iss": own})),
        ("in upper case", json!(own.to_uppercase())),
        ("with another last slash", json!(other_slash)),
        ("with a space", json!(format!("{own} "))),
        ("with a suffix", json!(format!("{own}.attacker.invalid"))),
        ("empty", json!("")),
        ("null", Value::Null),
    ] {
        let token = attacker.sign_token(&good.header, good.claims_with("iss", issuer))?;
        forged.push(ForgedToken::new(format!("foreign key, issuer {name}"), token));
    }
    if let Some(other) = others.first() {
        // Parsers differ in which of the two they use.
        let first = format!("{{\"iss\":{},", json!(other.name));
        let claims = good.claims.to_string().replacen('{', &first, 1);
        let token = good.with_payload(&claims);
        forged.push(ForgedToken::new("duplicate issuer, old signature", token));
        forged.push(ForgedToken::new(
            "duplicate issuer, foreign key",
            attacker.sign_token(&good.header, claims)?,
        ));
    }
    Ok(forged)
}
