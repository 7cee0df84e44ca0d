//! The key that signs the tokens, generated anew by each local cloud.

use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::Value;

use crate::failure::{FailureContext, Result};

/// An RSA key of 2048 bits for RS256, like Auth0's keys.
pub(super) struct SigningKey {
    private: EncodingKey,
    public: Jwk,
}

impl SigningKey {
    pub(super) fn generate() -> Result<Self> {
        let doing = "cannot generate the identity provider's signing key";
        let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048)
            .context(doing)?;
        let private = EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).context(doing)?;
        let mut public = Jwk::from_encoding_key(&private, Algorithm::RS256).context(doing)?;
        public.common.key_id = Some(public.thumbprint(ThumbprintHash::SHA256).context(doing)?);
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self { private, public })
    }

    /// Signs a token whose `kid` names this key.
    pub(super) fn sign_token(&self, claims: &Value) -> jsonwebtoken::errors::Result<String> {
        let header = Header { kid: self.public.common.key_id.clone(), ..Header::new(Algorithm::RS256) };
        jsonwebtoken::encode(&header, claims, &self.private)
    }

    /// Returns the public keys, the content of `jwks.json`.
    pub(super) fn public_keys(&self) -> JwkSet {
        JwkSet { keys: vec![self.public.clone()] }
    }
}
