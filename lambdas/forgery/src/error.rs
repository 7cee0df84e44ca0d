//! Reasons why no request can be forged.

#[derive(Debug, thiserror::Error)]
pub enum ForgeryError {
    #[error("the token to forge from is not a signed JWT in compact form")]
    Malformed,
    #[error("the key set has no key with the token's key id")]
    NoSuchKey,
    #[error("the token's key is neither RSA nor P-256")]
    UnsupportedKey,
    #[error("cannot generate a key to forge with: {0}")]
    Key(#[from] rcgen::Error),
    #[error("cannot sign a forged token: {0}")]
    Signature(#[from] jsonwebtoken::errors::Error),
}
