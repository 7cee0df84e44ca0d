//! The token's header (RFC 7515, section 4). What it says is a claim of whoever sent it.

use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde_json::Value;

use crate::object;
use crate::refusal::Refusal;

/// Parameters that are not here, such as `jku`, `jwk` and `x5u`, are not looked at. A parameter given twice
/// fails the parse (RFC 7515, section 4).
#[derive(Deserialize)]
pub(crate) struct Header {
    pub(crate) alg: String,
    pub(crate) typ: Option<String>,
    pub(crate) kid: Option<String>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) crit: Option<Value>,
}

impl Header {
    pub(crate) fn parse(json: &[u8]) -> Result<Self, Refusal> {
        object::parse(json)
    }

    pub(crate) fn algorithm(&self) -> Result<Algorithm, Refusal> {
        match self.alg.as_str() {
            "RS256" => Ok(Algorithm::RS256),
            "PS256" => Ok(Algorithm::PS256),
            "ES256" => Ok(Algorithm::ES256),
            _ => Err(Refusal::UnsupportedAlgorithm),
        }
    }

    /// A plain JWT or one of RFC 9068; what is typed as something else was signed for another purpose
    /// (RFC 8725, section 3.11).
    pub(crate) fn is_of_access_token(&self) -> Result<(), Refusal> {
        let known = |typ: &str| {
            ["JWT", "at+jwt", "application/at+jwt"].iter().any(|known| typ.eq_ignore_ascii_case(known))
        };
        if self.typ.as_deref().is_none_or(known) { Ok(()) } else { Err(Refusal::UnsupportedType) }
    }

    /// No extension is understood here, so that any critical one refuses the token.
    pub(crate) fn is_without_critical(&self) -> Result<(), Refusal> {
        if self.crit.is_none() { Ok(()) } else { Err(Refusal::CriticalHeader) }
    }
}

/// Tells a null from nothing.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
