use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A kind of identity provider. Their access tokens differ in the claims that they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    Auth0,
    /// Microsoft Entra ID.
    Entra,
    Okta,
    Keycloak,
    /// Amazon Cognito.
    Cognito,
    /// Any other OpenID Connect issuer whose access tokens are JWTs with `iss` and `aud`.
    OpenId,
}

impl Provider {
    pub const ALL: [Provider; 6] = [
        Provider::Auth0,
        Provider::Entra,
        Provider::Okta,
        Provider::Keycloak,
        Provider::Cognito,
        Provider::OpenId,
    ];

    /// Returns the name that settings use.
    pub fn name(self) -> &'static str {
        match self {
            Provider::Auth0 => "auth0",
            Provider::Entra => "entra",
            Provider::Okta => "okta",
            Provider::Keycloak => "keycloak",
            Provider::Cognito => "cognito",
            Provider::OpenId => "openid",
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
        found.ok_or_else(|| format!("a provider is {}, not {name:?}", Self::ALL.map(Self::name).join(", ")))
    }
}
