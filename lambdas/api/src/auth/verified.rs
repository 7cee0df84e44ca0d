//! A cache of verified tokens, which are not verified again at each request.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use restctl_verifier::Claims;
use sha2::{Digest, Sha256};

/// The largest number of cached tokens. Only good tokens are cached, so nobody can fill the cache with others.
const MAX_TOKENS: usize = 1000;

/// The claims of verified tokens by the tokens' SHA-256, until they expire. The cache belongs to the key set that
/// verified the tokens and is dropped with it: no token outlives its key.
#[derive(Default)]
pub(crate) struct VerifiedTokens(Mutex<HashMap<[u8; 32], Claims>>);

impl VerifiedTokens {
    /// Returns the claims of a cached token that has not expired at `now`, in seconds since the Unix epoch.
    pub(crate) fn find_claims(&self, token: &str, now: u64) -> Option<Claims> {
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(&token_hash(token)).filter(|claims| now < claims.expires).cloned()
    }

    pub(crate) fn insert(&self, token: &str, claims: &Claims, now: u64) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= MAX_TOKENS {
            tokens.retain(|_, claims| now < claims.expires);
        }
        if tokens.len() >= MAX_TOKENS {
            tokens.clear();
        }
        tokens.insert(token_hash(token), claims.clone());
    }
}

fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims_until(expires: u64) -> Claims {
        Claims { subject: Some("client".to_owned()), expires, key_id: None }
    }

    #[test]
    fn a_token_is_cached_until_it_expires() {
        let tokens = VerifiedTokens::default();
        tokens.insert("token", &claims_until(100), 50);
        assert_eq!(tokens.find_claims("token", 99), Some(claims_until(100)));
        assert_eq!(tokens.find_claims("token", 100), None);
        assert_eq!(tokens.find_claims("token ", 99), None);
    }

    #[test]
    fn the_cache_is_bounded() {
        let tokens = VerifiedTokens::default();
        for number in 0..MAX_TOKENS {
            let expires = if number == 0 { 200 } else { 100 };
            tokens.insert(&format!("token {number}"), &claims_until(expires), 50);
        }
        // Expired tokens make room.
        tokens.insert("one more", &claims_until(200), 150);
        assert!(
            tokens.find_claims("token 0", 150).is_some() && tokens.find_claims("one more", 150).is_some()
        );
        for number in 0..3 * MAX_TOKENS {
            tokens.insert(&format!("flood {number}"), &claims_until(300), 150);
            assert!(tokens.0.lock().unwrap().len() <= MAX_TOKENS);
        }
        assert!(tokens.find_claims(&format!("flood {}", 3 * MAX_TOKENS - 1), 150).is_some());
    }
}
