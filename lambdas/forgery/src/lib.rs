//! Requests that must not get in, made from what an attacker has who has seen one token: that token, and the
//! keys that its issuer publishes.
//!
//! The attacks on tokens are those of RFC 8725 and of the CVEs of JWT libraries; those on their way of travel
//! are what RFC 6750 rules out. Nothing here is ever let in by a verifier that goes by these documents.

mod algorithm_confusion;
mod header_injection;
mod presentation;
mod public_key;
mod shape;
mod signing_key;
mod tampering;
#[cfg(test)]
mod tests;
mod token;
mod unsecured;

use serde_json::Value;

use crate::public_key::PublicKey;
use crate::signing_key::SigningKey;
use crate::token::Token;

/// One request and how it must be refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What is wrong with it, in a few words; no two attempts have the same.
    pub name: String,
    pub method: &'static str,
    /// With the query.
    pub path: String,
    /// Names in lower case; one may be there twice.
    pub headers: Vec<(String, String)>,
    /// Empty where there is none.
    pub body: String,
    pub expected: Expected,
}

/// The refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    pub status: u16,
    /// The last part of the problem's `type`; none where the answer has no body.
    pub problem: Option<&'static str>,
    /// The error code of `WWW-Authenticate` (RFC 6750, section 3.1): none without that header, empty where the
    /// challenge has no code.
    pub challenge: Option<&'static str>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the token to forge from is not a signed JWT in compact form")]
    Malformed,
    #[error("the key set has no key of the token's key id, so that there is nothing to forge")]
    NoSuchKey,
    #[error("the token's key is neither RSA nor P-256, which are what can be forged")]
    UnsupportedKey,
    #[error("no key to forge with can be made: {0}")]
    Key(#[from] rcgen::Error),
    #[error("a forgery cannot be signed: {0}")]
    Signature(#[from] jsonwebtoken::errors::Error),
}

/// `token` is good; `jwks` is the issuer's published key set; `path` is the path of an item.
///
/// Some attempts name keys that the issuer does not have: whoever caches its keys may look for them once.
///
/// # Errors
/// If the token is no JWT of one of these keys, or the machine makes no keys.
pub fn attempts(token: &str, jwks: &Value, path: &str) -> Result<Vec<Attempt>, Error> {
    let good = Token::parse(token)?;
    let issuer = PublicKey::of(&good, jwks)?;
    let attacker = SigningKey::like(&issuer)?;
    let forged = [
        unsecured::tokens(&good),
        algorithm_confusion::tokens(&good, &issuer)?,
        header_injection::tokens(&good, &attacker)?,
        tampering::tokens(&good, &issuer, &attacker)?,
        shape::tokens(&good),
    ];
    let mut attempts = presentation::attempts(token, path);
    // What a trick leaves as it was, such as a token without padding, is no forgery.
    let forged = forged.into_iter().flatten().filter(|forged| forged.token != token);
    attempts.extend(forged.map(|forged| presentation::bearer(forged, path)));
    Ok(attempts)
}
