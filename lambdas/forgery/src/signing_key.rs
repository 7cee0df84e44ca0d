//! Keys of the attacker's own, which sign whatever is wanted.

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::Value;

use crate::error::ForgeryError;
use crate::public_key::PublicKey;
use crate::token::encode;

pub(crate) struct SigningKey {
    pair: KeyPair,
    private: EncodingKey,
    pub(crate) algorithm: Algorithm,
}

impl SigningKey {
    /// Of the same type as another.
    pub(crate) fn like(public: &PublicKey) -> Result<Self, ForgeryError> {
        match public {
            PublicKey::Rsa { .. } => Self::rsa(),
            PublicKey::P256 { .. } => Self::p256(),
        }
    }

    pub(crate) fn p256() -> Result<Self, ForgeryError> {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let private = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes())?;
        Ok(Self { pair, private, algorithm: Algorithm::ES256 })
    }

    pub(crate) fn rsa() -> Result<Self, ForgeryError> {
        let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
        let private = EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes())?;
        Ok(Self { pair, private, algorithm: Algorithm::RS256 })
    }

    pub(crate) fn ed25519() -> Result<Self, ForgeryError> {
        let pair = KeyPair::generate_for(&PKCS_ED25519)?;
        let private = EncodingKey::from_ed_pem(pair.serialize_pem().as_bytes())?;
        Ok(Self { pair, private, algorithm: Algorithm::EdDSA })
    }

    /// The public key (RFC 7517), with `alg`.
    pub(crate) fn jwk(&self) -> Result<Value, ForgeryError> {
        let jwk = Jwk::from_encoding_key(&self.private, self.algorithm)?;
        Ok(serde_json::to_value(jwk).map_err(jsonwebtoken::errors::Error::from)?)
    }

    /// A certificate of the key, signed by itself (DER).
    pub(crate) fn certificate(&self) -> Result<Vec<u8>, ForgeryError> {
        let parameters = CertificateParams::new(["attacker.invalid".to_owned()])?;
        Ok(parameters.self_signed(&self.pair)?.der().to_vec())
    }

    /// A token with this key's signature, whatever the header says of it.
    pub(crate) fn token(&self, header: &Value, payload: impl ToString) -> Result<String, ForgeryError> {
        self.token_by(self.algorithm, header, payload)
    }

    pub(crate) fn token_by(
        &self,
        algorithm: Algorithm,
        header: &Value,
        payload: impl ToString,
    ) -> Result<String, ForgeryError> {
        signed(header, payload, &self.private, algorithm)
    }

    #[cfg(test)]
    pub(crate) fn public_key_pem(&self) -> String {
        self.pair.public_key_pem()
    }
}

/// A token with an HMAC in place of a signature.
pub(crate) fn hmac_token(
    algorithm: Algorithm,
    header: &Value,
    payload: impl ToString,
    secret: &[u8],
) -> Result<String, ForgeryError> {
    signed(header, payload, &EncodingKey::from_secret(secret), algorithm)
}

fn signed(
    header: &Value,
    payload: impl ToString,
    key: &EncodingKey,
    algorithm: Algorithm,
) -> Result<String, ForgeryError> {
    let message = format!("{}.{}", encode(header.to_string()), encode(payload.to_string()));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm)?;
    Ok(format!("{message}.{signature}"))
}
