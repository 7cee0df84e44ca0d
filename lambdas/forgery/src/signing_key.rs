//! The attacker's own keys, which sign any token.

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::Value;

use crate::error::ForgeryError;
use crate::public_key::PublicKey;
use crate::token::encode_base64url;

/// A key pair that the issuer does not know.
pub(crate) struct SigningKey {
    pair: KeyPair,
    private: EncodingKey,
    pub(crate) algorithm: Algorithm,
}

impl SigningKey {
    /// Generates a key of the same type as another.
    pub(crate) fn generate_like(public: &PublicKey) -> Result<Self, ForgeryError> {
        match public {
            PublicKey::Rsa { .. } => Self::generate_rsa(),
            PublicKey::P256 { .. } => Self::generate_p256(),
        }
    }

    pub(crate) fn generate_p256() -> Result<Self, ForgeryError> {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let private = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes())?;
        Ok(Self { pair, private, algorithm: Algorithm::ES256 })
    }

    pub(crate) fn generate_rsa() -> Result<Self, ForgeryError> {
        let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
        let private = EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes())?;
        Ok(Self { pair, private, algorithm: Algorithm::RS256 })
    }

    pub(crate) fn generate_ed25519() -> Result<Self, ForgeryError> {
        let pair = KeyPair::generate_for(&PKCS_ED25519)?;
        let private = EncodingKey::from_ed_pem(pair.serialize_pem().as_bytes())?;
        Ok(Self { pair, private, algorithm: Algorithm::EdDSA })
    }

    /// Returns the public key (RFC 7517) with `alg`.
    pub(crate) fn jwk(&self) -> Result<Value, ForgeryError> {
        let jwk = Jwk::from_encoding_key(&self.private, self.algorithm)?;
        Ok(serde_json::to_value(jwk).map_err(jsonwebtoken::errors::Error::from)?)
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

    pub(crate) fn sign_token_with(
        &self,
        algorithm: Algorithm,
        header: &Value,
        payload: impl ToString,
    ) -> Result<String, ForgeryError> {
        assemble_token(header, payload, &self.private, algorithm)
    }

    #[cfg(test)]
    pub(crate) fn public_key_pem(&self) -> String {
        self.pair.public_key_pem()
    }
}

/// Returns a token with an HMAC instead of a signature.
pub(crate) fn sign_hmac_token(
    algorithm: Algorithm,
    header: &Value,
    payload: impl ToString,
    secret: &[u8],
) -> Result<String, ForgeryError> {
    assemble_token(header, payload, &EncodingKey::from_secret(secret), algorithm)
}

fn assemble_token(
    header: &Value,
    payload: impl ToString,
    key: &EncodingKey,
    algorithm: Algorithm,
) -> Result<String, ForgeryError> {
    let message =
        format!("{}.{}", encode_base64url(header.to_string()), encode_base64url(payload.to_string()));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm)?;
    Ok(format!("{message}.{signature}"))
}
