//! The members of a JWK (RFC 7517, section 4; RFC 7518, section 6; RFC 8037, section 2).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use restctl_contract::json::Json;
use serde::Deserialize;

use crate::json_object::{MAX_DEPTH, parse_object};

/// A key as it is published. The members have their types; whether they make a key is not checked yet.
///
/// An error in this module and its neighbours is the [`super::KeyReport::problem`].
pub(super) struct Jwk {
    pub(super) kid: Option<String>,
    pub(super) kty: Option<String>,
    pub(super) key_use: Option<String>,
    /// Empty if absent: some issuers send an empty list.
    pub(super) key_ops: Vec<String>,
    pub(super) alg: Option<String>,
    pub(super) crv: Option<String>,
    /// RSA's modulus.
    pub(super) n: Option<Vec<u8>>,
    /// RSA's exponent.
    pub(super) e: Option<Vec<u8>>,
    pub(super) x: Option<Vec<u8>>,
    pub(super) y: Option<Vec<u8>>,
    /// The first certificate of `x5c`, whose key this is.
    pub(super) certificate: Option<Vec<u8>>,
    pub(super) x5t: Option<String>,
    pub(super) x5t_s256: Option<String>,
    pub(super) has_private_members: bool,
}

/// Members of any type. A duplicate member fails the parse (RFC 7517, section 4), and null counts as absent.
#[derive(Deserialize)]
struct UncheckedJwk {
    kid: Option<Json>,
    kty: Option<Json>,
    #[serde(rename = "use")]
    key_use: Option<Json>,
    key_ops: Option<Json>,
    alg: Option<Json>,
    crv: Option<Json>,
    n: Option<Json>,
    e: Option<Json>,
    x: Option<Json>,
    y: Option<Json>,
    x5c: Option<Json>,
    x5t: Option<Json>,
    #[serde(rename = "x5t#S256")]
    x5t_s256: Option<Json>,
    d: Option<Json>,
    p: Option<Json>,
    q: Option<Json>,
    dp: Option<Json>,
    dq: Option<Json>,
    qi: Option<Json>,
    oth: Option<Json>,
    /// A shared secret.
    k: Option<Json>,
    /// The private key of types that are newer than RFC 7518 (RFC 9964, section 3).
    #[serde(rename = "priv")]
    private: Option<Json>,
}

impl Jwk {
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let members: UncheckedJwk =
            parse_object(text, MAX_DEPTH).map_err(|error| format!("it is not a JWK: {error}"))?;
        let UncheckedJwk { d, p, q, dp, dq, qi, oth, k, private, .. } = &members;
        let has_private_members = [d, p, q, dp, dq, qi, oth, k, private].into_iter().any(Option::is_some);
        Ok(Self {
            kid: text_member("kid", members.kid)?,
            kty: text_member("kty", members.kty)?,
            key_use: text_member("use", members.key_use)?,
            key_ops: text_list("key_ops", members.key_ops)?,
            alg: text_member("alg", members.alg)?,
            crv: text_member("crv", members.crv)?,
            n: bytes_member("n", members.n)?,
            e: bytes_member("e", members.e)?,
            x: bytes_member("x", members.x)?,
            y: bytes_member("y", members.y)?,
            certificate: first_certificate(members.x5c),
            x5t: text_member("x5t", members.x5t)?,
            x5t_s256: text_member("x5t#S256", members.x5t_s256)?,
            has_private_members,
        })
    }
}

fn text_member(name: &str, member: Option<Json>) -> Result<Option<String>, String> {
    match member {
        None => Ok(None),
        Some(Json::String(text)) => Ok(Some(text)),
        Some(other) => Err(format!("its {name} is {}, not a string", other.type_name())),
    }
}

fn text_list(name: &str, member: Option<Json>) -> Result<Vec<String>, String> {
    let elements = match member {
        None => Vec::new(),
        Some(Json::Array(elements)) => elements,
        Some(other) => return Err(format!("its {name} is {}, not an array", other.type_name())),
    };
    let text = |element: Json| element.as_str().map(str::to_owned);
    elements
        .into_iter()
        .map(text)
        .collect::<Option<_>>()
        .ok_or(format!("its {name} is not a list of strings"))
}

fn bytes_member(name: &str, member: Option<Json>) -> Result<Option<Vec<u8>>, String> {
    let Some(text) = text_member(name, member)? else { return Ok(None) };
    decode_any_base64(&text).map(Some).ok_or(format!("its {name} is not base64url"))
}

/// Anything else than a list of base64 counts as absent, because the certificate matters only if the key is not given
/// otherwise.
fn first_certificate(x5c: Option<Json>) -> Option<Vec<u8>> {
    let Some(Json::Array(certificates)) = x5c else { return None };
    decode_any_base64(certificates.first()?.as_str()?)
}

/// Decodes base64url without padding, as RFC 7515, section 2, wants it, and also what some issuers send: padding or the
/// standard alphabet. All of these say the same bytes.
fn decode_any_base64(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(to_base64url(text)).ok()
}

/// Replaces the standard alphabet and removes padding.
pub(super) fn to_base64url(text: &str) -> String {
    text.trim_end_matches('=').replace('+', "-").replace('/', "_")
}

/// Shortens a big-endian integer.
pub(super) fn without_leading_zeros(integer: &[u8]) -> &[u8] {
    let first = integer.iter().position(|byte| *byte != 0).unwrap_or(integer.len());
    &integer[first..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_encoding_gives_the_same_bytes() {
        for text in ["-_8", "-_8=", "+/8", "+/8=", "+_8"] {
            assert_eq!(decode_any_base64(text), Some(vec![0xfb, 0xff]), "{text}");
        }
        for text in ["-_9", "-", "- _8", "-_8\n", "-=_8", "é"] {
            assert_eq!(decode_any_base64(text), None, "{text}");
        }
    }
}
