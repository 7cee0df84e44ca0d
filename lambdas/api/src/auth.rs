//! From the `Authorization` header to verified claims.

pub(crate) mod authorization;
pub(crate) mod jwks;
mod verified;
