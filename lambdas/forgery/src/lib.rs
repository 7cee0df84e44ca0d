//! Requests that must not get in, made from what an attacker has who has seen one token: that token, and the
//! keys that its issuer publishes.
//!
//! The attacks on tokens are those of RFC 8725 and of the CVEs of JWT libraries; those on their way of travel
//! are what RFC 6750 rules out. Nothing here is ever let in by a verifier that goes by these documents.

mod algorithm_confusion;
mod attempt;
mod error;
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

pub use attempt::{Attempt, Expected};
pub use error::Error;

use crate::public_key::PublicKey;
use crate::signing_key::SigningKey;
use crate::token::Token;

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
