use std::fmt;
use std::str::FromStr;

/// The kinds of identity provider, by what their access tokens say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Grants stand in `scope` or, where the API has role-based access control, in `permissions`.
    Auth0,
    /// Any issuer of OpenID Connect whose access tokens are JWTs with `iss`, `aud` and `scope`.
    OpenId,
    /// Amazon Cognito: access tokens carry `client_id` and `token_use`, and no `aud`.
    Cognito,
}

impl Provider {
    pub const ALL: [Provider; 3] = [Provider::Auth0, Provider::OpenId, Provider::Cognito];

    /// As settings write it.
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
