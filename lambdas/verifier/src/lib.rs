//! A bearer token and a policy → [`Claims`], or the [`Refusal`] that says which check failed.
//!
//! Pure: no input or output and no clock, so that the API refuses by the very code with which the command
//! explains a refusal. It goes by RFC 7515 to 7519 and the advice of RFC 8725: algorithms are pinned and bound
//! to the key's type, keys come from the issuer's key set alone, and nothing the token points to is followed.

mod check;
mod claims;
mod explanation;
mod header;
mod key_set;
mod object;
mod provider;
mod refusal;
mod sanitize;
mod verification;

pub use check::Check;
pub use claims::{Claims, LEEWAY_SECONDS, Policy};
pub use explanation::{Explanation, Finding, Verdict, explain};
pub use key_set::{DescribedKey, KeySet, KeySetError, MAX_KEY_SET_BYTES};
pub use provider::Provider;
pub use refusal::Refusal;
pub use sanitize::MAX_SHOWN_CHARS;
pub use verification::{MAX_TOKEN_BYTES, verify};
