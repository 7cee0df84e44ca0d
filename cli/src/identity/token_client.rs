//! The client as which restctl requests tokens, and what it asks for.

use std::fmt;

use restctl_contract::issuer::{Provider, TrustedIssuer};
use serde::{Deserialize, Serialize};

/// The client as which `restctl token` and `restctl get` act. Its secret or its private key is in Secrets Manager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TokenClient {
    /// The issuer that grants it tokens.
    pub(crate) issuer: String,
    /// The URL where it exchanges its credentials for a token (RFC 6749, section 4.4).
    pub(crate) token_endpoint: String,
    pub(crate) client_id: String,
    pub(crate) authentication: ClientAuthentication,
    /// The `kid` of its private key at the issuer, if the issuer knows several of its keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key_id: Option<String>,
    /// The scope to ask for instead of what the provider usually needs. If it is empty, none is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) request_scope: Option<String>,
    /// The resource to ask for (RFC 8707).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource: Option<String>,
}

/// How a client authenticates to a token endpoint ("OAuth Token Endpoint Authentication Methods", IANA).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(crate) enum ClientAuthentication {
    /// The secret in the body of the request.
    ClientSecretPost,
    /// The secret in its `Authorization` header.
    ClientSecretBasic,
    /// An assertion that the client's private key signs (RFC 7523).
    PrivateKeyJwt,
}

impl ClientAuthentication {
    pub(crate) const ALL: [Self; 3] = [Self::ClientSecretPost, Self::ClientSecretBasic, Self::PrivateKeyJwt];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ClientSecretPost => "client_secret_post",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }

    /// Whether the client has a private key instead of a secret.
    pub(crate) fn uses_key(self) -> bool {
        self == Self::PrivateKeyJwt
    }
}

impl fmt::Display for ClientAuthentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl TokenClient {
    /// Returns the `scope` of the token request.
    ///
    /// Entra ID grants what an administrator has assigned, and is asked for it by the resource's `.default` ("The .default
    /// scope", Microsoft identity platform). Keycloak refuses roles as scopes, and grants a client its default scopes
    /// without being asked.
    pub(crate) fn scope_to_request(&self, issuer: &TrustedIssuer) -> Option<String> {
        let usual = || match issuer.provider {
            Provider::Entra if self.uses_resources_of_entra(issuer) => None,
            Provider::Entra => issuer.audiences.first().map(|audience| format!("{audience}/.default")),
            Provider::Keycloak => None,
            Provider::Auth0 | Provider::Okta | Provider::Cognito | Provider::OpenId => {
                Some(issuer.scope.clone())
            }
        };
        self.request_scope.clone().or_else(usual).filter(|scope| !scope.is_empty())
    }

    /// Returns the `audience` of the token request. Auth0 requires it; other issuers use it or ignore it, except for those
    /// that know the audience by other means.
    pub(crate) fn audience_to_request(&self, issuer: &TrustedIssuer) -> Option<String> {
        match issuer.provider {
            Provider::Auth0 | Provider::OpenId => issuer.audiences.first().cloned(),
            Provider::Entra | Provider::Okta | Provider::Keycloak | Provider::Cognito => None,
        }
    }

    /// Returns the `resource` of the token request (RFC 8707).
    pub(crate) fn resource_to_request(&self, issuer: &TrustedIssuer) -> Option<String> {
        let usual = || issuer.audiences.first().filter(|_| self.uses_resources_of_entra(issuer)).cloned();
        self.resource.clone().or_else(usual)
    }

    /// Whether the token endpoint is the former one of Entra ID (v1.0), which takes a resource instead of its `.default` scope.
    fn uses_resources_of_entra(&self, issuer: &TrustedIssuer) -> bool {
        issuer.provider == Provider::Entra && self.token_endpoint.ends_with("/oauth2/token")
    }
}
