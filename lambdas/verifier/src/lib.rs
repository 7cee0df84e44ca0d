//! A bearer token and a policy → [`Claims`], or the [`Refusal`] that says which check failed.
//!
//! Pure: no input or output and no clock, so that the API refuses by the very code with which the command
//! explains a refusal. It goes by RFC 7515 to 7519 and the advice of RFC 8725: algorithms are pinned and bound
//! to the key's type, keys come from the issuer's key set alone, and nothing the token points to is followed.

mod check;
mod claims;
mod explanation;
mod header;
mod verification;
mod key_set;
mod object;
mod provider;
mod refusal;

pub use check::Check;
pub use claims::{Claims, Policy};
pub use explanation::{Explanation, Finding, MAX_SHOWN_CHARS, Verdict, explain};
pub use key_set::{DescribedKey, KeySet, KeySetError, MAX_KEY_SET_BYTES};
pub use provider::Provider;
pub use refusal::Refusal;

use crate::verification::Judgement;

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
    let mut judgement = Judgement::new(token, keys, policy, now);
    for check in Check::asked_of(policy.provider) {
        // No check is out of reach before one has failed; were one, the token would not pass.
        judgement.make(check).unwrap_or(Err(Refusal::Malformed))?;
    }
    judgement.into_claims().ok_or(Refusal::Malformed)
}
