//! The attacker's own keys, which sign any token.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
    EcdsaKeyPair, Ed25519KeyPair, RsaEncoding, RsaKeyPair,
};
use rcgen::{
    CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512,
    PKCS_ED25519, PKCS_RSA_SHA256, PublicKeyData, RsaKeySize,
};
use restctl_contract::issuer::Algorithm;
use serde_json::Value;

use crate::base64url::encode_base64url;
use crate::elliptic_curve::Curve;
use crate::error::ForgeryError;
use crate::key_material::KeyMaterial;

/// A key pair that the issuer does not know.
pub(crate) struct SigningKey {
    pair: KeyPair,
    private: PrivateKey,
    pub(crate) material: KeyMaterial,
    pub(crate) algorithm: Algorithm,
}

enum PrivateKey {
    Rsa(RsaKeyPair),
    EllipticCurve(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// Generates a key that signs this algorithm.
    pub(crate) fn generate(algorithm: Algorithm) -> Result<Self, ForgeryError> {
        let curve = Curve::ALL.into_iter().find(|curve| curve.algorithm() == algorithm);
        let (pair, private) = match (curve, algorithm) {
            (Some(curve), _) => generate_elliptic_curve(curve)?,
            (None, Algorithm::EdDsa) => {
                let pair = KeyPair::generate_for(&PKCS_ED25519)?;
                let private = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pair.serialize_der())?;
                (pair, PrivateKey::Ed25519(private))
            }
            (None, _) => {
                let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
                let private = RsaKeyPair::from_pkcs8(&pair.serialize_der())?;
                (pair, PrivateKey::Rsa(private))
            }
        };
        let unreadable = || ForgeryError::UnsupportedKey("the generated one".to_owned());
        let material = KeyMaterial::from_spki(&pair.subject_public_key_info()).ok_or_else(unreadable)?;
        Ok(Self { pair, private, material, algorithm })
    }

    /// Returns the public key (RFC 7517) with `alg`.
    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = self.material.to_jwk();
        jwk["alg"] = Value::from(self.algorithm.name());
        jwk
    }

    /// Returns a self-signed certificate of the key (DER).
    pub(crate) fn self_signed_certificate(&self) -> Result<Vec<u8>, ForgeryError> {
        let parameters = CertificateParams::new(["attacker.invalid".to_owned()])?;
        Ok(parameters.self_signed(&self.pair)?.der().to_vec())
    }

    /// Signs a token with this key, whatever its header says.
    pub(crate) fn sign_token(&self, header: &Value, payload: impl ToString) -> Result<String, ForgeryError> {
        self.sign_token_with(self.algorithm, header, payload)
    }

    /// Signs a token with another algorithm of this key.
    pub(crate) fn sign_token_with(
        &self,
        algorithm: Algorithm,
        header: &Value,
        payload: impl ToString,
    ) -> Result<String, ForgeryError> {
        let message = unsigned_token(header, payload);
        let signature = self.private.sign(algorithm, message.as_bytes())?;
        Ok(format!("{message}.{}", encode_base64url(signature)))
    }

    #[cfg(test)]
    pub(crate) fn public_key_pem(&self) -> String {
        self.pair.public_key_pem()
    }

    /// Returns the key as rcgen has it: an RSAPublicKey, an uncompressed point or Ed25519's 32 bytes.
    #[cfg(test)]
    pub(crate) fn raw_public_key(&self) -> &[u8] {
        self.pair.public_key_raw()
    }
}

impl PrivateKey {
    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, ForgeryError> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(rsa_encoding(algorithm), &random, message, &mut signature)?;
                Ok(signature)
            }
            // The hash belongs to the curve.
            Self::EllipticCurve(pair) => Ok(pair.sign(&random, message)?.as_ref().to_vec()),
            Self::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }
}

fn generate_elliptic_curve(curve: Curve) -> Result<(KeyPair, PrivateKey), ForgeryError> {
    let (kind, signing) = match curve {
        Curve::P256 => (&PKCS_ECDSA_P256_SHA256, &ECDSA_P256_SHA256_FIXED_SIGNING),
        Curve::P384 => (&PKCS_ECDSA_P384_SHA384, &ECDSA_P384_SHA384_FIXED_SIGNING),
        Curve::P521 => (&PKCS_ECDSA_P521_SHA512, &ECDSA_P521_SHA512_FIXED_SIGNING),
    };
    let pair = KeyPair::generate_for(kind)?;
    let private = EcdsaKeyPair::from_pkcs8(signing, &pair.serialize_der())?;
    Ok((pair, PrivateKey::EllipticCurve(private)))
}

/// Returns how RSA keys sign. An algorithm of other keys becomes RS256, because a forged header may name any.
fn rsa_encoding(algorithm: Algorithm) -> &'static dyn RsaEncoding {
    match algorithm {
        Algorithm::Rs384 => &signature::RSA_PKCS1_SHA384,
        Algorithm::Rs512 => &signature::RSA_PKCS1_SHA512,
        Algorithm::Ps256 => &signature::RSA_PSS_SHA256,
        Algorithm::Ps384 => &signature::RSA_PSS_SHA384,
        Algorithm::Ps512 => &signature::RSA_PSS_SHA512,
        _ => &signature::RSA_PKCS1_SHA256,
    }
}

/// Returns a token with an HMAC instead of a signature.
pub(crate) fn sign_hmac_token(
    algorithm: hmac::Algorithm,
    header: &Value,
    payload: impl ToString,
    secret: &[u8],
) -> String {
    let message = unsigned_token(header, payload);
    let code = hmac::sign(&hmac::Key::new(algorithm, secret), message.as_bytes());
    format!("{message}.{}", encode_base64url(code))
}

/// Returns header and payload without a signature and without the dot before it.
fn unsigned_token(header: &Value, payload: impl ToString) -> String {
    format!("{}.{}", encode_base64url(header.to_string()), encode_base64url(payload.to_string()))
}
