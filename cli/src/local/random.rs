//! Random secrets.

use crate::digest::to_hex;
use crate::failure::{Failure, Result};

/// Returns `BYTES` random bytes in hexadecimal.
pub(super) fn random_hex<const BYTES: usize>() -> Result<String> {
    let mut bytes = [0; BYTES];
    let random = rustls::crypto::aws_lc_rs::default_provider().secure_random;
    random.fill(&mut bytes).map_err(|_| Failure::new("this system provides no random numbers"))?;
    Ok(to_hex(&bytes))
}
