//! The token that the attacker has seen, and tokens made from it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use restctl_contract::issuer::Algorithm;
use restctl_contract::json::{self, Limits};
use serde_json::Value;

use crate::base64url::encode_base64url;
use crate::error::ForgeryError;
use crate::key_material::KeyMaterial;

/// The token comes from an identity provider.
const LIMITS: Limits = Limits { depth: 32, values: 10_000 };

/// An unknown algorithm in an error is cut to this length.
const MAX_SHOWN_CHARS: usize = 40;

pub(crate) struct Token {
    pub(crate) header: Value,
    pub(crate) claims: Value,
    /// Header, payload and signature as received.
    pub(crate) parts: [String; 3],
    pub(crate) signature: Vec<u8>,
}

/// A token that must be refused, with a name that says why.
pub(crate) struct ForgedToken {
    pub(crate) name: String,
    pub(crate) token: String,
}

impl ForgedToken {
    pub(crate) fn new(name: impl Into<String>, token: impl Into<String>) -> Self {
        Self { name: name.into(), token: token.into() }
    }
}

impl Token {
    pub(crate) fn parse(token: &str) -> Result<Self, ForgeryError> {
        let parts: Vec<&str> = token.split('.').collect();
        let [header, payload, signature] = parts[..] else { return Err(ForgeryError::Malformed) };
        let decode_object = |part: &str| {
            let json = URL_SAFE_NO_PAD.decode(part).ok()?;
            serde_json::to_value(json::parse(&json, LIMITS).ok()?).ok().filter(Value::is_object)
        };
        Ok(Self {
            header: decode_object(header).ok_or(ForgeryError::Malformed)?,
            claims: decode_object(payload).ok_or(ForgeryError::Malformed)?,
            signature: URL_SAFE_NO_PAD.decode(signature).map_err(|_| ForgeryError::Malformed)?,
            parts: [header, payload, signature].map(str::to_owned),
        })
    }

    pub(crate) fn algorithm(&self) -> &str {
        self.header["alg"].as_str().unwrap_or_default()
    }

    pub(crate) fn signature_algorithm(&self) -> Result<Algorithm, ForgeryError> {
        let name = self.algorithm();
        let shown = || name.chars().take(MAX_SHOWN_CHARS).collect();
        Algorithm::from_jose_name(name).ok_or_else(|| ForgeryError::UnknownAlgorithm(shown()))
    }

    pub(crate) fn is_signed_by(&self, key: &KeyMaterial, algorithm: Algorithm) -> bool {
        let [header, payload, _] = &self.parts;
        key.verifies_signature(algorithm, format!("{header}.{payload}").as_bytes(), &self.signature)
    }

    pub(crate) fn key_id(&self) -> Option<&str> {
        self.header["kid"].as_str()
    }

    /// Returns the header with one member replaced.
    pub(crate) fn header_with(&self, name: &str, value: impl Into<Value>) -> Value {
        with_member(&self.header, name, value)
    }

    /// Returns the claims with one member replaced.
    pub(crate) fn claims_with(&self, name: &str, value: impl Into<Value>) -> Value {
        with_member(&self.claims, name, value)
    }

    /// Returns this token with another header.
    pub(crate) fn with_header(&self, header: &Value) -> String {
        let [_, payload, signature] = &self.parts;
        format!("{}.{payload}.{signature}", encode_base64url(header.to_string()))
    }

    /// Returns this token with another header and another signature.
    pub(crate) fn with_header_and_signature(&self, header: &Value, signature: impl AsRef<[u8]>) -> String {
        let [_, payload, _] = &self.parts;
        format!("{}.{payload}.{}", encode_base64url(header.to_string()), encode_base64url(signature))
    }

    /// Returns this token with another payload.
    pub(crate) fn with_payload(&self, payload: impl AsRef<[u8]>) -> String {
        let [header, _, signature] = &self.parts;
        format!("{header}.{}.{signature}", encode_base64url(payload))
    }

    /// Returns this token with another signature.
    pub(crate) fn with_signature(&self, signature: impl AsRef<[u8]>) -> String {
        let [header, payload, _] = &self.parts;
        format!("{header}.{payload}.{}", encode_base64url(signature))
    }
}

fn with_member(object: &Value, name: &str, value: impl Into<Value>) -> Value {
    let mut object = object.clone();
    object[name] = value.into();
    object
}

pub(crate) fn without_member(mut object: Value, name: &str) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.shift_remove(name);
    }
    object
}
