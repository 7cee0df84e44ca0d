//! The numbers of a public key, from any kind of document.

use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use restctl_contract::issuer::Algorithm;
use serde_json::{Value, json};
use x509_parser::prelude::{FromDer, SubjectPublicKeyInfo, X509Certificate};
use x509_parser::public_key::PublicKey as ParsedPublicKey;
use yasna::construct_der;
use yasna::models::ObjectIdentifier;

use crate::base64url::encode_base64url;
use crate::elliptic_curve::Curve;
use crate::error::ForgeryError;

/// RFC 8017, appendix A.1.
const RSA_ENCRYPTION: &[u64] = &[1, 2, 840, 113_549, 1, 1, 1];
/// RFC 5480, section 2.1.
const EC_PUBLIC_KEY: &[u64] = &[1, 2, 840, 10_045, 2, 1];
/// RFC 8410, section 3.
const ED25519: &[u64] = &[1, 3, 101, 112];

const ED25519_BYTES: usize = 32;

/// Begins an uncompressed point (SEC 1, section 2.3.3).
const UNCOMPRESSED: u8 = 4;

/// A text of the key's in an error is cut to this length.
const MAX_SHOWN_CHARS: usize = 40;

/// Integers are big-endian.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeyMaterial {
    /// Without leading zeros.
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    /// Both coordinates have the curve's length.
    EllipticCurve {
        curve: Curve,
        x: Vec<u8>,
        y: Vec<u8>,
    },
    Ed25519 {
        point: Vec<u8>,
    },
}

impl KeyMaterial {
    /// Reads a JWK (RFC 7517) as issuers write it: base64 may have padding or the standard alphabet, coordinates may be
    /// shorter or longer than the curve's, and the key may be in its certificate only.
    pub(crate) fn from_jwk(jwk: &Value) -> Result<Self, ForgeryError> {
        let member = |name: &str| jwk[name].as_str().and_then(decode_any_base64);
        let from_members = match (jwk["kty"].as_str(), jwk["crv"].as_str()) {
            (Some("RSA"), _) => {
                member("n").zip(member("e")).and_then(|(modulus, exponent)| Self::rsa(&modulus, &exponent))
            }
            (Some("EC"), Some(crv)) => {
                let curve = Curve::ALL.into_iter().find(|curve| curve.name() == crv);
                let coordinates = member("x").zip(member("y"));
                curve.zip(coordinates).and_then(|(curve, (x, y))| Self::elliptic_curve(curve, &x, &y))
            }
            (Some("OKP"), Some("Ed25519")) => member("x").and_then(Self::ed25519),
            _ => None,
        };
        let from_certificate = || Self::from_certificate(&decode_any_base64(jwk["x5c"][0].as_str()?)?);
        from_members.or_else(from_certificate).ok_or_else(|| {
            let shown =
                |name: &str| jwk[name].as_str().map(|text| text.chars().take(MAX_SHOWN_CHARS).collect());
            let [kty, crv]: [String; 2] = ["kty", "crv"].map(|name| shown(name).unwrap_or_default());
            ForgeryError::UnsupportedKey(format!("kty {kty:?}, crv {crv:?}"))
        })
    }

    fn from_certificate(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        Self::from_parsed_spki(certificate.public_key())
    }

    /// Reads a SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7).
    pub(crate) fn from_spki(der: &[u8]) -> Option<Self> {
        let (_, spki) = SubjectPublicKeyInfo::from_der(der).ok()?;
        Self::from_parsed_spki(&spki)
    }

    fn from_parsed_spki(spki: &SubjectPublicKeyInfo<'_>) -> Option<Self> {
        let is = |oid: &[u64]| spki.algorithm.algorithm.iter().is_some_and(|own| own.eq(oid.iter().copied()));
        if is(ED25519) {
            return Self::ed25519(spki.subject_public_key.data.to_vec());
        }
        match spki.parsed().ok()? {
            ParsedPublicKey::RSA(key) => Self::rsa(key.modulus, key.exponent),
            ParsedPublicKey::EC(point) => {
                let parameters = spki.algorithm.parameters.as_ref()?.as_oid().ok()?;
                let named = |curve: &Curve| {
                    parameters.iter().is_some_and(|own| own.eq(curve.object_identifier().iter().copied()))
                };
                let curve = Curve::ALL.into_iter().find(named)?;
                let coordinates = point.data().strip_prefix(&[UNCOMPRESSED])?;
                let (x, y) = coordinates.split_at_checked(curve.coordinate_bytes())?;
                Self::elliptic_curve(curve, x, y)
            }
            _ => None,
        }
    }

    fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let [modulus, exponent] = [modulus, exponent].map(|integer| without_leading_zeros(integer).to_vec());
        (!modulus.is_empty() && !exponent.is_empty()).then_some(Self::Rsa { modulus, exponent })
    }

    fn elliptic_curve(curve: Curve, x: &[u8], y: &[u8]) -> Option<Self> {
        let coordinate = |bytes: &[u8]| {
            let digits = without_leading_zeros(bytes);
            let missing = curve.coordinate_bytes().checked_sub(digits.len())?;
            Some([vec![0; missing], digits.to_vec()].concat())
        };
        Some(Self::EllipticCurve { curve, x: coordinate(x)?, y: coordinate(y)? })
    }

    fn ed25519(point: Vec<u8>) -> Option<Self> {
        (point.len() == ED25519_BYTES).then_some(Self::Ed25519 { point })
    }

    /// Returns the algorithms that a key of this type can have.
    pub(crate) fn algorithms(&self) -> Vec<Algorithm> {
        let is_rsa = |algorithm: &Algorithm| algorithm.name().starts_with(['R', 'P']);
        match self {
            Self::Rsa { .. } => Algorithm::ALL.into_iter().filter(is_rsa).collect(),
            Self::EllipticCurve { curve, .. } => vec![curve.algorithm()],
            Self::Ed25519 { .. } => vec![Algorithm::EdDsa],
        }
    }

    pub(crate) fn verifies_signature(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let key = match self {
            Self::Rsa { .. } => self.to_pkcs1().unwrap_or_default(),
            Self::EllipticCurve { x, y, .. } => uncompressed_point(x, y),
            Self::Ed25519 { point } => point.clone(),
        };
        let key = UnparsedPublicKey::new(verification_parameters(algorithm), key);
        self.algorithms().contains(&algorithm) && key.verify(message, signature).is_ok()
    }

    /// Returns the members of a JWK that belong to the key's type.
    pub(crate) fn to_jwk(&self) -> Value {
        let encode = |bytes: &[u8]| encode_base64url(bytes);
        match self {
            Self::Rsa { modulus, exponent } => {
                json!({"kty": "RSA", "n": encode(modulus), "e": encode(exponent)})
            }
            Self::EllipticCurve { curve, x, y } => {
                json!({"kty": "EC", "crv": curve.name(), "x": encode(x), "y": encode(y)})
            }
            Self::Ed25519 { point } => json!({"kty": "OKP", "crv": "Ed25519", "x": encode(point)}),
        }
    }

    /// Returns the SubjectPublicKeyInfo, the usual format of key files.
    pub(crate) fn to_spki(&self) -> Vec<u8> {
        match self {
            Self::Rsa { modulus, exponent } => encode_spki(
                RSA_ENCRYPTION,
                AlgorithmParameters::Null,
                &encode_der_integers(modulus, exponent),
            ),
            Self::EllipticCurve { curve, x, y } => {
                let parameters = AlgorithmParameters::Curve(*curve);
                encode_spki(EC_PUBLIC_KEY, parameters, &uncompressed_point(x, y))
            }
            Self::Ed25519 { point } => encode_spki(ED25519, AlgorithmParameters::Absent, point),
        }
    }

    /// Returns an RSAPublicKey (RFC 8017, appendix A.1.1) if this is one.
    pub(crate) fn to_pkcs1(&self) -> Option<Vec<u8>> {
        match self {
            Self::Rsa { modulus, exponent } => Some(encode_der_integers(modulus, exponent)),
            _ => None,
        }
    }
}

/// Decodes base64url without padding, as RFC 7515, section 2, wants it, and also what some issuers send: padding or the
/// standard alphabet.
pub(crate) fn decode_any_base64(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=').replace('+', "-").replace('/', "_")).ok()
}

fn without_leading_zeros(bytes: &[u8]) -> &[u8] {
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    &bytes[first..]
}

fn verification_parameters(algorithm: Algorithm) -> &'static dyn VerificationAlgorithm {
    match algorithm {
        Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
        Algorithm::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
        Algorithm::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
        Algorithm::Es384 => &signature::ECDSA_P384_SHA384_FIXED,
        Algorithm::Es512 => &signature::ECDSA_P521_SHA512_FIXED,
        Algorithm::EdDsa => &signature::ED25519,
    }
}

enum AlgorithmParameters {
    Absent,
    Null,
    Curve(Curve),
}

fn encode_spki(algorithm: &[u64], parameters: AlgorithmParameters, key: &[u8]) -> Vec<u8> {
    construct_der(|writer| {
        writer.write_sequence(|writer| {
            writer.next().write_sequence(|writer| {
                writer.next().write_oid(&ObjectIdentifier::from_slice(algorithm));
                match parameters {
                    AlgorithmParameters::Absent => {}
                    AlgorithmParameters::Null => writer.next().write_null(),
                    AlgorithmParameters::Curve(curve) => {
                        writer.next().write_oid(&ObjectIdentifier::from_slice(curve.object_identifier()));
                    }
                }
            });
            writer.next().write_bitvec_bytes(key, key.len() * 8);
        });
    })
}

pub(crate) fn uncompressed_point(x: &[u8], y: &[u8]) -> Vec<u8> {
    [&[UNCOMPRESSED], x, y].concat()
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
