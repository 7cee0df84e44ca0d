//! The issuer's published key, in each encoding that a confused verifier might use as an HMAC secret.

use pem::{EncodeConfig, LineEnding, Pem};
use restctl_contract::issuer::Algorithm;
use serde_json::Value;

use crate::error::ForgeryError;
use crate::key_material::{KeyMaterial, uncompressed_point};
use crate::token::Token;

/// The most keys of a set that are tried.
const MAX_KEYS: usize = 100;

#[derive(Debug)]
pub(crate) struct PublicKey {
    /// The key as it is published.
    pub(crate) jwk: Value,
    pub(crate) material: KeyMaterial,
}

impl PublicKey {
    fn from_jwk(jwk: &Value) -> Result<Self, ForgeryError> {
        Ok(Self { jwk: jwk.clone(), material: KeyMaterial::from_jwk(jwk)? })
    }

    /// Finds the key that signed `token`: the first that verifies its signature. The keys with its key id are tried first,
    /// but a token need not have one, and several keys may have the same.
    pub(crate) fn find_signer(token: &Token, jwks: &Value) -> Result<Self, ForgeryError> {
        let algorithm = token.signature_algorithm()?;
        let is_named = |jwk: &&Value| token.key_id().is_some() && jwk["kid"].as_str() == token.key_id();
        let (named, others): (Vec<&Value>, Vec<&Value>) = published_keys(jwks).iter().partition(is_named);
        let mut unreadable = None;
        for jwk in named.into_iter().chain(others).take(MAX_KEYS) {
            match Self::from_jwk(jwk) {
                Ok(key) if token.is_signed_by(&key.material, algorithm) => return Ok(key),
                Ok(_) => {}
                Err(error) => {
                    unreadable.get_or_insert(error);
                }
            }
        }
        Err(unreadable.unwrap_or(ForgeryError::NoSuchKey))
    }

    /// Finds a key whose signature the API would accept with one of these algorithms, and the algorithm.
    pub(crate) fn find_for_signatures(
        jwks: &Value,
        algorithms: &[Algorithm],
    ) -> Result<(Self, Algorithm), ForgeryError> {
        let mut unreadable = None;
        let for_signatures = |jwk: &&Value| jwk["use"].as_str().is_none_or(|key_use| key_use == "sig");
        for jwk in published_keys(jwks).iter().filter(for_signatures).take(MAX_KEYS) {
            match Self::from_jwk(jwk) {
                Ok(key) => {
                    let accepted = algorithms.iter().copied().find(|algorithm| key.may_sign(*algorithm));
                    if let Some(algorithm) = accepted {
                        return Ok((key, algorithm));
                    }
                }
                Err(error) => {
                    unreadable.get_or_insert(error);
                }
            }
        }
        Err(unreadable.unwrap_or(ForgeryError::NoKey))
    }

    fn may_sign(&self, algorithm: Algorithm) -> bool {
        self.material.algorithms().contains(&algorithm)
            && self.jwk["alg"]
                .as_str()
                .is_none_or(|pinned| Algorithm::from_jose_name(pinned) == Some(algorithm))
    }

    pub(crate) fn key_id(&self) -> Option<&str> {
        self.jwk["kid"].as_str()
    }

    /// Returns the SubjectPublicKeyInfo (RFC 5280), the usual format of key files, as PEM.
    pub(crate) fn to_pem(&self) -> String {
        encode_pem("PUBLIC KEY", self.material.to_spki())
    }

    /// Returns each encoding with its name.
    pub(crate) fn named_encodings(&self) -> Vec<(&'static str, Vec<u8>)> {
        let pem = self.to_pem();
        let mut encodings = vec![
            ("PEM", pem.clone().into_bytes()),
            ("PEM without its last newline", pem.trim_end().as_bytes().to_vec()),
            ("DER", self.material.to_spki()),
        ];
        if let Some(pkcs1) = self.material.to_pkcs1() {
            encodings.push(("PKCS#1 PEM", encode_pem("RSA PUBLIC KEY", pkcs1.clone()).into_bytes()));
            encodings.push(("PKCS#1 DER", pkcs1));
        }
        match &self.material {
            KeyMaterial::Rsa { modulus, .. } => {
                encodings.push(("modulus", modulus.clone()));
                encodings.push(("modulus in base64", self.member_text("n")));
            }
            KeyMaterial::EllipticCurve { x, y, .. } => {
                encodings.push(("point", uncompressed_point(x, y)));
                encodings.push(("x", x.clone()));
                encodings.push(("x in base64", self.member_text("x")));
            }
            KeyMaterial::Ed25519 { point } => {
                encodings.push(("x", point.clone()));
                encodings.push(("x in base64", self.member_text("x")));
            }
        }
        encodings.push(("JWK", self.jwk.to_string().into_bytes()));
        encodings
    }

    /// Returns a member as it is published, or as it would be if the key is in its certificate only.
    fn member_text(&self, name: &str) -> Vec<u8> {
        let usual = self.material.to_jwk();
        self.jwk[name].as_str().or(usual[name].as_str()).unwrap_or_default().as_bytes().to_vec()
    }
}

fn published_keys(jwks: &Value) -> &[Value] {
    jwks["keys"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn encode_pem(label: &str, der: Vec<u8>) -> String {
    pem::encode_config(&Pem::new(label, der), EncodeConfig::new().set_line_ending(LineEnding::LF))
}
