/// Why a token was refused.
///
/// Its text is short ASCII without `"` or `\`, so that it fits `error_description` (RFC 6750, section 3), and
/// says nothing of what the token holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the token is larger than 8 KiB")]
    TooLarge,
    #[error("the token is not a signed JWT in compact form")]
    Malformed,
    #[error("the token's type is not that of an access token")]
    UnsupportedType,
    #[error("the token's algorithm is none of RS256, PS256 and ES256")]
    UnsupportedAlgorithm,
    #[error("the token has critical header parameters")]
    CriticalHeader,
    /// The key set has no usable key of this id.
    #[error("the token is signed with an unknown key")]
    UnknownKey { kid: String },
    /// It may do without a key id only where there is but one key.
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
    #[error("the token has expired")]
    Expired,
    /// By `nbf`.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// By `iat`.
    #[error("the token is issued in the future")]
    IssuedInFuture,
    #[error("the token is from another issuer")]
    WrongIssuer,
    #[error("the token is for another audience")]
    WrongAudience,
    /// By `client_id`, in Cognito's tokens.
    #[error("the token was issued to another client")]
    WrongClient,
    /// By `token_use`, in Cognito's tokens.
    #[error("the token is not meant for access")]
    WrongUse,
    /// All else is in order.
    #[error("the token lacks the scope that this needs")]
    MissingScope,
}
