//! The issuer's keys: those of a JWK set (RFC 7517) that may verify a token's signature.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::json_object::{MAX_DEPTH, parse_object};
use crate::refusal::Refusal;
use crate::sanitize::sanitize;

/// The largest JWK set that is parsed, in bytes.
pub const MAX_KEY_SET_BYTES: usize = 128 * 1024;

/// The most keys of a JWK set, of any type. Issuers publish fewer than ten: one for each algorithm, and the last and the
/// next one.
const MAX_KEYS: usize = 100;

/// How many keys with one id and algorithm are tried. Issuers publish one (RFC 7517, section 4.5). Each costs a check of
/// the signature, and a token that anyone can send chooses the id.
const MAX_CANDIDATES: usize = 4;

/// Sizes of RSA moduli. RFC 7518, section 3.3, requires at least 2,048 bits; AWS-LC verifies up to 8,192.
const RSA_MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The length of a P-256 coordinate.
const P256_COORDINATE_BYTES: usize = 32;

/// One or more keys that may verify signatures.
#[derive(Debug, Clone)]
pub struct KeySet(Vec<VerificationKey>);

/// A key, described for people.
///
/// The texts have no control characters and at most [`crate::MAX_SHOWN_CHARS`] characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DescribedKey {
    pub kid: Option<String>,
    /// The algorithms that the key may verify, such as `RS256`.
    pub algorithms: Vec<String>,
}

impl fmt::Display for DescribedKey {
    /// Writes the id and the algorithms, such as `key-1 (RS256, PS256)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.kid.as_deref().unwrap_or("no id"), self.algorithms.join(", "))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    #[error("the key set is larger than {MAX_KEY_SET_BYTES} bytes")]
    TooLarge,
    #[error("the document is not a JWK set: {0}")]
    Malformed(String),
    #[error("the key set has {0} keys, and at most {MAX_KEYS} are read")]
    TooManyKeys(usize),
    #[error(
        "none of the key set's {0} keys may verify RS256, PS256 or ES256 signatures (RSA keys need 2,048 bits)"
    )]
    NoUsableKey(usize),
}

#[derive(Debug, Clone)]
pub(crate) struct VerificationKey {
    kid: Option<String>,
    algorithms: Vec<Algorithm>,
    public: DecodingKey,
}

#[derive(Deserialize)]
struct JwkSet<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

/// The members of RFC 7517, section 4, and RFC 7518, sections 6.2 and 6.3, that verification needs.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    key_use: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Reads a JWK set. Keys of another type or purpose, and keys that are malformed or too small, are ignored, as
    /// RFC 7517, section 5, requires.
    ///
    /// # Errors
    /// Fails if the document is too large, is not a JWK set, has too many keys or none that could verify a token.
    pub fn from_json(document: &[u8]) -> Result<Self, KeySetError> {
        if document.len() > MAX_KEY_SET_BYTES {
            return Err(KeySetError::TooLarge);
        }
        let set: JwkSet<'_> =
            parse_object(document, MAX_DEPTH).map_err(|error| KeySetError::Malformed(error.to_string()))?;
        let total = set.keys.len();
        if total > MAX_KEYS {
            return Err(KeySetError::TooManyKeys(total));
        }
        let keys: Vec<VerificationKey> = set.keys.into_iter().filter_map(VerificationKey::from_jwk).collect();
        if keys.is_empty() { Err(KeySetError::NoUsableKey(total)) } else { Ok(Self(keys)) }
    }

    /// Describes each key.
    pub fn describe_keys(&self) -> Vec<DescribedKey> {
        let describe = |key: &VerificationKey| DescribedKey {
            kid: key.kid.as_deref().map(sanitize),
            algorithms: key.algorithm_names(),
        };
        self.0.iter().map(describe).collect()
    }

    /// Describes all keys in one line.
    pub fn summary(&self) -> String {
        let keys = self.describe_keys();
        keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    /// Returns the few keys that may have signed a token with this header.
    pub(crate) fn find_candidates(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Vec<&VerificationKey>, Refusal> {
        let named: Vec<&VerificationKey> = match kid {
            Some(kid) => self.0.iter().filter(|key| key.kid.as_deref() == Some(kid)).collect(),
            None if self.0.len() == 1 => self.0.iter().collect(),
            None => return Err(Refusal::MissingKeyId),
        };
        if let (Some(kid), true) = (kid, named.is_empty()) {
            return Err(Refusal::UnknownKey { kid: kid.to_owned() });
        }
        let matching = named.into_iter().filter(|key| key.algorithms.contains(&algorithm));
        let candidates: Vec<&VerificationKey> = matching.take(MAX_CANDIDATES).collect();
        if candidates.is_empty() { Err(Refusal::WrongAlgorithm) } else { Ok(candidates) }
    }
}

impl VerificationKey {
    fn from_jwk(jwk: &RawValue) -> Option<Self> {
        let jwk: Jwk = parse_object(jwk.get().as_bytes(), MAX_DEPTH).ok()?;
        let may_verify = jwk.key_use.as_deref().is_none_or(|key_use| key_use == "sig")
            && jwk.key_ops.as_ref().is_none_or(|operations| operations.iter().any(|name| name == "verify"));
        if !may_verify {
            return None;
        }
        let (public, known) = match jwk.kty.as_str() {
            "RSA" => (rsa_key(&jwk)?, vec![("RS256", Algorithm::RS256), ("PS256", Algorithm::PS256)]),
            "EC" => (p256_key(&jwk)?, vec![("ES256", Algorithm::ES256)]),
            _ => return None,
        };
        let is_allowed = |name: &str| jwk.alg.as_deref().is_none_or(|alg| alg == name);
        let algorithms: Vec<Algorithm> =
            known.into_iter().filter(|(name, _)| is_allowed(name)).map(|(_, algorithm)| algorithm).collect();
        (!algorithms.is_empty()).then_some(Self { kid: jwk.kid, algorithms, public })
    }

    fn algorithm_names(&self) -> Vec<String> {
        self.algorithms.iter().map(|algorithm| format!("{algorithm:?}")).collect()
    }

    pub(crate) fn verifies_signature(&self, message: &str, signature: &str, algorithm: Algorithm) -> bool {
        jsonwebtoken::crypto::verify(signature, message.as_bytes(), &self.public, algorithm).unwrap_or(false)
    }
}

fn rsa_key(jwk: &Jwk) -> Option<DecodingKey> {
    let (modulus, exponent) = (decode_integer(jwk.n.as_deref()?)?, decode_integer(jwk.e.as_deref()?)?);
    let bits = modulus.len() * 8 - modulus.first()?.leading_zeros() as usize;
    RSA_MODULUS_BITS.contains(&bits).then(|| DecodingKey::from_rsa_raw_components(&modulus, &exponent))
}

fn p256_key(jwk: &Jwk) -> Option<DecodingKey> {
    let (x, y) = (jwk.x.as_deref()?, jwk.y.as_deref()?);
    let is_coordinate =
        |part: &str| URL_SAFE_NO_PAD.decode(part).is_ok_and(|bytes| bytes.len() == P256_COORDINATE_BYTES);
    if jwk.crv.as_deref() != Some("P-256") || !is_coordinate(x) || !is_coordinate(y) {
        return None;
    }
    DecodingKey::from_ec_components(x, y).ok()
}

/// Decodes a big-endian integer, without the leading zeros that some issuers send and AWS-LC refuses.
fn decode_integer(encoded: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
    let first = bytes.iter().position(|byte| *byte != 0)?;
    Some(bytes[first..].to_vec())
}
