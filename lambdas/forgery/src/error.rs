//! Why nothing can be forged.

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the token to forge from is not a signed JWT in compact form")]
    Malformed,
    #[error("the key set has no key of the token's key id, so that there is nothing to forge")]
    NoSuchKey,
    #[error("the token's key is neither RSA nor P-256, which are what can be forged")]
    UnsupportedKey,
    #[error("no key to forge with can be made: {0}")]
    Key(#[from] rcgen::Error),
    #[error("a forgery cannot be signed: {0}")]
    Signature(#[from] jsonwebtoken::errors::Error),
}
