//! What a key can verify, or why it cannot, for people and programs.

use std::fmt;

use restctl_contract::issuer::Algorithm;
use serde::Serialize;

use super::jwk::Jwk;
use crate::sanitize::sanitize;

/// One key of a JWK set.
///
/// The texts have no control characters and at most [`crate::MAX_SHOWN_CHARS`] characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyReport {
    pub kid: Option<String>,
    /// The type of the key, such as `RSA`.
    pub kty: Option<String>,
    /// The algorithms of tokens that the key verifies. Empty if there is a problem.
    pub algorithms: Vec<Algorithm>,
    /// Why the key verifies no token, such as `its modulus has 1024 bits, not 2048 to 8192`.
    pub problem: Option<String>,
    /// The set publishes the private key or a secret, so that anyone can sign with it. Users should be warned.
    pub is_exposed: bool,
}

impl KeyReport {
    pub(super) fn usable(jwk: &Jwk, algorithms: Vec<Algorithm>) -> Self {
        Self { algorithms, problem: None, ..Self::unusable(jwk, "") }
    }

    pub(super) fn unusable(jwk: &Jwk, problem: &str) -> Self {
        let shown = |text: Option<&str>| text.map(sanitize);
        Self {
            kid: shown(jwk.kid.as_deref()),
            kty: shown(jwk.kty.as_deref()),
            algorithms: Vec::new(),
            problem: Some(sanitize(problem)),
            is_exposed: jwk.has_private_members,
        }
    }

    pub(super) fn unreadable(problem: &str) -> Self {
        Self {
            kid: None,
            kty: None,
            algorithms: Vec::new(),
            problem: Some(sanitize(problem)),
            is_exposed: false,
        }
    }
}

/// Writes the id with the algorithms or the problem, such as `key-1 (RS256, PS256)` or `key-1: it has no modulus`.
impl fmt::Display for KeyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kid = self.kid.as_deref().unwrap_or("no id");
        if let Some(problem) = &self.problem {
            return write!(f, "{kid}: {problem}");
        }
        let names: Vec<&str> = self.algorithms.iter().map(|algorithm| algorithm.name()).collect();
        write!(f, "{kid} ({})", names.join(", "))
    }
}
