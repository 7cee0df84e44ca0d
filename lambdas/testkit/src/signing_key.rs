//! Key pairs that sign anything.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};

/// A private key with its key id.
#[derive(Clone)]
pub struct SigningKey {
    kid: String,
    algorithm: Algorithm,
    private: EncodingKey,
    public_key_pem: String,
}

impl SigningKey {
    /// Returns a P-256 key, which signs ES256.
    pub fn generate_ec(kid: &str) -> Self {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("AWS-LC generates P-256 keys");
        let private = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).expect("rcgen writes PKCS#8");
        Self {
            kid: kid.to_owned(),
            algorithm: Algorithm::ES256,
            private,
            public_key_pem: pair.public_key_pem(),
        }
    }

    /// Returns a key of 2,048 bits, which signs RS256, or PS256 if the header says so.
    pub fn generate_rsa(kid: &str) -> Self {
        let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)
            .expect("AWS-LC generates RSA keys");
        let private =
            EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).expect("rcgen writes PKCS#8");
        Self {
            kid: kid.to_owned(),
            algorithm: Algorithm::RS256,
            private,
            public_key_pem: pair.public_key_pem(),
        }
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
        let jwk = Jwk::from_encoding_key(&self.private, self.algorithm).expect("the key fits its algorithm");
        let mut jwk = serde_json::to_value(jwk).expect("a JWK is JSON");
        jwk["kid"] = json!(self.kid);
        jwk["use"] = json!("sig");
        jwk
    }

    /// Returns the header of [`Self::token`].
    pub fn header(&self) -> Value {
        json!({"typ": "JWT", "alg": format!("{:?}", self.algorithm), "kid": self.kid})
    }

    pub fn token(&self, claims: &Value) -> String {
        self.token_with_header(&self.header(), claims)
    }

    /// Returns a token signed with the header's `alg` if the key supports it, otherwise with the key's own. Whatever
    /// the header says, the signature is valid.
    pub fn token_with_header(&self, header: &Value, claims: &Value) -> String {
        let algorithm = match header["alg"].as_str() {
            Some("PS256") if self.algorithm == Algorithm::RS256 => Algorithm::PS256,
            _ => self.algorithm,
        };
        sign_message(unsigned_token(header, claims), &self.private, algorithm)
    }

    /// Returns `message`, whatever it is, followed by a signature with the key's own algorithm.
    pub fn sign(&self, message: &str) -> String {
        sign_message(message.to_owned(), &self.private, self.algorithm)
    }
}

/// Returns a token signed with HS256.
pub fn hmac_token(header: &Value, claims: &Value, secret: &[u8]) -> String {
    sign_message(unsigned_token(header, claims), &EncodingKey::from_secret(secret), Algorithm::HS256)
}

/// Returns header and claims without a signature and without the dot before it.
pub fn unsigned_token(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

fn sign_message(message: String, key: &EncodingKey, algorithm: Algorithm) -> String {
    let signature =
        jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).expect("the key fits its algorithm");
    format!("{message}.{signature}")
}
