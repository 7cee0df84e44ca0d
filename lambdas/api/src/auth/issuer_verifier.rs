//! One trusted issuer, with its keys and the tokens that they have verified.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use restctl_aws::{BoxError, HttpsClient, https_client_trusting};
use restctl_contract::issuer::TrustedIssuer;
use restctl_verifier::{Claims, Refusal, verify};

use super::jwks::{CachedKeys, KeyCache};
use crate::problem::Failure;
use crate::settings::IssuerSettings;

/// Verifies the tokens of one issuer. No two share keys, verified tokens or the pauses between fetches, so a failing issuer
/// does not affect the tokens of the others.
pub(crate) struct IssuerVerifier {
    trusted: TrustedIssuer,
    keys: KeyCache,
}

impl IssuerVerifier {
    /// Fetches the keys with `https`, or with a client of its own if the issuer's certificates are not the system's.
    ///
    /// # Errors
    /// If that client cannot be set up.
    pub(crate) fn new(
        settings: IssuerSettings,
        https: &HttpsClient,
        is_only_issuer: bool,
        clock: fn() -> SystemTime,
    ) -> Result<Self, BoxError> {
        let https = match settings.roots {
            Some(roots) => https_client_trusting(roots)?,
            None => https.clone(),
        };
        let trusted = settings.trusted;
        let algorithms = trusted.algorithms.clone();
        let keys = KeyCache::new(https, settings.jwks_uri, algorithms, is_only_issuer, clock);
        Ok(Self { trusted, keys })
    }

    /// Returns the `iss` of its tokens.
    pub(crate) fn name(&self) -> &str {
        &self.trusted.issuer
    }

    /// Returns the scope that its tokens must have.
    pub(crate) fn scope(&self) -> &str {
        &self.trusted.scope
    }

    pub(crate) fn keys(&self) -> &KeyCache {
        &self.keys
    }

    /// Verifies a token. If newer keys could make it good, they are fetched, if a fetch is due.
    pub(crate) async fn authorize(&self, token: &str) -> Result<Claims, Failure> {
        let keys = self.keys.current_keys().await?;
        let outcome = match self.verify_token(token, &keys) {
            Err(refusal) if refusal.may_be_outdated_keys() => {
                let newer = self.keys.keys_newer_than(&keys).await?;
                // The same keys would refuse it again.
                if Arc::ptr_eq(&newer, &keys) { Err(refusal) } else { self.verify_token(token, &newer) }
            }
            outcome => outcome,
        };
        outcome.map_err(|refusal| self.describe_refusal(refusal))
    }

    /// Verifies a token that names another issuer, or none, with the keys that are there. It is refused, for the reason
    /// that `restctl token explain` gives. No key could make it good, so nothing is fetched for it.
    pub(crate) async fn refuse_foreign(&self, token: &str) -> Result<Claims, Failure> {
        let keys = self.keys.cached_keys().await;
        let outcome = keys.map_or(Err(Refusal::WrongIssuer), |keys| self.verify_token(token, &keys));
        outcome.map_err(|refusal| self.describe_refusal(refusal))
    }

    fn verify_token(&self, token: &str, keys: &CachedKeys) -> Result<Claims, Refusal> {
        // If the clock is before 1970, every token is refused as not valid yet.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        if let Some(claims) = keys.verified_tokens.find_claims(token, now) {
            return Ok(claims);
        }
        let claims = verify(token, &keys.key_set, &self.trusted, now)?;
        keys.verified_tokens.insert(token, &claims, now);
        Ok(claims)
    }

    fn describe_refusal(&self, refusal: Refusal) -> Failure {
        match refusal {
            Refusal::MissingScope => Failure::MissingScope(self.trusted.scope.clone()),
            refusal => Failure::RefusedToken(refusal),
        }
    }
}

#[cfg(test)]
mod tests;
