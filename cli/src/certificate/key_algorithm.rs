//! The names of key types.

use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_NIST_EC_P521, Oid,
};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

/// Returns ACM's name of a key's type and size, or the object identifier if ACM has no name.
pub(super) fn key_algorithm(key: &SubjectPublicKeyInfo<'_>) -> String {
    if let Ok(PublicKey::RSA(key)) = key.parsed() {
        return format!("RSA_{}", key.key_size());
    }
    let algorithm = &key.algorithm.algorithm;
    let curve = key.algorithm.parameters.as_ref().and_then(|curve| Oid::try_from(curve).ok());
    match curve.filter(|_| *algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY) {
        Some(curve) if curve == OID_EC_P256 => "EC_prime256v1".to_owned(),
        Some(curve) if curve == OID_NIST_EC_P384 => "EC_secp384r1".to_owned(),
        Some(curve) if curve == OID_NIST_EC_P521 => "EC_secp521r1".to_owned(),
        Some(curve) => curve.to_string(),
        None => algorithm.to_string(),
    }
}
