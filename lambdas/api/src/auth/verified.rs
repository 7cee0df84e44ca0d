//! Tokens whose signature and claims have been found good, so that they are not verified again with each request.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use restctl_verifier::Claims;
use sha2::{Digest, Sha256};

/// Tokens remembered at most. Only good ones are: whoever fills this has that many.
const MOST: usize = 1000;

/// By their SHA-256, and only until they expire. It belongs to the key set that verified them and goes with it, so
/// that no token outlives its key here.
#[derive(Default)]
pub(crate) struct Verified(Mutex<HashMap<[u8; 32], Claims>>);

impl Verified {
    /// `now` in seconds since the Unix epoch.
    pub(crate) fn find(&self, token: &str, now: u64) -> Option<Claims> {
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(&hash(token)).filter(|claims| now < claims.expires).cloned()
    }

    pub(crate) fn add(&self, token: &str, claims: &Claims, now: u64) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= MOST {
            tokens.retain(|_, claims| now < claims.expires);
        }
        if tokens.len() >= MOST {
            tokens.clear();
        }
        tokens.insert(hash(token), claims.clone());
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(expires: u64) -> Claims {
        Claims { subject: Some("client".to_owned()), expires, key_id: None }
    }

    #[test]
    fn a_token_is_remembered_until_the_second_it_expires() {
        let verified = Verified::default();
        verified.add("token", &claims(100), 50);
        assert_eq!(verified.find("token", 99), Some(claims(100)));
        assert_eq!(verified.find("token", 100), None);
        assert_eq!(verified.find("token ", 99), None);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let verified = Verified::default();
        for number in 0..MOST {
            let expires = if number == 0 { 200 } else { 100 };
            verified.add(&format!("token {number}"), &claims(expires), 50);
        }
        // Room is made by what has expired.
        verified.add("one more", &claims(200), 150);
        assert!(verified.find("token 0", 150).is_some() && verified.find("one more", 150).is_some());
        for number in 0..3 * MOST {
            verified.add(&format!("flood {number}"), &claims(300), 150);
            assert!(verified.0.lock().unwrap().len() <= MOST);
        }
        assert!(verified.find(&format!("flood {}", 3 * MOST - 1), 150).is_some());
    }
}
