//! A bearer token and a policy → [`Claims`], or the [`Refusal`] that says which check failed.
//!
//! Pure: no input or output and no clock, so that the API refuses by the very code with which the command
//! explains a refusal. It goes by RFC 7515 to 7519 and the advice of RFC 8725: algorithms are pinned and bound
//! to the key's type, keys come from the issuer's key set alone, and nothing the token points to is followed.

mod claims;
mod header;
mod key_set;
mod provider;
mod refusal;

pub use claims::{Claims, Policy};
pub use key_set::{KeySet, KeySetError, MAX_KEY_SET_BYTES};
pub use provider::Provider;
pub use refusal::Refusal;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::header::Header;

/// The largest token that is looked at, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8192;

/// How far an issuer's clock may be ahead of `now`, in seconds. It applies to `nbf` and `iat`; `exp` has none,
/// a token is dead in the second it names.
pub const LEEWAY_SECONDS: u64 = 60;

/// Verifies `token` at `now`, in seconds since the Unix epoch. The signature is checked before any claim is.
///
/// # Errors
/// The first check that failed. [`Refusal::UnknownKey`] may be cured by fetching the issuer's key set again;
/// after [`Refusal::MissingScope`] the token is genuine but may not do this.
pub fn verify(token: &str, keys: &KeySet, policy: &Policy, now: u64) -> Result<Claims, Refusal> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(Refusal::TooLarge);
    }
    let (message, signature) = token.rsplit_once('.').ok_or(Refusal::Malformed)?;
    let (header, payload) = message.split_once('.').ok_or(Refusal::Malformed)?;
    let header = Header::parse(&decode(header)?)?;
    let payload = decode(payload)?;
    decode(signature)?;

    let candidates = keys.candidates(header.kid.as_deref(), header.algorithm)?;
    if !candidates.iter().any(|key| key.verifies(message, signature, header.algorithm)) {
        return Err(Refusal::WrongSignature);
    }
    Claims::judge(&payload, header.kid, policy, now)
}

fn decode(part: &str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Malformed)
}
