//! Kinds of identity provider.

use std::fmt;
use std::str::FromStr;

/// A kind of identity provider. Their access tokens differ in the claims that they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Grants are in `scope`, or in `permissions` if the API has role-based access control.
    Auth0,
    /// Any OpenID Connect issuer whose access tokens are JWTs with `iss`, `aud` and `scope`.
    OpenId,
    /// Amazon Cognito. Access tokens have `client_id` and `token_use`, and no `aud`.
    Cognito,
}

impl Provider {
    pub const ALL: [Provider; 3] = [Provider::Auth0, Provider::OpenId, Provider::Cognito];

    /// Returns the name that settings use.
    pub fn name(self) -> &'static str {
        match self {
            Provider::Auth0 => "auth0",
            Provider::OpenId => "openid",
            Provider::Cognito => "cognito",
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Provider {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|provider| provider.name() == name);
        found.ok_or_else(|| format!("a provider is auth0, openid or cognito, not {name:?}"))
    }
}
