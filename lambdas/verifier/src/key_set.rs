//! The issuer's keys: a JWK set (RFC 7517), less every key that may not verify a signature here.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

use crate::refusal::Refusal;
use crate::sanitize::shown;

/// The largest JWK set that is looked at, in bytes.
pub const MAX_KEY_SET_BYTES: usize = 128 * 1024;

/// RSA moduli in bits: RFC 7518, section 3.3, asks for 2,048 or more; AWS-LC verifies up to 8,192.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Bytes of a coordinate of P-256.
const P256_BYTES: usize = 32;

/// At least one key that may verify signatures.
#[derive(Debug, Clone)]
pub struct KeySet(Vec<Key>);

/// Its texts hold no control characters and at most [`crate::MAX_SHOWN_CHARS`] characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedKey {
    pub kid: Option<String>,
    /// Such as `RS256`: those of the signatures that it may verify here.
    pub algorithms: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    #[error("the key set is larger than {MAX_KEY_SET_BYTES} bytes")]
    TooLarge,
    #[error("the document is not a JWK set: {0}")]
    Malformed(String),
    #[error(
        "none of the key set's {0} keys may verify RS256, PS256 or ES256 signatures (RSA keys need 2,048 bits)"
    )]
    NoUsableKey(usize),
}

#[derive(Debug, Clone)]
pub(crate) struct Key {
    kid: Option<String>,
    algorithms: Vec<Algorithm>,
    public: DecodingKey,
}

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<Value>,
}

/// Of RFC 7517, section 4, and RFC 7518, sections 6.2 and 6.3, what it takes to verify.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Reads a JWK set. Keys of other types, for other purposes, too small or misshapen are passed over, as
    /// RFC 7517, section 5, asks.
    ///
    /// # Errors
    /// If the document is too large, is no JWK set or has no key that could verify a token.
    pub fn from_json(document: &[u8]) -> Result<Self, KeySetError> {
        if document.len() > MAX_KEY_SET_BYTES {
            return Err(KeySetError::TooLarge);
        }
        let set: JwkSet =
            serde_json::from_slice(document).map_err(|error| KeySetError::Malformed(error.to_string()))?;
        let total = set.keys.len();
        let keys: Vec<Key> = set.keys.into_iter().filter_map(Key::from_jwk).collect();
        if keys.is_empty() { Err(KeySetError::NoUsableKey(total)) } else { Ok(Self(keys)) }
    }

    /// Each key that may verify signatures.
    pub fn described(&self) -> Vec<DescribedKey> {
        let described = |key: &Key| DescribedKey {
            kid: key.kid.as_deref().map(shown),
            algorithms: key.algorithms.iter().map(|known| format!("{known:?}")).collect(),
        };
        self.0.iter().map(described).collect()
    }

    /// The keys' ids and algorithms, such as `key-1 (RS256, PS256)`.
    pub fn names(&self) -> String {
        let name = |key: &Key| {
            let algorithms: Vec<String> = key.algorithms.iter().map(|known| format!("{known:?}")).collect();
            format!("{} ({})", key.kid.as_deref().unwrap_or("no id"), algorithms.join(", "))
        };
        self.0.iter().map(name).collect::<Vec<_>>().join(", ")
    }

    /// The keys that may have signed a token with this header.
    pub(crate) fn candidates(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<Vec<&Key>, Refusal> {
        let named: Vec<&Key> = match kid {
            Some(kid) => self.0.iter().filter(|key| key.kid.as_deref() == Some(kid)).collect(),
            None if self.0.len() == 1 => self.0.iter().collect(),
            None => return Err(Refusal::MissingKeyId),
        };
        if let (Some(kid), true) = (kid, named.is_empty()) {
            return Err(Refusal::UnknownKey { kid: kid.to_owned() });
        }
        let fitting: Vec<&Key> =
            named.into_iter().filter(|key| key.algorithms.contains(&algorithm)).collect();
        if fitting.is_empty() { Err(Refusal::WrongAlgorithm) } else { Ok(fitting) }
    }
}

impl Key {
    fn from_jwk(jwk: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(jwk).ok()?;
        let may_verify = jwk.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
            && jwk.key_ops.as_ref().is_none_or(|operations| operations.iter().any(|name| name == "verify"));
        if !may_verify {
            return None;
        }
        let (public, known) = match jwk.kty.as_str() {
            "RSA" => (rsa(&jwk)?, vec![("RS256", Algorithm::RS256), ("PS256", Algorithm::PS256)]),
            "EC" => (p256(&jwk)?, vec![("ES256", Algorithm::ES256)]),
            _ => return None,
        };
        let bound = |name: &str| jwk.alg.as_deref().is_none_or(|alg| alg == name);
        let algorithms: Vec<Algorithm> =
            known.into_iter().filter(|(name, _)| bound(name)).map(|(_, algorithm)| algorithm).collect();
        (!algorithms.is_empty()).then_some(Self { kid: jwk.kid, algorithms, public })
    }

    pub(crate) fn verifies(&self, message: &str, signature: &str, algorithm: Algorithm) -> bool {
        jsonwebtoken::crypto::verify(signature, message.as_bytes(), &self.public, algorithm).unwrap_or(false)
    }
}

fn rsa(jwk: &Jwk) -> Option<DecodingKey> {
    let (modulus, exponent) = (integer(jwk.n.as_deref()?)?, integer(jwk.e.as_deref()?)?);
    let bits = modulus.len() * 8 - modulus.first()?.leading_zeros() as usize;
    RSA_BITS.contains(&bits).then(|| DecodingKey::from_rsa_raw_components(&modulus, &exponent))
}

fn p256(jwk: &Jwk) -> Option<DecodingKey> {
    let (x, y) = (jwk.x.as_deref()?, jwk.y.as_deref()?);
    let coordinate = |part: &str| URL_SAFE_NO_PAD.decode(part).is_ok_and(|bytes| bytes.len() == P256_BYTES);
    if jwk.crv.as_deref() != Some("P-256") || !coordinate(x) || !coordinate(y) {
        return None;
    }
    DecodingKey::from_ec_components(x, y).ok()
}

/// Big-endian, without the leading zeros that some issuers send and AWS-LC refuses.
fn integer(encoded: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
    let first = bytes.iter().position(|byte| *byte != 0)?;
    Some(bytes[first..].to_vec())
}
