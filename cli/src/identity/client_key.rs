//! The private key with which a client signs its assertions (RFC 7523), as PEM or as a JWK (RFC 7517).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{self, KeyPairComponents, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use restctl_contract::issuer::{Algorithm, Provider};
use rustls::pki_types::pem::{PemObject, SectionKind};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::failure::{Failure, Result};

pub(crate) struct ClientKey {
    pair: KeyPair,
    /// The `alg` of a JWK. PEM has none.
    algorithm: Option<Algorithm>,
    /// The `kid` of a JWK. PEM has none.
    pub(crate) key_id: Option<String>,
    /// `x5t#S256` of the certificate that is beside the key (RFC 7515, section 4.1.8).
    pub(crate) certificate_digest: Option<String>,
}

enum KeyPair {
    Rsa(rsa::KeyPair),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// Why a text is not a usable private key. It quotes nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyProblem {
    NotAKey,
    Encrypted,
    PublicKey,
    Certificate,
    SharedSecret,
    SeveralKeys,
    WeakRsa,
    OtherKind,
    OtherAlgorithm,
    ForEncryption,
    Incomplete,
    OtherCertificate,
}

impl KeyProblem {
    /// Returns the end of a sentence whose subject is the key.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::NotAKey => "is neither PEM nor a JWK",
            Self::Encrypted => "is encrypted",
            Self::PublicKey => "is a public key",
            Self::Certificate => "is a certificate without its private key",
            Self::SharedSecret => "is a shared secret, not a private key",
            Self::SeveralKeys => "has several private keys",
            Self::WeakRsa => "is an RSA key with fewer than 2,048 bits",
            Self::OtherKind => "is neither RSA, EC with the curve P-256 or P-384, nor Ed25519",
            Self::OtherAlgorithm => "has an alg that does not fit its kind",
            Self::ForEncryption => "is a key for encryption",
            Self::Incomplete => "is damaged or incomplete",
            Self::OtherCertificate => "is beside certificates of other keys only",
        }
    }

    /// Returns what to do about it.
    pub(crate) fn remedy(self) -> &'static str {
        match self {
            Self::NotAKey => "give the private key as PEM (BEGIN PRIVATE KEY) or as a JWK",
            Self::Encrypted => {
                "decrypt it into a file that only you can read: umask 077; openssl pkey -in FILE -out client-key.pem"
            }
            Self::PublicKey | Self::Certificate => {
                "give the private key that belongs to it; the provider needs the public half"
            }
            Self::SharedSecret => "give a secret with --client-secret-file FILE",
            Self::SeveralKeys => "leave only the client's key in the file",
            Self::WeakRsa | Self::OtherKind => {
                "create another key, and register its public half at the provider: umask 077; \
                 openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out client-key.pem"
            }
            Self::OtherAlgorithm => "correct the alg of the JWK, or leave it out",
            Self::ForEncryption => "give the key with which the client signs",
            Self::Incomplete => {
                "export the key again; a JWK of an RSA key has the members n, e, d, p, q, dp, dq and qi"
            }
            Self::OtherCertificate => "put the certificate of this key beside it, or none",
        }
    }
}

/// The members of a JWK (RFC 7518, sections 6.2 and 6.3; RFC 8037).
#[derive(Deserialize)]
struct PrivateJwk {
    kty: String,
    #[serde(rename = "use")]
    public_key_use: Option<String>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    d: Option<String>,
    n: Option<String>,
    e: Option<String>,
    p: Option<String>,
    q: Option<String>,
    dp: Option<String>,
    dq: Option<String>,
    qi: Option<String>,
    x: Option<String>,
    y: Option<String>,
    /// Certificates in base64, that of the key first (RFC 7517, section 4.7).
    #[serde(default)]
    x5c: Vec<String>,
    #[serde(rename = "x5t#S256")]
    certificate_digest: Option<String>,
}

