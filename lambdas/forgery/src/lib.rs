//! Requests that the API must refuse, made from what an attacker knows after seeing one token: the token, and the keys
//! that its issuer publishes.
//!
//! The attacks on tokens come from RFC 8725 and from the CVEs of JWT libraries. The attacks on how a token is sent are
//! those that RFC 6750 rules out. A verifier that follows these documents accepts none of them.

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

pub use attempt::{Attempt, ExpectedAnswer};
pub use error::ForgeryError;

use crate::public_key::PublicKey;
use crate::signing_key::SigningKey;
use crate::token::Token;

/// Forges requests from a good `token`, the issuer's published key set `jwks` and the `path` of an item.
///
/// Some attempts name keys that the issuer does not have. An API that caches the issuer's keys may fetch them once more.
///
/// # Errors
/// Fails if none of the keys signed the token, or if this machine cannot generate keys.
pub fn forge_attempts(token: &str, jwks: &Value, path: &str) -> Result<Vec<Attempt>, ForgeryError> {
    let good = Token::parse(token)?;
    let issuer = PublicKey::find_in_jwks(&good, jwks)?;
    let attacker = SigningKey::generate_like(&issuer)?;
    let forged = [
        unsecured::forge_tokens(&good),
        algorithm_confusion::forge_tokens(&good, &issuer)?,
        header_injection::forge_tokens(&good, &attacker)?,
        tampering::forge_tokens(&good, &issuer, &attacker)?,
        shape::forge_tokens(&good),
    ];
    let mut attempts = presentation::forge_attempts(token, path);
    // Some changes leave the token as it was, such as a padding that it does not need.
    let forged = forged.into_iter().flatten().filter(|forged| forged.token != token);
    attempts.extend(forged.map(|forged| presentation::send_forged_token(forged, path)));
    Ok(attempts)
}
