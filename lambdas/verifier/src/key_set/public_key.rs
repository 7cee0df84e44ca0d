//! A public key of a type that can sign tokens, and the signatures that it verifies.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters,
    VerificationAlgorithm,
};
use restctl_contract::issuer::Algorithm;

use super::certificate;
use super::elliptic_curve::Curve;
use super::jwk::Jwk;
use super::rsa_key::RsaKey;

const RSA_ALGORITHMS: [Algorithm; 6] = [
    Algorithm::Rs256,
    Algorithm::Ps256,
    Algorithm::Rs384,
    Algorithm::Ps384,
    Algorithm::Rs512,
    Algorithm::Ps512,
];

/// The length of an Ed25519 key (RFC 8032, section 5.1.5).
const ED25519_BYTES: usize = 32;

pub(super) enum PublicKey {
    Rsa(RsaKey),
    /// With the point as SEC 1, section 2.3.3, writes it, or a SubjectPublicKeyInfo (RFC 5480, section 2).
    EllipticCurve(Curve, Vec<u8>),
    /// With the key itself or a SubjectPublicKeyInfo (RFC 8410, section 4).
    Ed25519(Vec<u8>),
}

impl PublicKey {
    /// Reads the key's own members or, if it has none, the certificate. A certificate beside them is ignored. Who issued
    /// it and how long it is valid do not matter: the issuer's key set is trusted, and nobody else.
    pub(super) fn from_jwk(jwk: &Jwk) -> Result<Self, String> {
        match jwk.kty.as_deref() {
            Some("RSA") => RsaKey::from_jwk(jwk).map(Self::Rsa),
            Some("EC") => elliptic_curve_key(jwk),
            Some("OKP") => ed25519_key(jwk),
            Some("oct") => Err("it is a shared secret, not a public key".to_owned()),
            Some(other) => Err(format!("its type {other} is not RSA, EC or OKP")),
            None => Err("it has no kty".to_owned()),
        }
    }

    /// Names the type in a sentence about the key.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RSA",
            Self::EllipticCurve(curve, _) => curve.name(),
            Self::Ed25519(_) => "Ed25519",
        }
    }

    /// Returns the algorithms of the key's type (RFC 7518, section 3.1; RFC 8037, section 3.1).
    pub(super) fn algorithms(&self) -> Vec<Algorithm> {
        match self {
            Self::Rsa(_) => RSA_ALGORITHMS.to_vec(),
            Self::EllipticCurve(curve, _) => vec![curve.algorithm()],
            Self::Ed25519(_) => vec![Algorithm::EdDsa],
        }
    }

    /// Prepares the key for signatures of an algorithm of its type, so that a signature costs no parsing.
    pub(super) fn prepare(&self, algorithm: Algorithm) -> Result<ParsedPublicKey, String> {
        let prepared = match (self, signature_algorithm(algorithm)) {
            (Self::Rsa(key), SignatureAlgorithm::Rsa(parameters)) => {
                key.components.to_parsed_public_key(parameters)
            }
            (Self::EllipticCurve(_, key) | Self::Ed25519(key), SignatureAlgorithm::Other(parameters)) => {
                ParsedPublicKey::new(parameters, key)
            }
            _ => return Err(format!("{algorithm} is not for {} keys", self.type_name())),
        };
        prepared.map_err(|error| format!("it is not a valid {} key ({error})", self.type_name()))
    }
}

enum SignatureAlgorithm {
    Rsa(&'static RsaParameters),
    Other(&'static dyn VerificationAlgorithm),
}

/// The salt of PSS has the length of the hash (RFC 7518, section 3.5), and an ECDSA signature is both integers in a row
/// (section 3.4).
fn signature_algorithm(algorithm: Algorithm) -> SignatureAlgorithm {
    use SignatureAlgorithm::{Other, Rsa};
    match algorithm {
        Algorithm::Rs256 => Rsa(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Rs384 => Rsa(&RSA_PKCS1_2048_8192_SHA384),
        Algorithm::Rs512 => Rsa(&RSA_PKCS1_2048_8192_SHA512),
        Algorithm::Ps256 => Rsa(&RSA_PSS_2048_8192_SHA256),
        Algorithm::Ps384 => Rsa(&RSA_PSS_2048_8192_SHA384),
        Algorithm::Ps512 => Rsa(&RSA_PSS_2048_8192_SHA512),
        Algorithm::Es256 => Other(&ECDSA_P256_SHA256_FIXED),
        Algorithm::Es384 => Other(&ECDSA_P384_SHA384_FIXED),
        Algorithm::Es512 => Other(&ECDSA_P521_SHA512_FIXED),
        Algorithm::EdDsa => Other(&ED25519),
    }
}

fn elliptic_curve_key(jwk: &Jwk) -> Result<PublicKey, String> {
    let named = jwk.crv.as_deref().map(Curve::from_name).transpose()?;
    match (&jwk.x, &jwk.y, &jwk.certificate) {
        (Some(x), Some(y), _) => {
            let curve = named.ok_or("it has no crv")?;
            Ok(PublicKey::EllipticCurve(curve, curve.point(x, y)?))
        }
        (None, None, Some(certificate)) => {
            let key_info = certificate::public_key_info(certificate)?;
            let curve =
                Curve::of_key_info(&key_info).ok_or("its certificate has no key on P-256, P-384 or P-521")?;
            if named.is_some_and(|named| named != curve) {
                return Err(format!("its certificate has a key on {}, not on its crv", curve.name()));
            }
            Ok(PublicKey::EllipticCurve(curve, key_info))
        }
        (None, ..) => Err("it has no x".to_owned()),
        (_, None, _) => Err("it has no y".to_owned()),
    }
}

fn ed25519_key(jwk: &Jwk) -> Result<PublicKey, String> {
    if let Some(other) = jwk.crv.as_deref().filter(|name| *name != "Ed25519") {
        return Err(format!("its curve {other} is not Ed25519"));
    }
    let key = match (&jwk.x, &jwk.certificate) {
        (Some(_), _) if jwk.crv.is_none() => return Err("it has no crv".to_owned()),
        (Some(x), _) if x.len() != ED25519_BYTES => {
            return Err(format!("its x has {} bytes, and an Ed25519 key has {ED25519_BYTES}", x.len()));
        }
        (Some(x), _) => x.clone(),
        (None, Some(certificate)) => certificate::public_key_info(certificate)?,
        (None, None) => return Err("it has no x".to_owned()),
    };
    match ParsedPublicKey::new(&ED25519, &key) {
        Ok(_) => Ok(PublicKey::Ed25519(key)),
        Err(_) if jwk.x.is_some() => Err("its x is not a key of Ed25519".to_owned()),
        Err(_) => Err("its certificate has no Ed25519 key".to_owned()),
    }
}