/// Whether the text is a key file, usable or not, and so no secret.
pub(crate) fn looks_like_key_file(text: &str) -> bool {
    // JSON does not allow a byte order mark, but some editors write one.
    let is_set = |json: Value| json.get("keys").is_some();
    let json = text.trim_start_matches('\u{feff}');
    // A JWK that is damaged, or within another document, is one too.
    text.contains("-----BEGIN ") || text.contains("\"kty\"") || serde_json::from_str(json).is_ok_and(is_set)
}

impl ClientKey {
    pub(crate) fn parse(text: &str) -> Result<Self, KeyProblem> {
        match serde_json::from_str::<Value>(text) {
            Ok(json) => Self::from_jwk(json),
            Err(_) => Self::from_pem(text),
        }
    }

    fn from_pem(text: &str) -> Result<Self, KeyProblem> {
        // "BEGIN ENCRYPTED PRIVATE KEY", or "Proc-Type: 4,ENCRYPTED" (RFC 1421) within another key.
        if text.contains("ENCRYPTED") {
            return Err(KeyProblem::Encrypted);
        }
        let sections = <(SectionKind, Vec<u8>)>::pem_slice_iter(text.as_bytes());
        let sections = sections.collect::<Result<Vec<_>, _>>().map_err(|_| KeyProblem::NotAKey)?;
        let is_key = |kind| {
            matches!(kind, SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey)
        };
        let of_kind = |kind| sections.iter().filter(move |(found, _)| *found == kind);
        let mut keys = sections.iter().filter(|(kind, _)| is_key(*kind));
        let (Some((kind, der)), rest) = (keys.next(), keys.next()) else {
            return Err(if of_kind(SectionKind::PublicKey).next().is_some() {
                KeyProblem::PublicKey
            } else if of_kind(SectionKind::Certificate).next().is_some() {
                KeyProblem::Certificate
            } else {
                KeyProblem::NotAKey
            });
        };
        if rest.is_some() {
            return Err(KeyProblem::SeveralKeys);
        }
        let pair = KeyPair::from_der(*kind, der)?;
        let certificates: Vec<&[u8]> =
            of_kind(SectionKind::Certificate).map(|(_, der)| der.as_slice()).collect();
        let certificate_digest = pair.digest_of_certificate(&certificates)?;
        Ok(Self { pair, algorithm: None, key_id: None, certificate_digest })
    }

    fn from_jwk(mut json: Value) -> Result<Self, KeyProblem> {
        // Many tools write a set even of one key.
        if let Some(keys) = json.get_mut("keys").and_then(Value::as_array_mut) {
            if keys.len() > 1 {
                return Err(KeyProblem::SeveralKeys);
            }
            json = keys.pop().ok_or(KeyProblem::NotAKey)?;
        }
        let jwk: PrivateJwk = serde_json::from_value(json).map_err(|_| KeyProblem::NotAKey)?;
        if jwk.kty == "oct" {
            return Err(KeyProblem::SharedSecret);
        }
        if jwk.d.is_none() {
            return Err(KeyProblem::PublicKey);
        }
        if jwk.public_key_use.as_deref() == Some("enc") {
            return Err(KeyProblem::ForEncryption);
        }
        let pair = KeyPair::from_jwk(&jwk)?;
        let algorithm = jwk.alg.as_deref().map(|alg| pair.parse_algorithm(alg)).transpose()?;
        let certificate = jwk.x5c.first().map(|certificate| STANDARD.decode(certificate)).transpose();
        let certificate = certificate.map_err(|_| KeyProblem::OtherCertificate)?;
        let digest = pair.digest_of_certificate(&certificate.as_deref().into_iter().collect::<Vec<_>>())?;
        let certificate_digest = digest.or(jwk.certificate_digest);
        Ok(Self { pair, algorithm, key_id: jwk.kid, certificate_digest })
    }

