//! The key that signs the tokens, made anew with each local cloud.

use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::Value;

use crate::failure::{FailureContext, Result};

/// An RSA key of 2048 bits for RS256, as Auth0's are.
pub(super) struct SigningKey {
    private: EncodingKey,
    public: Jwk,
}

impl SigningKey {
    pub(super) fn new() -> Result<Self> {
        let doing = "the identity provider's signing key cannot be made";
        let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048)
            .context(doing)?;
        let private = EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).context(doing)?;
        let mut public = Jwk::from_encoding_key(&private, Algorithm::RS256).context(doing)?;
        public.common.key_id = Some(public.thumbprint(ThumbprintHash::SHA256).context(doing)?);
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self { private, public })
    }

    /// A signed token that names this key by its `kid`.
    pub(super) fn sign(&self, claims: &Value) -> jsonwebtoken::errors::Result<String> {
        let header = Header { kid: self.public.common.key_id.clone(), ..Header::new(Algorithm::RS256) };
        jsonwebtoken::encode(&header, claims, &self.private)
    }

    /// What `jwks.json` shows.
    pub(super) fn published(&self) -> JwkSet {
        JwkSet { keys: vec![self.public.clone()] }
    }
}
