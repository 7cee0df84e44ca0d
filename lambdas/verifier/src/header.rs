//! The token's header (RFC 7515, section 4). Until the signature is verified, anyone may have written it.

use restctl_contract::issuer::Algorithm;
use restctl_contract::json::Json;
use serde::{Deserialize, Deserializer};

use crate::json_object::parse_object;
use crate::refusal::Refusal;

/// How deeply the header may nest. Three levels are the most that a registered parameter needs: a list of certificates in
/// a key in the header (RFC 7515, section 4.1.3).
const MAX_DEPTH: usize = 8;

/// All other parameters are ignored, among them `jku`, `jwk`, `x5c` and `x5u`. A duplicate parameter fails the parse
/// (RFC 7515, section 4).
#[derive(Deserialize)]
pub(crate) struct UnverifiedHeader {
    pub(crate) alg: String,
    pub(crate) typ: Option<String>,
    pub(crate) kid: Option<String>,
    /// The SHA-1 thumbprint of the key's certificate. As `kid`, it only chooses among the issuer's keys.
    pub(crate) x5t: Option<String>,
    #[serde(rename = "x5t#S256")]
    pub(crate) x5t_s256: Option<String>,
    #[serde(default, deserialize_with = "deserialize_present")]
    pub(crate) crit: Option<Json>,
}

impl UnverifiedHeader {
    pub(crate) fn parse(json: &[u8]) -> Result<Self, Refusal> {
        parse_object(json, MAX_DEPTH).map_err(|_| Refusal::Malformed)
    }

    /// Returns the algorithm if the issuer's tokens may have it.
    pub(crate) fn check_algorithm(&self, accepted: &[Algorithm]) -> Result<Algorithm, Refusal> {
        let algorithm = Algorithm::from_jose_name(&self.alg).filter(|algorithm| accepted.contains(algorithm));
        algorithm.ok_or(Refusal::UnsupportedAlgorithm)
    }

    /// Accepts a plain JWT, the type of RFC 9068, and the name of its use that some providers write instead. A token of
    /// another type was signed for another purpose (RFC 8725, section 3.11).
    pub(crate) fn check_type(&self) -> Result<(), Refusal> {
        let known = |typ: &str| {
            ["JWT", "at+jwt", "application/at+jwt", "Bearer"]
                .iter()
                .any(|known| typ.eq_ignore_ascii_case(known))
        };
        if self.typ.as_deref().is_none_or(known) { Ok(()) } else { Err(Refusal::UnsupportedType) }
    }

    /// Refuses every critical parameter, because no extension is supported.
    pub(crate) fn check_critical_parameters(&self) -> Result<(), Refusal> {
        if self.crit.is_none() { Ok(()) } else { Err(Refusal::CriticalHeader) }
    }
}

/// Keeps an explicit null apart from an absent member.
fn deserialize_present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
}
