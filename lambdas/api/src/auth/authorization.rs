//! Who may pass: the `Authorization` header → claims.

use std::time::{SystemTime, UNIX_EPOCH};

use restctl_verifier::{Claims, Policy, Refusal, verify};

use super::jwks::{Held, Keys};
use crate::http::request::Request;
use crate::problem::Failure;

pub(crate) struct Authorizer {
    keys: Keys,
    policy: Policy,
}

impl Authorizer {
    pub(crate) fn new(keys: Keys, policy: Policy) -> Self {
        Self { keys, policy }
    }

    /// The scope that a token must carry.
    pub(crate) fn scope(&self) -> &str {
        &self.policy.scope
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    pub(crate) async fn admit(&self, request: &Request) -> Result<Claims, Failure> {
        let token = bearer_token(request)?;
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

    fn verify(&self, token: &str, keys: &Held) -> Result<Claims, Refusal> {
        // A clock before 1970 makes every token one of the future, and refuses it.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        if let Some(claims) = keys.verified.find(token, now) {
            return Ok(claims);
        }
        let claims = verify(token, &keys.set, &self.policy, now)?;
        keys.verified.add(token, &claims, now);
        Ok(claims)
    }
}

/// RFC 6750, section 2.1; the scheme in any case (RFC 9110, section 11.1).
fn bearer_token(request: &Request) -> Result<&str, Failure> {
    let mut values = request.header_lines("authorization");
    let value = values.next().ok_or(Failure::NoToken)?;
    if values.next().is_some() {
        return Err(Failure::RepeatedAuthorization);
    }
    match value.trim_matches([' ', '\t']).split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim_start_matches(' ')),
        _ => Err(Failure::NoToken),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::event::Event;

    fn request(authorization: &[&str]) -> Request {
        let values = authorization.iter().map(|value| (*value).to_owned()).collect();
        let headers = [("Authorization".to_owned(), values)].into();
        Request::from(Event { multi_value_headers: Some(headers), ..Event::default() })
    }

    #[test]
    fn the_bearer_scheme_is_read_in_any_case() {
        for value in ["Bearer a.b.c", "bearer a.b.c", "BEARER   a.b.c", " Bearer a.b.c "] {
            assert_eq!(bearer_token(&request(&[value])).unwrap(), "a.b.c", "{value}");
        }
    }

    #[test]
    fn other_credentials_are_no_token() {
        for value in ["", "Bearer", "Bearer ", "Basic dTpw", "Bearera.b.c", "a.b.c", "Token a.b.c"] {
            assert!(matches!(bearer_token(&request(&[value])), Err(Failure::NoToken)), "{value}");
        }
        assert!(matches!(bearer_token(&request(&[])), Err(Failure::NoToken)));
        let twice = request(&["Bearer a.b.c", "Bearer a.b.c"]);
        assert!(matches!(bearer_token(&twice), Err(Failure::RepeatedAuthorization)));
    }
}
