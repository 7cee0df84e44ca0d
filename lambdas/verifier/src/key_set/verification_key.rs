//! A key with its purpose, ready to verify signatures.

use std::collections::HashSet;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::signature::ParsedPublicKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use restctl_contract::issuer::Algorithm;

use super::jwk::{Jwk, to_base64url};
use super::public_key::PublicKey;

#[derive(Debug, Clone)]
pub(crate) struct VerificationKey {
    pub(super) kid: Option<String>,
    /// The names by which a token without `kid` may call the key: the thumbprints of its certificate in base64url.
    thumbprints: Vec<String>,
    /// The key prepared for each of its algorithms. It verifies no other.
    prepared: Vec<(Algorithm, ParsedPublicKey)>,
}

impl VerificationKey {
    /// Fails with the [`super::KeyReport::problem`].
    pub(super) fn from_jwk(jwk: &Jwk, accepted: &[Algorithm]) -> Result<Self, String> {
        check_secrecy(jwk)?;
        check_purpose(jwk)?;
        let public = PublicKey::from_jwk(jwk)?;
        let algorithms = usable_algorithms(jwk, &public, accepted)?;
        let prepare = |algorithm| Ok((algorithm, public.prepare(algorithm)?));
        Ok(Self {
            kid: jwk.kid.clone(),
            thumbprints: thumbprints(jwk),
            prepared: algorithms.into_iter().map(prepare).collect::<Result<_, String>>()?,
        })
    }

    pub(super) fn algorithms(&self) -> Vec<Algorithm> {
        self.prepared.iter().map(|(algorithm, _)| *algorithm).collect()
    }

    pub(super) fn verifies(&self, algorithm: Algorithm) -> bool {
        self.prepared.iter().any(|(own, _)| *own == algorithm)
    }

    /// Whether a token's `x5t` or `x5t#S256` means this key. Some issuers use the thumbprint as the `kid`.
    pub(super) fn has_thumbprint(&self, thumbprint: &str) -> bool {
        let thumbprint = to_base64url(thumbprint);
        let is_id = self.kid.as_deref().is_some_and(|kid| to_base64url(kid) == thumbprint);
        is_id || self.thumbprints.contains(&thumbprint)
    }

    pub(crate) fn verifies_signature(&self, message: &[u8], signature: &[u8], algorithm: Algorithm) -> bool {
        let mut prepared = self.prepared.iter().filter(|(own, _)| *own == algorithm);
        prepared.any(|(_, key)| key.verify_sig(message, signature).is_ok())
    }
}

fn check_secrecy(jwk: &Jwk) -> Result<(), String> {
    let exposed = match jwk.kty.as_deref() {
        _ if !jwk.has_private_members => return Ok(()),
        Some("oct") => "a published secret",
        _ => "published with its private key",
    };
    Err(format!("it is {exposed}: replace it at the provider"))
}

/// RFC 7517, sections 4.2 and 4.3.
fn check_purpose(jwk: &Jwk) -> Result<(), String> {
    match jwk.key_use.as_deref() {
        None | Some("sig") => {}
        Some("enc") => return Err("it is for encryption (use: enc)".to_owned()),
        Some(other) => return Err(format!("its use is {other:?}, not sig")),
    }
    let operations = &jwk.key_ops;
    // A key set has room for thousands of names.
    let mut names = HashSet::new();
    if !operations.iter().all(|name| names.insert(name)) {
        return Err("its key_ops name an operation twice".to_owned());
    }
    if operations.is_empty() || operations.iter().any(|name| name == "verify") {
        Ok(())
    } else {
        Err("its key_ops do not include verify".to_owned())
    }
}

/// Returns the algorithms that the key's type, its `alg` and the issuer's setting have in common.
fn usable_algorithms(
    jwk: &Jwk,
    public: &PublicKey,
    accepted: &[Algorithm],
) -> Result<Vec<Algorithm>, String> {
    let mut algorithms = public.algorithms();
    if let Some(alg) = jwk.alg.as_deref() {
        let pinned = Algorithm::from_jose_name(alg);
        algorithms.retain(|algorithm| Some(*algorithm) == pinned);
        if algorithms.is_empty() {
            return Err(format!("its alg {alg} is not a signature algorithm of {} keys", public.type_name()));
        }
    }
    let names: Vec<&str> = algorithms.iter().map(|algorithm| algorithm.name()).collect();
    algorithms.retain(|algorithm| accepted.contains(algorithm));
    if algorithms.is_empty() {
        return Err(format!("it is for {}, which --algorithms does not name", names.join(", ")));
    }
    Ok(algorithms)
}

/// RFC 7517, sections 4.8 and 4.9. The thumbprints of the certificate itself count, whether or not they are stated.
fn thumbprints(jwk: &Jwk) -> Vec<String> {
    let stated = [&jwk.x5t, &jwk.x5t_s256].into_iter().flatten().map(|text| to_base64url(text));
    let computed = jwk.certificate.iter().flat_map(|der| {
        [&SHA1_FOR_LEGACY_USE_ONLY, &SHA256].map(|hash| URL_SAFE_NO_PAD.encode(digest(hash, der)))
    });
    stated.chain(computed).collect()
}