    /// Fails if the provider needs more than the key.
    pub(crate) fn check_fits_provider(&self, provider: Provider) -> Result<()> {
        if provider != Provider::Entra || self.certificate_digest.is_some() {
            return Ok(());
        }
        // "Microsoft identity platform application authentication certificate credentials".
        Err(Failure::usage("the client's private key has no certificate beside it")
            .why("Microsoft Entra ID finds the key by its certificate, which the application's registration has")
            .next("append the certificate to the key: cat client-cert.pem >> client-key.pem\nthen: restctl setup --client-key-file client-key.pem"))
    }

    /// Returns the algorithm with which the key signs: that of its JWK, or else the one that most clients are registered for.
    pub(crate) fn algorithm(&self, provider: Provider) -> Algorithm {
        let usual = match (&self.pair, provider) {
            // The only one in the documentation of its certificate credentials.
            (KeyPair::Rsa(_), Provider::Entra) => Algorithm::Ps256,
            (KeyPair::Rsa(_), _) => Algorithm::Rs256,
            (KeyPair::P256(_), _) => Algorithm::Es256,
            (KeyPair::P384(_), _) => Algorithm::Es384,
            (KeyPair::Ed25519(_), _) => Algorithm::EdDsa,
        };
        self.algorithm.unwrap_or(usual)
    }

    /// Signs as JWS does (RFC 7518, section 3).
    pub(crate) fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>> {
        self.pair
            .sign(algorithm, message)
            .ok_or_else(|| Failure::new("cannot sign with the client's private key"))
    }
}

impl KeyPair {
    fn from_der(kind: SectionKind, der: &[u8]) -> Result<Self, KeyProblem> {
        if kind == SectionKind::RsaPrivateKey {
            return parse_rsa(rsa::KeyPair::from_der(der));
        }
        let ec = |algorithm| EcdsaKeyPair::from_private_key_der(algorithm, der);
        if let Ok(pair) = ec(&ECDSA_P256_SHA256_FIXED_SIGNING) {
            return Ok(Self::P256(pair));
        }
        if let Ok(pair) = ec(&ECDSA_P384_SHA384_FIXED_SIGNING) {
            return Ok(Self::P384(pair));
        }
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8(der) {
            return Ok(Self::Ed25519(pair));
        }
        match parse_rsa(rsa::KeyPair::from_pkcs8(der)) {
            Err(KeyProblem::Incomplete) => Err(KeyProblem::OtherKind),
            parsed => parsed,
        }
    }

