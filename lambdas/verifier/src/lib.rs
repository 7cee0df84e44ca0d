//! Turns a bearer token and what its issuer is trusted for into [`Claims`], or into the [`Refusal`] that says which check failed.
//!
//! The crate does no input or output and has no clock, so the API refuses a token with the same code with which the
//! command explains the refusal. It follows RFC 7515 to 7519 and the advice of RFC 8725: algorithms are pinned and
//! bound to the key's type, keys come only from the issuer's key set, and nothing that the token points to is followed.

mod advice;
mod check;
mod claims;
mod explanation;
mod header;
mod issuer_selection;
mod json_object;
mod key_set;
mod limits;
mod profile;
mod refusal;
mod sanitize;
mod verification;

pub use advice::{Advice, Cause, SettingOption, SuggestedSetting};
pub use check::Check;
pub use claims::{Claims, LEEWAY_SECONDS};
pub use explanation::{CheckOutcome, CheckReport, Explanation, explain};
pub use issuer_selection::{find_issuer, select_issuer};
pub use key_set::{KeyReport, KeySet, KeySetError, MAX_KEY_SET_BYTES};
pub use limits::MAX_TOKEN_BYTES;
pub use refusal::Refusal;
pub use sanitize::MAX_SHOWN_CHARS;
pub use verification::verify;
