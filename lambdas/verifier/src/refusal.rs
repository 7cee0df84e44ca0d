//! Reasons to refuse a token.

/// The reason why a token was refused.
///
/// The text is short ASCII without `"` or `\`, as `error_description` requires (RFC 6750, section 3), and reveals
/// nothing that the token contains.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the token is larger than 8 KiB")]
    TooLarge,
    #[error("the token is not a signed JWT in compact form")]
    Malformed,
    #[error("the token's type is not that of an access token")]
    UnsupportedType,
    #[error("the token's algorithm is not RS256, PS256 or ES256")]
    UnsupportedAlgorithm,
    #[error("the token has critical header parameters")]
    CriticalHeader,
    /// The key set has no usable key with this id.
    #[error("the token is signed with an unknown key")]
    UnknownKey { kid: String },
    /// A token may omit the key id only if the set has a single key.
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
