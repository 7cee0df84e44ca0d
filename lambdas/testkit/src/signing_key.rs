//! A key pair that signs whatever it is told to.

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
    /// P-256, signs ES256.
    pub fn ec(kid: &str) -> Self {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("AWS-LC generates P-256 keys");
        let private = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).expect("rcgen writes PKCS#8");
        Self {
            kid: kid.to_owned(),
            algorithm: Algorithm::ES256,
            private,
            public_key_pem: pair.public_key_pem(),
        }
    }

    /// 2,048 bits, signs RS256 or, told so by the header, PS256.
    pub fn rsa(kid: &str) -> Self {
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

    /// As text, which is what a confused verifier takes for an HMAC secret.
    pub fn public_key_pem(&self) -> &str {
        &self.public_key_pem
    }

    /// The public key as RFC 7517 has it, with `kid`, `alg` and `use`.
    pub fn jwk(&self) -> Value {
        let jwk = Jwk::from_encoding_key(&self.private, self.algorithm).expect("the key fits its algorithm");
        let mut jwk = serde_json::to_value(jwk).expect("a JWK is JSON");
        jwk["kid"] = json!(self.kid);
        jwk["use"] = json!("sig");
        jwk
    }

    /// The header that [`Self::token`] gives a token.
    pub fn header(&self) -> Value {
        json!({"typ": "JWT", "alg": format!("{:?}", self.algorithm), "kid": self.kid})
    }

    pub fn token(&self, claims: &Value) -> String {
        self.token_with_header(&self.header(), claims)
    }

    /// Signed by this key with the header's `alg` where the key can, else with the key's own: whatever the
    /// header says, the signature is real.
    pub fn token_with_header(&self, header: &Value, claims: &Value) -> String {
        let algorithm = match header["alg"].as_str() {
            Some("PS256") if self.algorithm == Algorithm::RS256 => Algorithm::PS256,
            _ => self.algorithm,
        };
        signed(unsigned(header, claims), &self.private, algorithm)
    }

    /// `message` with a signature of the key's own algorithm after it, whatever the message is.
    pub fn sign(&self, message: &str) -> String {
        signed(message.to_owned(), &self.private, self.algorithm)
    }
}

/// A token signed with HS256.
pub fn hmac_token(header: &Value, claims: &Value, secret: &[u8]) -> String {
    signed(unsigned(header, claims), &EncodingKey::from_secret(secret), Algorithm::HS256)
}

/// Header and claims without a signature: two parts, the dot after them left to the caller.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

fn signed(message: String, key: &EncodingKey, algorithm: Algorithm) -> String {
    let signature =
        jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).expect("the key fits its algorithm");
    format!("{message}.{signature}")
}
