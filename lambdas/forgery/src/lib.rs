//! Requests that the API must refuse, made from what an attacker knows: the issuers that the API trusts, the keys that
//! they publish, and perhaps a token of one of them.
//!
//! The attacks on tokens come from RFC 8725 and from the CVEs of JWT libraries. The attacks on how a token is sent are
//! those that RFC 6750 rules out. A verifier that follows these documents accepts none of them.

mod algorithm_confusion;
mod attempt;
mod base64url;
mod cross_issuer;
mod elliptic_curve;
mod error;
mod grant_escalation;
mod header_injection;
mod invented_signatures;
mod key_material;
mod presentation;
mod public_key;
mod shape;
mod signing_key;
mod stand_in;
mod tampering;
#[cfg(test)]
mod tests;
mod token;
mod unsecured;

use restctl_contract::issuer::{Algorithm, TrustedIssuer};
use serde_json::Value;

pub use attempt::{Attempt, ExpectedAnswer};
pub use error::ForgeryError;
pub use presentation::forge_presentations;

use crate::cross_issuer::OtherIssuer;
use crate::public_key::PublicKey;
use crate::signing_key::SigningKey;
use crate::token::{ForgedToken, Token};

/// An issuer that the API trusts, and what an attacker knows of it.
#[derive(Debug, Clone, Copy)]
pub struct KnownIssuer<'a> {
    pub trusted: &'a TrustedIssuer,
    /// Its published key set (RFC 7517).
    pub jwks: &'a Value,
    /// A good token, if the attacker has seen one.
    pub token: Option<&'a str>,
}

/// Requests with forged tokens of one issuer.
#[derive(Debug)]
pub struct Forgeries {
    pub attempts: Vec<Attempt>,
    /// Why the forgeries that need the issuer's key are missing.
    pub missing_key: Option<ForgeryError>,
}

/// Forges requests for the item at `path` from a good token of `issuer`. If there is none, a token that only its signature
/// makes a bad one stands in for it, with times as of `now` (seconds since the Unix epoch). `others` are the other issuers
/// that the API trusts.
///
/// Some attempts name keys that the issuer does not have. An API that caches the issuer's keys may fetch them once more.
///
/// # Errors
/// Fails if the good token is no token, or if this machine cannot generate keys.
pub fn forge_attempts(
    issuer: &KnownIssuer<'_>,
    others: &[KnownIssuer<'_>],
    path: &str,
    now: u64,
) -> Result<Forgeries, ForgeryError> {
    let pattern = Pattern::new(issuer, now)?;
    let (public, missing_key) = match pattern.public {
        Ok(public) => (Some(public), None),
        Err(error) => (None, Some(error)),
    };
    let forged = forge_tokens(&pattern.good, public.as_ref(), &pattern.attacker, issuer.trusted, others)?;
    // Some changes leave the token as it was, such as a padding that it does not need.
    let is_changed = |forged: &ForgedToken| forged.token != pattern.good.parts.join(".");
    let attempts = forged.into_iter().filter(is_changed);
    let attempts = attempts.map(|forged| presentation::send_forged_token(forged, path)).collect();
    Ok(Forgeries { attempts, missing_key })
}

/// What forged tokens are made from.
struct Pattern {
    good: Token,
    /// The key that signed the good token, or that the token in its place names.
    public: Result<PublicKey, ForgeryError>,
    /// A key of the same type.
    attacker: SigningKey,
}

impl Pattern {
    fn new(issuer: &KnownIssuer<'_>, now: u64) -> Result<Self, ForgeryError> {
        if let Some(token) = issuer.token {
            let good = Token::parse(token)?;
            let public = PublicKey::find_signer(&good, issuer.jwks);
            let algorithm = good.signature_algorithm().unwrap_or(Algorithm::Es256);
            return Ok(Self { good, public, attacker: SigningKey::generate(algorithm)? });
        }
        let algorithms = &issuer.trusted.algorithms;
        let (public, algorithm) = match PublicKey::find_for_signatures(issuer.jwks, algorithms) {
            Ok((public, algorithm)) => (Ok(public), algorithm),
            Err(error) => (Err(error), algorithms.first().copied().unwrap_or(Algorithm::Es256)),
        };
        let attacker = SigningKey::generate(algorithm)?;
        let token = stand_in::sign_token(issuer.trusted, public.as_ref().ok(), &attacker, now)?;
        Ok(Self { good: Token::parse(&token)?, public, attacker })
    }
}

fn forge_tokens(
    good: &Token,
    public: Option<&PublicKey>,
    attacker: &SigningKey,
    trusted: &TrustedIssuer,
    others: &[KnownIssuer<'_>],
) -> Result<Vec<ForgedToken>, ForgeryError> {
    let others: Vec<OtherIssuer<'_>> = others.iter().map(OtherIssuer::from_known).collect();
    let known_key_id = good.key_id().or(public.and_then(PublicKey::key_id));
    let mut forged = unsecured::forge_tokens(good);
    forged.extend(public.into_iter().flat_map(|key| algorithm_confusion::public_key_as_secret(good, key)));
    forged.extend(algorithm_confusion::guessed_secrets(good));
    forged.extend(algorithm_confusion::swapped_algorithms(good));
    forged.extend(header_injection::forge_tokens(good, known_key_id, attacker)?);
    forged.extend(tampering::forge_tokens(good, attacker)?);
    forged.extend(invented_signatures::forge_tokens(good, public));
    forged.extend(grant_escalation::forge_tokens(good, &trusted.scope, attacker)?);
    forged.extend(cross_issuer::forge_tokens(good, &others, attacker)?);
    forged.extend(shape::forge_tokens(good));
    Ok(forged)
}
