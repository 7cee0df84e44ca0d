//! The checks of a token, in order.

use std::fmt;

use restctl_contract::issuer::Provider;

use crate::profile::{has_client_as_audience, token_use};

/// One check of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    Size,
    /// Three parts in base64url (RFC 7515, section 3.1).
    Shape,
    Header,
    Algorithm,
    Type,
    /// `crit`.
    CriticalParameters,
    /// The keys that the header names or, if it names none, those of its algorithm.
    Key,
    Signature,
    /// The payload is a JSON object.
    Payload,
    /// `exp`.
    Expiry,
    /// `nbf`.
    NotBefore,
    /// `iat`.
    IssuedAt,
    /// `iss`.
    Issuer,
    /// `aud`.
    Audience,
    /// Cognito's `client_id`.
    Client,
    /// Cognito's `token_use`, Keycloak's `typ`, or Entra's `azp` or `appid`: the token is an access token.
    TokenUse,
    /// `sub`.
    Subject,
    /// The scope, permission or role, in the claims that grant.
    Scope,
}

impl Check {
    /// In the order in which they run: first those that establish who signed the token, then those of its claims.
    pub const ALL: [Check; 18] = [
        Check::Size,
        Check::Shape,
        Check::Header,
        Check::Algorithm,
        Check::Type,
        Check::CriticalParameters,
        Check::Key,
        Check::Signature,
        Check::Payload,
        Check::Expiry,
        Check::NotBefore,
        Check::IssuedAt,
        Check::Issuer,
        Check::Audience,
        Check::Client,
        Check::TokenUse,
        Check::Subject,
        Check::Scope,
    ];

    /// Returns the checks that apply to this provider's tokens, in order.
    pub fn for_provider(provider: Provider) -> impl Iterator<Item = Check> {
        Self::ALL.into_iter().filter(move |check| match check {
            Check::Audience => !has_client_as_audience(provider),
            Check::Client => has_client_as_audience(provider),
            Check::TokenUse => token_use(provider).is_some(),
            _ => true,
        })
    }

    /// Returns the name that people and programs see.
    pub fn name(self) -> &'static str {
        match self {
            Check::Size => "size",
            Check::Shape => "shape",
            Check::Header => "header",
            Check::Algorithm => "algorithm",
            Check::Type => "type",
            Check::CriticalParameters => "critical parameters",
            Check::Key => "key",
            Check::Signature => "signature",
            Check::Payload => "payload",
            Check::Expiry => "expiry",
            Check::NotBefore => "not before",
            Check::IssuedAt => "issued at",
            Check::Issuer => "issuer",
            Check::Audience => "audience",
            Check::Client => "client",
            Check::TokenUse => "token use",
            Check::Subject => "subject",
            Check::Scope => "scope",
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
