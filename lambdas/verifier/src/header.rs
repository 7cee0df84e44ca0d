//! The token's header (RFC 7515, section 4). What it says is a claim of whoever sent it.

use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde_json::Value;

use crate::Refusal;

/// The header of a token whose signature could be verified; it has not been yet.
pub(crate) struct Header {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<String>,
}

/// Parameters that are not here, such as `jku`, `jwk` and `x5u`, are not looked at. A parameter given twice
/// fails the parse (RFC 7515, section 4).
#[derive(Deserialize)]
struct Parameters {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    #[serde(default, deserialize_with = "present")]
    crit: Option<Value>,
}

impl Header {
    pub(crate) fn parse(json: &[u8]) -> Result<Self, Refusal> {
        let parameters: Parameters = serde_json::from_slice(json).map_err(|_| Refusal::Malformed)?;
        let algorithm = match parameters.alg.as_str() {
            "RS256" => Algorithm::RS256,
            "PS256" => Algorithm::PS256,
            "ES256" => Algorithm::ES256,
            _ => return Err(Refusal::UnsupportedAlgorithm),
        };
        // No extension is understood here, so that any critical one refuses the token.
        if parameters.crit.is_some() {
            return Err(Refusal::CriticalHeader);
        }
        if parameters.typ.is_some_and(|typ| !is_access_token(&typ)) {
            return Err(Refusal::UnsupportedType);
        }
        Ok(Self { algorithm, kid: parameters.kid })
    }
}

/// A plain JWT or one of RFC 9068; what is typed as something else was signed for another purpose (RFC 8725,
/// section 3.11).
fn is_access_token(typ: &str) -> bool {
    ["JWT", "at+jwt", "application/at+jwt"].iter().any(|known| typ.eq_ignore_ascii_case(known))
}

/// Tells a null from nothing.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
