//! The issuer's published key, in each encoding that a confused verifier might use as an HMAC secret.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pem::{EncodeConfig, LineEnding, Pem};
use serde_json::Value;
use yasna::construct_der;
use yasna::models::ObjectIdentifier;

use crate::error::ForgeryError;
use crate::token::Token;

/// RFC 8017, appendix A.1.
const RSA_ENCRYPTION: &[u64] = &[1, 2, 840, 113_549, 1, 1, 1];
/// RFC 5480, section 2.1.
const EC_PUBLIC_KEY: &[u64] = &[1, 2, 840, 10_045, 2, 1];
const PRIME256V1: &[u64] = &[1, 2, 840, 10_045, 3, 1, 7];

/// A public key with its JWK. Integers are big-endian.
pub(crate) enum PublicKey {
    Rsa { jwk: Value, modulus: Vec<u8>, exponent: Vec<u8> },
    P256 { jwk: Value, x: Vec<u8>, y: Vec<u8> },
}

impl PublicKey {
    /// Finds the key that signed `token`.
    pub(crate) fn find_in_jwks(token: &Token, jwks: &Value) -> Result<Self, ForgeryError> {
        let keys = jwks["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
        let jwk = match (token.key_id(), keys) {
            (None, [only]) => only,
            (None, _) => return Err(ForgeryError::NoSuchKey),
            (Some(kid), _) => keys.iter().find(|key| key["kid"] == kid).ok_or(ForgeryError::NoSuchKey)?,
        };
        let decode_member = |name: &str| {
            let text = jwk[name].as_str().ok_or(ForgeryError::UnsupportedKey)?;
            URL_SAFE_NO_PAD.decode(text).map_err(|_| ForgeryError::UnsupportedKey)
        };
        match (jwk["kty"].as_str(), jwk["crv"].as_str()) {
            (Some("RSA"), _) => Ok(Self::Rsa {
                modulus: decode_member("n")?,
                exponent: decode_member("e")?,
                jwk: jwk.clone(),
            }),
            (Some("EC"), Some("P-256")) => {
                Ok(Self::P256 { x: decode_member("x")?, y: decode_member("y")?, jwk: jwk.clone() })
            }
            _ => Err(ForgeryError::UnsupportedKey),
        }
    }

    /// Returns the SubjectPublicKeyInfo (RFC 5280), the usual format of key files, as PEM.
    pub(crate) fn to_pem(&self) -> String {
        encode_pem("PUBLIC KEY", self.to_spki())
    }

    /// Returns each encoding with its name.
    pub(crate) fn named_encodings(&self) -> Vec<(&'static str, Vec<u8>)> {
        let pem = self.to_pem();
        let mut encodings = vec![
            ("PEM", pem.clone().into_bytes()),
            ("PEM without its last newline", pem.trim_end().as_bytes().to_vec()),
            ("DER", self.to_spki()),
        ];
        match self {
            Self::Rsa { jwk, modulus, exponent } => encodings.extend([
                ("PKCS#1 PEM", encode_pem("RSA PUBLIC KEY", encode_pkcs1(modulus, exponent)).into_bytes()),
                ("PKCS#1 DER", encode_pkcs1(modulus, exponent)),
                ("modulus", modulus.clone()),
                ("modulus in base64", string_bytes(&jwk["n"])),
                ("JWK", jwk.to_string().into_bytes()),
            ]),
            Self::P256 { jwk, x, y } => encodings.extend([
                ("point", uncompressed_point(x, y)),
                ("x", x.clone()),
                ("x in base64", string_bytes(&jwk["x"])),
                ("JWK", jwk.to_string().into_bytes()),
            ]),
        }
        encodings
    }

    fn to_spki(&self) -> Vec<u8> {
        match self {
            Self::Rsa { modulus, exponent, .. } => {
                encode_spki(RSA_ENCRYPTION, None, &encode_pkcs1(modulus, exponent))
            }
            Self::P256 { x, y, .. } => {
                encode_spki(EC_PUBLIC_KEY, Some(PRIME256V1), &uncompressed_point(x, y))
            }
        }
    }
}

fn encode_spki(algorithm: &[u64], curve: Option<&[u64]>, key: &[u8]) -> Vec<u8> {
    construct_der(|writer| {
        writer.write_sequence(|writer| {
            writer.next().write_sequence(|writer| {
                writer.next().write_oid(&ObjectIdentifier::from_slice(algorithm));
                match curve {
                    Some(curve) => writer.next().write_oid(&ObjectIdentifier::from_slice(curve)),
                    None => writer.next().write_null(),
                }
            });
            writer.next().write_bitvec_bytes(key, key.len() * 8);
        });
    })
}

/// Returns an RSAPublicKey (RFC 8017, appendix A.1.1).
fn encode_pkcs1(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    encode_der_integers(modulus, exponent)
}

/// Returns the uncompressed point (SEC 1, section 2.3.3).
fn uncompressed_point(x: &[u8], y: &[u8]) -> Vec<u8> {
    [&[4], x, y].concat()
}

/// Returns a DER sequence of two integers, the format of both an RSA key and an ECDSA signature.
pub(crate) fn encode_der_integers(first: &[u8], second: &[u8]) -> Vec<u8> {
    construct_der(|writer| {
        writer.write_sequence(|writer| {
            writer.next().write_bigint_bytes(first, true);
            writer.next().write_bigint_bytes(second, true);
        });
    })
}

fn string_bytes(member: &Value) -> Vec<u8> {
    member.as_str().unwrap_or_default().as_bytes().to_vec()
}

fn encode_pem(label: &str, der: Vec<u8>) -> String {
    pem::encode_config(&Pem::new(label, der), EncodeConfig::new().set_line_ending(LineEnding::LF))
}
