//! Reasons to refuse a token.

use crate::limits::MAX_TOKEN_BYTES;

/// The reason why a token was refused.
///
/// The text is short ASCII without `"` or `\`, as `error_description` requires (RFC 6750, section 3), and reveals
/// nothing that the token contains.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the token has more than {MAX_TOKEN_BYTES} bytes")]
    TooLarge,
    #[error("the token is not a signed JWT in compact form")]
    Malformed,
    #[error("the token's type is not that of an access token")]
    UnsupportedType,
    /// The issuer's tokens may not have it, or nobody's may.
    #[error("the token's algorithm is not accepted")]
    UnsupportedAlgorithm,
    #[error("the token has critical header parameters")]
    CriticalHeader,
    /// The key set has no usable key with this id.
    #[error("the token is signed with an unknown key")]
    UnknownKey { kid: String },
    /// The token has no key id, and more keys than are tried have its algorithm.
    #[error("the token does not say which of the keys signed it")]
    MissingKeyId,
    #[error("the token's algorithm is not that of its key")]
    WrongAlgorithm,
    #[error("the token's signature is wrong")]
    WrongSignature,
    #[error("the token has no claim {0}")]
    MissingClaim(&'static str),
    #[error("the token's claim {0} is of the wrong type")]
    MalformedClaim(&'static str),
    /// One of the claims that the settings name is neither a string nor an array of strings.
    #[error("a claim of the token that grants access is of the wrong type")]
    MalformedGrantClaim,
    #[error("the token has expired")]
    Expired,
    /// By `nbf`.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// By `iat`.
    #[error("the token was issued in the future")]
    IssuedInFuture,
    #[error("the token is from another issuer")]
    WrongIssuer,
    #[error("the token is for another audience")]
    WrongAudience,
    /// By `client_id`, in Cognito's tokens.
    #[error("the token was issued to another client")]
    WrongClient,
    /// It is another token of the provider, such as an ID token.
    #[error("the token is not meant for access")]
    WrongUse,
    /// Every other check passed.
    #[error("the token lacks the required scope")]
    MissingScope,
}

impl Refusal {
    /// Whether the issuer's current key set may verify the token though the one at hand does not: the issuer may have added
    /// a key, or replaced one under the same id. Anyone can cause these refusals, so fetches need a limit.
    pub fn may_be_outdated_keys(&self) -> bool {
        matches!(
            self,
            Refusal::UnknownKey { .. }
                | Refusal::MissingKeyId
                | Refusal::WrongAlgorithm
                | Refusal::WrongSignature
        )
    }
}
