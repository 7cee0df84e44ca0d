//! The checks of one token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use restctl_contract::issuer::{Algorithm, TrustedIssuer};

use crate::check::Check;
use crate::claims::{Claims, UnverifiedClaims};
use crate::header::UnverifiedHeader;
use crate::key_set::{KeySet, VerificationKey};
use crate::limits::MAX_TOKEN_BYTES;
use crate::profile::{grant_claims, token_use};
use crate::refusal::Refusal;

/// Verifies a token of `issuer` at `now`, in seconds since the Unix epoch. The signature is checked before any claim.
///
/// # Errors
/// Returns the first check that failed. After some, fetching the issuer's key set again may help
/// ([`Refusal::may_be_outdated_keys`]).
/// After [`Refusal::MissingScope`], the token is genuine but does not grant the access.
pub fn verify(token: &str, keys: &KeySet, issuer: &TrustedIssuer, now: u64) -> Result<Claims, Refusal> {
    let mut verification = Verification::new(token, keys, issuer, now);
    for check in Check::for_provider(issuer.provider) {
        // Every check can run until one fails. If one could not, the token must still not pass.
        verification.run_check(check).unwrap_or(Err(Refusal::Malformed))?;
    }
    verification.into_claims().ok_or(Refusal::Malformed)
}

/// What the checks so far have read of a token. A part that is `None` could not be read, and the checks that need it
/// cannot run.
pub(crate) struct Verification<'a> {
    pub(crate) token: &'a str,
    pub(crate) keys: &'a KeySet,
    pub(crate) issuer: &'a TrustedIssuer,
    pub(crate) now: u64,
    /// The token, if it is small enough to parse.
    bounded: Option<&'a str>,
    pub(crate) parts: Option<Parts<'a>>,
    pub(crate) header: Option<UnverifiedHeader>,
    algorithm: Option<Algorithm>,
    candidate_keys: Option<Vec<&'a VerificationKey>>,
    pub(crate) claims: Option<UnverifiedClaims>,
    expires: Option<u64>,
}

/// The three parts of a token in compact form.
pub(crate) struct Parts<'a> {
    /// The signed text: header and payload as received.
    message: &'a str,
    pub(crate) signature: Vec<u8>,
    pub(crate) header: Vec<u8>,
    pub(crate) payload: Vec<u8>,
}

impl<'a> Verification<'a> {
    pub(crate) fn new(token: &'a str, keys: &'a KeySet, issuer: &'a TrustedIssuer, now: u64) -> Self {
        Self {
            token,
            keys,
            issuer,
            now,
            bounded: None,
            parts: None,
            header: None,
            algorithm: None,
            candidate_keys: None,
            claims: None,
            expires: None,
        }
    }

    /// Runs a check, after those before it in [`Check::ALL`]. Returns `None` if an earlier failure left nothing to
    /// check.
    pub(crate) fn run_check(&mut self, check: Check) -> Option<Result<(), Refusal>> {
        let (issuer, now) = (self.issuer, self.now);
        Some(match check {
            Check::Size => store_if_ok(&mut self.bounded, check_size(self.token)),
            Check::Shape => store_if_ok(&mut self.parts, Parts::from_token(self.bounded?)),
            Check::Header => {
                store_if_ok(&mut self.header, UnverifiedHeader::parse(&self.parts.as_ref()?.header))
            }
            Check::Algorithm => {
                let algorithm = self.header.as_ref()?.check_algorithm(&issuer.algorithms);
                store_if_ok(&mut self.algorithm, algorithm)
            }
            Check::Type => self.header.as_ref()?.check_type(),
            Check::CriticalParameters => self.header.as_ref()?.check_critical_parameters(),
            Check::Key => {
                let candidates = self.keys.find_candidates(self.header.as_ref()?, self.algorithm?);
                store_if_ok(&mut self.candidate_keys, candidates)
            }
            Check::Signature => {
                let (parts, algorithm) = (self.parts.as_ref()?, self.algorithm?);
                parts.check_signature(self.candidate_keys.as_ref()?, algorithm)
            }
            Check::Payload => {
                store_if_ok(&mut self.claims, UnverifiedClaims::parse(&self.parts.as_ref()?.payload))
            }
            Check::Expiry => store_if_ok(&mut self.expires, self.claims.as_ref()?.check_expiry(now)),
            Check::NotBefore => self.claims.as_ref()?.check_not_before(now),
            Check::IssuedAt => self.claims.as_ref()?.check_issued_at(now),
            Check::Issuer => self.claims.as_ref()?.check_issuer(&issuer.issuer),
            Check::Audience => self.claims.as_ref()?.check_audience(&issuer.audiences),
            Check::Client => self.claims.as_ref()?.check_client(&issuer.audiences),
            Check::TokenUse => self.claims.as_ref()?.check_token_use(token_use(issuer.provider)?),
            Check::Subject => self.claims.as_ref()?.subject().map(|_| ()),
            Check::Scope => self.claims.as_ref()?.check_grants(&issuer.scope, &grant_claims(issuer)),
        })
    }

    /// Returns the claims once every check has passed.
    pub(crate) fn into_claims(self) -> Option<Claims> {
        let subject = self.claims?.subject().ok()?.map(str::to_owned);
        Some(Claims { subject, expires: self.expires?, key_id: self.header?.kid })
    }
}

impl<'a> Parts<'a> {
    fn from_token(token: &'a str) -> Result<Self, Refusal> {
        let (message, signature) = token.rsplit_once('.').ok_or(Refusal::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(Refusal::Malformed)?;
        Ok(Self {
            message,
            signature: decode_base64url(signature)?,
            header: decode_base64url(header)?,
            payload: decode_base64url(payload)?,
        })
    }

    fn check_signature(&self, keys: &[&VerificationKey], algorithm: Algorithm) -> Result<(), Refusal> {
        let message = self.message.as_bytes();
        let is_signed = keys.iter().any(|key| key.verifies_signature(message, &self.signature, algorithm));
        if is_signed { Ok(()) } else { Err(Refusal::WrongSignature) }
    }
}

fn check_size(token: &str) -> Result<&str, Refusal> {
    if token.len() > MAX_TOKEN_BYTES { Err(Refusal::TooLarge) } else { Ok(token) }
}

pub(crate) fn decode_base64url(part: &str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Malformed)
}

/// Stores what a check has read, for later checks.
fn store_if_ok<T>(place: &mut Option<T>, read: Result<T, Refusal>) -> Result<(), Refusal> {
    *place = Some(read?);
    Ok(())
}
