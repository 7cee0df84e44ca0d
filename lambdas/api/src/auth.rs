//! From the `Authorization` header to verified claims.

pub(crate) mod authorization;
mod issuer_verifier;
mod jwks;
#[cfg(test)]
mod test_clock;
mod verified;
