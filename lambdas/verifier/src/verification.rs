//! A token on its way through the checks.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;

use crate::check::Check;
use crate::claims::{Claims, Policy, Unjudged};
use crate::header::Header;
use crate::key_set::{Key, KeySet};
use crate::refusal::Refusal;

/// The largest token that is looked at, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8192;

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

/// What the checks made so far have read of a token. What is absent could not be read, and puts the checks that
/// look at it out of reach.
pub(crate) struct Judgement<'a> {
    pub(crate) token: &'a str,
    pub(crate) keys: &'a KeySet,
    pub(crate) policy: &'a Policy,
    pub(crate) now: u64,
    /// The token, where it is small enough to be looked at.
    bounded: Option<&'a str>,
    pub(crate) parts: Option<Parts<'a>>,
    pub(crate) header: Option<Header>,
    algorithm: Option<Algorithm>,
    candidates: Option<Vec<&'a Key>>,
    pub(crate) claims: Option<Unjudged>,
    expires: Option<u64>,
}

/// The three parts of a token in compact form.
pub(crate) struct Parts<'a> {
    /// What is signed: header and payload as they came.
    message: &'a str,
    /// As it came, and known to be base64url.
    pub(crate) signature: &'a str,
    pub(crate) header: Vec<u8>,
    pub(crate) payload: Vec<u8>,
}

impl<'a> Judgement<'a> {
    pub(crate) fn new(token: &'a str, keys: &'a KeySet, policy: &'a Policy, now: u64) -> Self {
        Self {
            token,
            keys,
            policy,
            now,
            bounded: None,
            parts: None,
            header: None,
            algorithm: None,
            candidates: None,
            claims: None,
            expires: None,
        }
    }

    /// Makes a check after those that stand before it in [`Check::ALL`]; none where an earlier failure puts it
    /// out of reach.
    pub(crate) fn make(&mut self, check: Check) -> Option<Result<(), Refusal>> {
        let (policy, now) = (self.policy, self.now);
        Some(match check {
            Check::Size => keep(&mut self.bounded, bounded(self.token)),
            Check::Shape => keep(&mut self.parts, Parts::of(self.bounded?)),
            Check::Header => keep(&mut self.header, Header::parse(&self.parts.as_ref()?.header)),
            Check::Algorithm => keep(&mut self.algorithm, self.header.as_ref()?.algorithm()),
            Check::Type => self.header.as_ref()?.is_of_access_token(),
            Check::CriticalParameters => self.header.as_ref()?.is_without_critical(),
            Check::Key => {
                let kid = self.header.as_ref()?.kid.as_deref();
                keep(&mut self.candidates, self.keys.candidates(kid, self.algorithm?))
            }
            Check::Signature => {
                let (parts, algorithm) = (self.parts.as_ref()?, self.algorithm?);
                parts.is_signed_by_one_of(self.candidates.as_ref()?, algorithm)
            }
            Check::Payload => keep(&mut self.claims, Unjudged::parse(&self.parts.as_ref()?.payload)),
            Check::Expiry => keep(&mut self.expires, self.claims.as_ref()?.expires_after(now)),
            Check::NotBefore => self.claims.as_ref()?.is_valid_at(now),
            Check::IssuedAt => self.claims.as_ref()?.is_issued_by(now),
            Check::Issuer => self.claims.as_ref()?.is_from(&policy.issuer),
            Check::Audience => self.claims.as_ref()?.is_for(&policy.audience),
            Check::Client => self.claims.as_ref()?.is_of_client_in(&policy.audience),
            Check::TokenUse => self.claims.as_ref()?.is_for_access(),
            Check::Subject => self.claims.as_ref()?.subject().map(|_| ()),
            Check::Scope => self.claims.as_ref()?.grants(&policy.scope, policy.provider),
        })
    }

    /// What is known once every check has passed.
    pub(crate) fn into_claims(self) -> Option<Claims> {
        let subject = self.claims?.subject().ok()?.map(str::to_owned);
        Some(Claims { subject, expires: self.expires?, key_id: self.header?.kid })
    }
}

impl<'a> Parts<'a> {
    fn of(token: &'a str) -> Result<Self, Refusal> {
        let (message, signature) = token.rsplit_once('.').ok_or(Refusal::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(Refusal::Malformed)?;
        decode(signature)?;
        Ok(Self { message, signature, header: decode(header)?, payload: decode(payload)? })
    }

    fn is_signed_by_one_of(&self, keys: &[&Key], algorithm: Algorithm) -> Result<(), Refusal> {
        let verified = keys.iter().any(|key| key.verifies(self.message, self.signature, algorithm));
        if verified { Ok(()) } else { Err(Refusal::WrongSignature) }
    }
}

fn bounded(token: &str) -> Result<&str, Refusal> {
    if token.len() > MAX_TOKEN_BYTES { Err(Refusal::TooLarge) } else { Ok(token) }
}

fn decode(part: &str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Malformed)
}

/// Keeps what a check has read for the checks after it.
fn keep<T>(place: &mut Option<T>, read: Result<T, Refusal>) -> Result<(), Refusal> {
    *place = Some(read?);
    Ok(())
}
