//! Who may pass: the `Authorization` header → claims.

use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use http::header::AUTHORIZATION;
use restctl_verifier::{Claims, KeySet, Policy, Refusal, verify};

use crate::failure::Failure;
use crate::keys::Keys;

pub(crate) struct Authorizer {
    keys: Keys,
    policy: Policy,
}

impl Authorizer {
    pub(crate) fn new(keys: Keys, policy: Policy) -> Self {
        Self { keys, policy }
    }

    pub(crate) async fn admit(&self, headers: &HeaderMap) -> Result<Claims, Failure> {
        let token = bearer_token(headers)?;
        let keys = self.keys.held().await?;
        match self.verify(token, &keys) {
            Err(Refusal::UnknownKey { .. }) => {
                let keys = self.keys.other_than(&keys).await?;
                self.verify(token, &keys)
            }
            outcome => outcome,
        }
        .map_err(|refusal| match refusal {
            Refusal::MissingScope => Failure::MissingScope(self.policy.scope.clone()),
            refusal => Failure::Refused(refusal),
        })
    }

    fn verify(&self, token: &str, keys: &KeySet) -> Result<Claims, Refusal> {
        // A clock before 1970 makes every token one of the future, and refuses it.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        verify(token, keys, &self.policy, now)
    }
}

/// RFC 6750, section 2.1; the scheme in any case (RFC 9110, section 11.1).
fn bearer_token(headers: &HeaderMap) -> Result<&str, Failure> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(Failure::NoToken)?;
    if values.next().is_some() {
        return Err(Failure::RepeatedAuthorization);
    }
    let credentials = value.to_str().ok().and_then(|value| value.trim().split_once(' '));
    match credentials {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim_start()),
        _ => Err(Failure::NoToken),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bearer_scheme_is_read_in_any_case() {
        for value in ["Bearer a.b.c", "bearer a.b.c", "BEARER   a.b.c", " Bearer a.b.c "] {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]);
            assert_eq!(bearer_token(&headers).unwrap(), "a.b.c", "{value}");
        }
    }

    #[test]
    fn other_credentials_are_no_token() {
        for value in ["", "Bearer", "Bearer ", "Basic dTpw", "Bearera.b.c", "a.b.c", "Token a.b.c"] {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]);
            assert!(matches!(bearer_token(&headers), Err(Failure::NoToken)), "{value}");
        }
        assert!(matches!(bearer_token(&HeaderMap::new()), Err(Failure::NoToken)));
    }
}
