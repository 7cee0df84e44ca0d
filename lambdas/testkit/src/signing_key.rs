//! Key pairs that sign anything.

use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaEncoding};
use aws_lc_rs::{error::Unspecified, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pem::{EncodeConfig, LineEnding, Pem};
use restctl_contract::issuer::Algorithm;
use serde_json::{Value, json};

/// A private key with its key id.
#[derive(Clone)]
pub struct SigningKey {
    kid: String,
    algorithm: Algorithm,
    private: Arc<PrivateKey>,
    public_key_pem: String,
}

enum PrivateKey {
    Rsa(RsaKeyPair),
    EllipticCurve(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// Returns a P-256 key, which signs ES256.
    pub fn generate_ec(kid: &str) -> Self {
        Self::generate(Algorithm::Es256, kid)
    }

    /// Returns a key of 2,048 bits, which signs RS256, or the other algorithms of RSA if the header says so.
    pub fn generate_rsa(kid: &str) -> Self {
        Self::generate(Algorithm::Rs256, kid)
    }

    /// Returns a key that signs this algorithm.
    pub fn generate(algorithm: Algorithm, kid: &str) -> Self {
        let private = PrivateKey::generate_for(algorithm).expect("AWS-LC generates keys");
        let pem = Pem::new("PUBLIC KEY", private.public_key_info());
        let public_key_pem = pem::encode_config(&pem, EncodeConfig::new().set_line_ending(LineEnding::LF));
        Self { kid: kid.to_owned(), algorithm, private: Arc::new(private), public_key_pem }
    }

    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Returns the public key as text, which a confused verifier takes for an HMAC secret.
    pub fn public_key_pem(&self) -> &str {
        &self.public_key_pem
    }

    /// Returns the public key (RFC 7517), with `kid`, `alg` and `use`.
    pub fn jwk(&self) -> Value {
        let mut jwk = self.private.public_members();
        jwk["kid"] = json!(self.kid);
        jwk["alg"] = json!(self.algorithm);
        jwk["use"] = json!("sig");
        jwk
    }

    /// Returns the header of [`Self::token`].
    pub fn header(&self) -> Value {
        json!({"typ": "JWT", "alg": self.algorithm, "kid": self.kid})
    }

    pub fn token(&self, claims: &Value) -> String {
        self.token_with_header(&self.header(), claims)
    }

    /// Returns a token signed with the header's `alg` if the key supports it, otherwise with the key's own. Whatever
    /// the header says, the signature is valid.
    pub fn token_with_header(&self, header: &Value, claims: &Value) -> String {
        let named = header["alg"].as_str().and_then(|alg| alg.parse().ok());
        self.sign_with(named.unwrap_or(self.algorithm), &unsigned_token(header, claims))
    }

    /// Returns `message`, whatever it is, followed by a signature with the key's own algorithm.
    pub fn sign(&self, message: &str) -> String {
        self.sign_with(self.algorithm, message)
    }

    fn sign_with(&self, algorithm: Algorithm, message: &str) -> String {
        let signed = self.private.sign(algorithm, message.as_bytes());
        let signature = signed.or_else(|_| self.private.sign(self.algorithm, message.as_bytes()));
        with_signature(message, signature.expect("the key fits its algorithm"))
    }
}

impl PrivateKey {
    fn generate_for(algorithm: Algorithm) -> Result<Self, Unspecified> {
        use signature::{
            ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
        };
        let elliptic_curve = |curve| EcdsaKeyPair::generate(curve).map(Self::EllipticCurve);
        match algorithm {
            Algorithm::Es256 => elliptic_curve(&ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::Es384 => elliptic_curve(&ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::Es512 => elliptic_curve(&ECDSA_P521_SHA512_FIXED_SIGNING),
            Algorithm::EdDsa => Ed25519KeyPair::generate().map(Self::Ed25519),
            _ => RsaKeyPair::generate(KeySize::Rsa2048).map(Self::Rsa),
        }
    }

    /// Fails if the key is not for the algorithm.
    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(rsa_encoding(algorithm)?, &random, message, &mut signature)?;
                Ok(signature)
            }
            // The curve and the hash belong to the pair.
            Self::EllipticCurve(pair) => Ok(pair.sign(&random, message)?.as_ref().to_vec()),
            Self::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }

    /// Returns the SubjectPublicKeyInfo (RFC 5280).
    fn public_key_info(&self) -> Vec<u8> {
        let der: Result<PublicKeyX509Der<'_>, Unspecified> = match self {
            Self::Rsa(pair) => pair.public_key().as_der(),
            Self::EllipticCurve(pair) => pair.public_key().as_der(),
            Self::Ed25519(pair) => pair.public_key().as_der(),
        };
        der.expect("AWS-LC encodes its own keys").as_ref().to_vec()
    }

    /// Returns the members of a JWK that belong to the type.
    fn public_members(&self) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Rsa(pair) => {
                let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
                let [n, e] = [n, e].map(|integer| encode(integer.big_endian_without_leading_zero()));
                json!({"kty": "RSA", "n": n, "e": e})
            }
            Self::EllipticCurve(pair) => {
                // An uncompressed point: the byte 4 and both coordinates.
                let coordinates = &pair.public_key().as_ref()[1..];
                let (x, y) = coordinates.split_at(coordinates.len() / 2);
                let crv = match x.len() {
                    32 => "P-256",
                    48 => "P-384",
                    _ => "P-521",
                };
                json!({"kty": "EC", "crv": crv, "x": encode(x), "y": encode(y)})
            }
            Self::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref())})
            }
        }
    }
}

fn rsa_encoding(algorithm: Algorithm) -> Result<&'static dyn RsaEncoding, Unspecified> {
    match algorithm {
        Algorithm::Rs256 => Ok(&signature::RSA_PKCS1_SHA256),
        Algorithm::Rs384 => Ok(&signature::RSA_PKCS1_SHA384),
        Algorithm::Rs512 => Ok(&signature::RSA_PKCS1_SHA512),
        Algorithm::Ps256 => Ok(&signature::RSA_PSS_SHA256),
        Algorithm::Ps384 => Ok(&signature::RSA_PSS_SHA384),
        Algorithm::Ps512 => Ok(&signature::RSA_PSS_SHA512),
        _ => Err(Unspecified),
    }
}

/// Returns a token signed with HS256.
pub fn hmac_token(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let message = unsigned_token(header, claims);
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
    with_signature(&message, signature)
}

/// Returns header and claims without a signature and without the dot before it.
pub fn unsigned_token(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

fn with_signature(message: &str, signature: impl AsRef<[u8]>) -> String {
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}
