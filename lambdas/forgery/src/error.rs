//! Reasons why requests, or some of them, cannot be forged.

use aws_lc_rs::error::{KeyRejected, Unspecified};

#[derive(Debug, thiserror::Error)]
pub enum ForgeryError {
    #[error("the token to forge from is not a signed JWT in compact form")]
    Malformed,
    #[error("the token's algorithm, {0:?}, is not a signature algorithm that restctl knows")]
    UnknownAlgorithm(String),
    #[error("none of the issuer's keys verifies the token's signature")]
    NoSuchKey,
    #[error("the issuer publishes no key for signatures")]
    NoKey,
    #[error("the issuer has a key that restctl cannot use to forge: {0}")]
    UnsupportedKey(String),
    #[error("cannot generate a key to forge with: {0}")]
    Key(#[from] rcgen::Error),
    #[error("cannot use a generated key: {0}")]
    KeyRejected(#[from] KeyRejected),
    #[error("cannot sign a forged token")]
    Signature(#[from] Unspecified),
}
