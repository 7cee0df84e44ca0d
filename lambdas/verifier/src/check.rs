use std::fmt;

use crate::provider::Provider;

/// One thing that is checked of a token.
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
    /// The key that the header names, or the only one.
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
    /// `client_id`.
    Client,
    /// `token_use`.
    TokenUse,
    /// `sub`.
    Subject,
    Scope,
}

impl Check {
    /// In the order in which they are made: what it takes to know who wrote the token, then what it says.
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

    /// The checks of this provider's tokens, in order.
    pub fn asked_of(provider: Provider) -> impl Iterator<Item = Check> {
        let is_cognito = provider == Provider::Cognito;
        Self::ALL.into_iter().filter(move |check| match check {
            Check::Audience => !is_cognito,
            Check::Client | Check::TokenUse => is_cognito,
            _ => true,
        })
    }

    /// In words, for people and programs.
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