    fn from_jwk(jwk: &PrivateJwk) -> Result<Self, KeyProblem> {
        match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => parse_rsa(rsa::KeyPair::from_components(&KeyPairComponents {
                public_key: PublicKeyComponents { n: integer(&jwk.n)?, e: integer(&jwk.e)? },
                d: integer(&jwk.d)?,
                p: integer(&jwk.p)?,
                q: integer(&jwk.q)?,
                dP: integer(&jwk.dp)?,
                dQ: integer(&jwk.dq)?,
                qInv: integer(&jwk.qi)?,
            })),
            ("EC", Some("P-256")) => parse_ec(jwk, &ECDSA_P256_SHA256_FIXED_SIGNING, 32).map(Self::P256),
            ("EC", Some("P-384")) => parse_ec(jwk, &ECDSA_P384_SHA384_FIXED_SIGNING, 48).map(Self::P384),
            ("OKP", Some("Ed25519")) => {
                let pair = Ed25519KeyPair::from_seed_and_public_key(&bytes(&jwk.d)?, &bytes(&jwk.x)?);
                pair.map(Self::Ed25519).map_err(|_| KeyProblem::Incomplete)
            }
            _ => Err(KeyProblem::OtherKind),
        }
    }

    fn parse_algorithm(&self, name: &str) -> Result<Algorithm, KeyProblem> {
        let algorithm = Algorithm::from_jose_name(name).ok_or(KeyProblem::OtherAlgorithm)?;
        let fits = match self {
            Self::Rsa(_) => matches!(name.get(..2), Some("RS" | "PS")),
            Self::P256(_) => algorithm == Algorithm::Es256,
            Self::P384(_) => algorithm == Algorithm::Es384,
            Self::Ed25519(_) => algorithm == Algorithm::EdDsa,
        };
        if fits { Ok(algorithm) } else { Err(KeyProblem::OtherAlgorithm) }
    }

    /// Returns `x5t#S256` of the certificate of this key, of which others may be the chain. `None` without certificates.
    fn digest_of_certificate(&self, certificates: &[&[u8]]) -> Result<Option<String>, KeyProblem> {
        let public_key = self.public_key();
        let is_own = |der: &&&[u8]| {
            x509_parser::parse_x509_certificate(der).is_ok_and(|(_, certificate)| {
                *certificate.public_key().subject_public_key.data == *public_key
            })
        };
        match certificates.iter().find(is_own) {
            Some(own) => Ok(Some(URL_SAFE_NO_PAD.encode(Sha256::digest(own)))),
            None if certificates.is_empty() => Ok(None),
            None => Err(KeyProblem::OtherCertificate),
        }
    }

    /// Returns the public key as the bit string of a certificate has it.
    fn public_key(&self) -> &[u8] {
        match self {
            Self::Rsa(pair) => pair.public_key().as_ref(),
            Self::P256(pair) | Self::P384(pair) => pair.public_key().as_ref(),
            Self::Ed25519(pair) => pair.public_key().as_ref(),
        }
    }

    /// `None` if the algorithm does not fit the key.
    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let padding: &dyn aws_lc_rs::signature::RsaEncoding = match algorithm {
                    Algorithm::Rs256 => &RSA_PKCS1_SHA256,
                    Algorithm::Rs384 => &RSA_PKCS1_SHA384,
                    Algorithm::Rs512 => &RSA_PKCS1_SHA512,
                    Algorithm::Ps256 => &RSA_PSS_SHA256,
                    Algorithm::Ps384 => &RSA_PSS_SHA384,
                    Algorithm::Ps512 => &RSA_PSS_SHA512,
                    _ => return None,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, message, &mut signature).ok()?;
                Some(signature)
            }
            Self::P256(pair) | Self::P384(pair) => Some(pair.sign(&random, message).ok()?.as_ref().to_vec()),
            Self::Ed25519(pair) => Some(pair.try_sign(message).ok()?.as_ref().to_vec()),
        }
    }
}

fn parse_rsa(parsed: Result<rsa::KeyPair, aws_lc_rs::error::KeyRejected>) -> Result<KeyPair, KeyProblem> {
    parsed.map(KeyPair::Rsa).map_err(|rejected| match rejected.to_string().as_str() {
        "TooSmall" => KeyProblem::WeakRsa,
        _ => KeyProblem::Incomplete,
    })
}

fn parse_ec(
    jwk: &PrivateJwk,
    algorithm: &'static EcdsaSigningAlgorithm,
    length: usize,
) -> Result<EcdsaKeyPair, KeyProblem> {
    let coordinate = |member: &Option<String>| {
        let integer = integer(member)?;
        let zeros = length.checked_sub(integer.len()).ok_or(KeyProblem::Incomplete)?;
        Ok::<_, KeyProblem>([vec![0; zeros], integer].concat())
    };
    // An uncompressed point (SEC 1, section 2.3.3).
    let point = [vec![4], coordinate(&jwk.x)?, coordinate(&jwk.y)?].concat();
    let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &coordinate(&jwk.d)?, &point);
    pair.map_err(|_| KeyProblem::Incomplete)
}

/// Returns the bytes of an integer without leading zeros, which some tools write.
fn integer(member: &Option<String>) -> Result<Vec<u8>, KeyProblem> {
    let bytes = bytes(member)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    Ok(bytes[zeros..].to_vec())
}

fn bytes(member: &Option<String>) -> Result<Vec<u8>, KeyProblem> {
    let text = member.as_deref().ok_or(KeyProblem::Incomplete)?;
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| KeyProblem::Incomplete)
}

#[cfg(test)]
mod tests;
