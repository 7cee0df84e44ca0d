//! The issuer's keys: those of a JWK set (RFC 7517) that may verify a token's signature, and why the others may not.

mod certificate;
mod elliptic_curve;
mod jwk;
mod public_key;
mod report;
mod rsa_key;
mod verification_key;

#[cfg(test)]
mod tests;

use restctl_contract::issuer::Algorithm;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::header::UnverifiedHeader;
use crate::json_object::{MAX_DEPTH, parse_object};
use crate::refusal::Refusal;

use self::jwk::Jwk;
pub use self::report::KeyReport;
pub(crate) use self::verification_key::VerificationKey;

/// The largest JWK set that is parsed, in bytes.
pub const MAX_KEY_SET_BYTES: usize = 128 * 1024;

/// The most keys of a JWK set, of any type. Issuers publish fewer than ten: one for each algorithm, and the last and the
/// next one.
const MAX_KEYS: usize = 100;

/// How many keys are tried for one token. Each costs a check of the signature, and a token that anyone can send chooses
/// its header. Issuers publish one key with an id (RFC 7517, section 4.5), and a current, a last and a next one without.
const MAX_CANDIDATES: usize = 4;

/// How many unusable keys an error describes.
const MAX_DESCRIBED_KEYS: usize = 5;

/// One or more keys that may verify signatures.
#[derive(Debug, Clone)]
pub struct KeySet {
    keys: Vec<VerificationKey>,
    reports: Vec<KeyReport>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    #[error("the key set is larger than {MAX_KEY_SET_BYTES} bytes")]
    TooLarge,
    #[error("the document is not a JWK set: {0}")]
    Malformed(String),
    #[error("the key set has {0} keys, and at most {MAX_KEYS} are read")]
    TooManyKeys(usize),
    /// The reports say of each key why it cannot verify a token.
    #[error("{}", describe_unusable(.reports))]
    NoUsableKey { reports: Vec<KeyReport> },
}

#[derive(Deserialize)]
struct JwkSet<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

impl KeySet {
    /// Reads a JWK set for an issuer whose tokens may have these algorithms. Keys of another type or purpose, and keys
    /// that are malformed or weak, are reported and otherwise ignored, as RFC 7517, section 5, requires.
    ///
    /// # Errors
    /// Fails if the document is too large, is not a JWK set, has too many keys or none that could verify a token.
    pub fn parse(document: &[u8], algorithms: &[Algorithm]) -> Result<Self, KeySetError> {
        if document.len() > MAX_KEY_SET_BYTES {
            return Err(KeySetError::TooLarge);
        }
        let set: JwkSet<'_> =
            parse_object(document, MAX_DEPTH).map_err(|error| KeySetError::Malformed(error.to_string()))?;
        if set.keys.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys(set.keys.len()));
        }
        let (mut keys, mut reports) = (Vec::new(), Vec::new());
        for jwk in set.keys {
            let (key, report) = read_key(jwk.get().as_bytes(), algorithms);
            keys.extend(key);
            reports.push(report);
        }
        if keys.is_empty() { Err(KeySetError::NoUsableKey { reports }) } else { Ok(Self { keys, reports }) }
    }

    /// Says of each key of the document, in its order, what it can verify or why it cannot.
    pub fn reports(&self) -> &[KeyReport] {
        &self.reports
    }

    /// Describes the usable keys in one line.
    pub fn summary(&self) -> String {
        let usable = self.reports.iter().filter(|report| report.problem.is_none());
        usable.map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    /// Returns the keys that may have signed a token with this header, at most [`MAX_CANDIDATES`].
    ///
    /// They have its `kid`. If no key has it, they are those without one. For a token without `kid`, they have its
    /// certificate's thumbprint (`x5t`). If no key has that, they are all keys of its algorithm.
    pub(crate) fn find_candidates(
        &self,
        header: &UnverifiedHeader,
        algorithm: Algorithm,
    ) -> Result<Vec<&VerificationKey>, Refusal> {
        let Some(kid) = &header.kid else { return self.find_without_id(header, algorithm) };
        let named = self.find_keys(|key| key.kid.as_deref() == Some(kid));
        let unnamed = || self.find_keys(|key| key.kid.is_none() && key.verifies(algorithm));
        let mut candidates = if named.is_empty() { unnamed() } else { named };
        if candidates.is_empty() {
            return Err(Refusal::UnknownKey { kid: kid.clone() });
        }
        candidates.retain(|key| key.verifies(algorithm));
        candidates.truncate(MAX_CANDIDATES);
        if candidates.is_empty() { Err(Refusal::WrongAlgorithm) } else { Ok(candidates) }
    }

    fn find_without_id(
        &self,
        header: &UnverifiedHeader,
        algorithm: Algorithm,
    ) -> Result<Vec<&VerificationKey>, Refusal> {
        let thumbprints = [header.x5t.as_deref(), header.x5t_s256.as_deref()];
        let is_named =
            |key: &VerificationKey| thumbprints.iter().flatten().any(|text| key.has_thumbprint(text));
        let mut candidates = self.find_keys(|key| key.verifies(algorithm) && is_named(key));
        if candidates.is_empty() {
            candidates = self.find_keys(|key| key.verifies(algorithm));
        }
        match candidates.len() {
            0 => Err(Refusal::WrongAlgorithm),
            1..=MAX_CANDIDATES => Ok(candidates),
            _ => Err(Refusal::MissingKeyId),
        }
    }

    fn find_keys(&self, condition: impl Fn(&VerificationKey) -> bool) -> Vec<&VerificationKey> {
        self.keys.iter().filter(|key| condition(key)).collect()
    }
}

fn read_key(text: &[u8], accepted: &[Algorithm]) -> (Option<VerificationKey>, KeyReport) {
    let jwk = match Jwk::parse(text) {
        Ok(jwk) => jwk,
        Err(problem) => return (None, KeyReport::unreadable(&problem)),
    };
    match VerificationKey::from_jwk(&jwk, accepted) {
        Ok(key) => {
            let report = KeyReport::usable(&jwk, key.algorithms());
            (Some(key), report)
        }
        Err(problem) => (None, KeyReport::unusable(&jwk, &problem)),
    }
}

fn describe_unusable(reports: &[KeyReport]) -> String {
    if reports.is_empty() {
        return "the key set has no keys".to_owned();
    }
    let described: Vec<String> = reports.iter().take(MAX_DESCRIBED_KEYS).map(ToString::to_string).collect();
    let others = match reports.len().saturating_sub(MAX_DESCRIBED_KEYS) {
        0 => String::new(),
        count => format!("; {count} more"),
    };
    let described = described.join("; ");
    format!("none of the key set's {} keys can verify a token: {described}{others}", reports.len())
}
