//! Verification of a request's token.

use std::time::{SystemTime, UNIX_EPOCH};

use lambda_http::Request;
use restctl_verifier::{Claims, Policy, Refusal, verify};

use super::jwks::{CachedKeys, KeyCache};
use crate::http::request::header_lines;
use crate::problem::Failure;

/// Verifies tokens with the identity provider's keys.
pub(crate) struct Authorizer {
    keys: KeyCache,
    policy: Policy,
}

impl Authorizer {
    pub(crate) fn new(keys: KeyCache, policy: Policy) -> Self {
        Self { keys, policy }
    }

    /// Returns the scope that a token must have.
    pub(crate) fn scope(&self) -> &str {
        &self.policy.scope
    }

    pub(crate) fn keys(&self) -> &KeyCache {
        &self.keys
    }

    /// Verifies the request's token. If its key is unknown, the keys are fetched again.
    pub(crate) async fn authorize(&self, request: &Request) -> Result<Claims, Failure> {
        let token = bearer_token(request)?;
        let keys = self.keys.current_keys().await?;
        match self.verify_token(token, &keys) {
            Err(Refusal::UnknownKey { .. }) => {
                let keys = self.keys.keys_newer_than(&keys).await?;
                self.verify_token(token, &keys)
            }
            outcome => outcome,
        }
        .map_err(|refusal| match refusal {
            Refusal::MissingScope => Failure::MissingScope(self.policy.scope.clone()),
            refusal => Failure::RefusedToken(refusal),
        })
    }

    fn verify_token(&self, token: &str, keys: &CachedKeys) -> Result<Claims, Refusal> {
        // If the clock is before 1970, every token is refused as not valid yet.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        if let Some(claims) = keys.verified_tokens.find_claims(token, now) {
            return Ok(claims);
        }
        let claims = verify(token, &keys.key_set, &self.policy, now)?;
        keys.verified_tokens.insert(token, &claims, now);
        Ok(claims)
    }
}

/// Returns the token of the only `Authorization` header (RFC 6750, section 2.1). The scheme is case-insensitive
/// (RFC 9110, section 11.1).
fn bearer_token(request: &Request) -> Result<&str, Failure> {
    let mut values = header_lines(request, "authorization");
    let value = values.next().ok_or(Failure::MissingToken)?;
    if values.next().is_some() {
        return Err(Failure::RepeatedAuthorization);
    }
    match value.trim_matches([' ', '\t']).split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim_start_matches(' ')),
        _ => Err(Failure::MissingToken),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn request_with(authorization: &[&str]) -> Request {
        let mut request = Request::default();
        for value in authorization {
            request.headers_mut().append("authorization", HeaderValue::from_str(value).unwrap());
        }
        request
    }

    #[test]
    fn the_bearer_scheme_is_case_insensitive() {
        for value in ["Bearer a.b.c", "bearer a.b.c", "BEARER   a.b.c", " Bearer a.b.c "] {
            assert_eq!(bearer_token(&request_with(&[value])).unwrap(), "a.b.c", "{value}");
        }
    }

    #[test]
    fn other_credentials_are_not_a_token() {
        for value in ["", "Bearer", "Bearer ", "Basic dTpw", "Bearera.b.c", "a.b.c", "Token a.b.c"] {
            assert!(matches!(bearer_token(&request_with(&[value])), Err(Failure::MissingToken)), "{value}");
        }
        assert!(matches!(bearer_token(&request_with(&[])), Err(Failure::MissingToken)));
        let twice = request_with(&["Bearer a.b.c", "Bearer a.b.c"]);
        assert!(matches!(bearer_token(&twice), Err(Failure::RepeatedAuthorization)));
    }
}
