//! Whether ACM takes a certificate in place of another, under the same ARN: "Reimport a certificate" and "Prerequisites for
//! importing ACM certificates" of its user guide.

use std::collections::BTreeSet;
use std::fmt;

use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_NIST_EC_P521, Oid,
};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

/// Why ACM refuses a certificate in place of another.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// As ACM names them (`KeyAlgorithm`).
    Key {
        before: String,
        now: String,
    },
    KeyUsage,
    ExtendedKeyUsage,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obstacle::Key { before, now } => {
                write!(f, "the key is of another kind ({now}, before {before})")
            }
            Obstacle::KeyUsage => f.write_str("its key usage is another one"),
            Obstacle::ExtendedKeyUsage => f.write_str("its extended key usage is another one"),
        }
    }
}

/// None where ACM takes `new` in place of `old`.
pub(super) fn obstacle(
    old: &X509Certificate<'_>,
    new: &X509Certificate<'_>,
) -> Result<Option<Obstacle>, X509Error> {
    let (before, now) = (key_algorithm(old.public_key()), key_algorithm(new.public_key()));
    if before != now {
        return Ok(Some(Obstacle::Key { before, now }));
    }
    // RFC 5480 leaves it out for ECDSA, which ACM allows.
    let dispensable = now.starts_with("EC_").then_some("key encipherment");
    if !may_follow(key_usage(old)?, key_usage(new)?, dispensable) {
        return Ok(Some(Obstacle::KeyUsage));
    }
    // Authorities have ceased to issue it, which ACM allows, too.
    let dispensable = Some("client authentication");
    if !may_follow(extended_key_usage(old)?, extended_key_usage(new)?, dispensable) {
        return Ok(Some(Obstacle::ExtendedKeyUsage));
    }
    Ok(None)
}

/// Type and size of a key, in ACM's words where it has any.
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

type Usages = Option<BTreeSet<String>>;

/// Usages may be added and not removed, and where the extension was missing it stays so.
fn may_follow(old: Usages, new: Usages, dispensable: Option<&str>) -> bool {
    match (old, new) {
        (None, new) => new.is_none(),
        (Some(old), new) => {
            let new = new.unwrap_or_default();
            old.iter().all(|usage| new.contains(usage) || Some(usage.as_str()) == dispensable)
        }
    }
}

fn key_usage(certificate: &X509Certificate<'_>) -> Result<Usages, X509Error> {
    let usage = certificate.key_usage()?.map(|extension| extension.value);
    Ok(usage.map(|usage| {
        // The only one that has a name here is the one that is looked for.
        let name = |bit: u16| match bit {
            2 => "key encipherment".to_owned(),
            _ => format!("bit {bit}"),
        };
        (0..u16::BITS as u16).filter(|bit| usage.flags >> bit & 1 == 1).map(name).collect()
    }))
}

fn extended_key_usage(certificate: &X509Certificate<'_>) -> Result<Usages, X509Error> {
    let usage = certificate.extended_key_usage()?.map(|extension| extension.value);
    Ok(usage.map(|usage| {
        let named = [
            ("any", usage.any),
            ("server authentication", usage.server_auth),
            ("client authentication", usage.client_auth),
            ("code signing", usage.code_signing),
            ("email protection", usage.email_protection),
            ("time stamping", usage.time_stamping),
            ("OCSP signing", usage.ocsp_signing),
        ];
        let named = named.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name.to_owned());
        named.chain(usage.other.iter().map(Oid::to_string)).collect()
    }))
}

#[cfg(test)]
mod tests {
    use rcgen::{
        CertificateParams, ExtendedKeyUsagePurpose as Purpose, KeyPair, KeyUsagePurpose as Usage,
        PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256, RsaKeySize,
    };
    use x509_parser::prelude::FromDer;

    use super::*;

    fn made(key: &KeyPair, usages: &[Usage], purposes: &[Purpose]) -> Vec<u8> {
        let mut params = CertificateParams::new(["api.example.com".to_owned()]).unwrap();
        params.key_usages = usages.to_vec();
        params.extended_key_usages = purposes.to_vec();
        params.self_signed(key).unwrap().der().to_vec()
    }

    fn found(old: &[u8], new: &[u8]) -> Option<Obstacle> {
        let [old, new] = [old, new].map(|der| X509Certificate::from_der(der).unwrap().1);
        obstacle(&old, &new).unwrap()
    }

    fn rsa(size: RsaKeySize) -> KeyPair {
        KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, size).unwrap()
    }

    fn ec() -> KeyPair {
        KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
    }

    #[test]
    fn a_key_of_another_type_or_size_needs_another_arn() {
        let of = |key: KeyPair| made(&key, &[], &[]);
        let kinds = [
            ("EC_prime256v1", of(ec())),
            ("EC_secp384r1", of(KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap())),
            ("RSA_2048", of(rsa(RsaKeySize::_2048))),
            ("RSA_3072", of(rsa(RsaKeySize::_3072))),
        ];
        for (before, old) in &kinds {
            for (now, new) in &kinds {
                let expected = (before != now)
                    .then(|| Obstacle::Key { before: (*before).to_owned(), now: (*now).to_owned() });
                assert_eq!(found(old, new), expected);
            }
        }
    }

    #[test]
    fn another_key_of_the_same_kind_keeps_the_arn() {
        assert_eq!(found(&made(&ec(), &[], &[]), &made(&ec(), &[], &[])), None);
        let (old, new) = (rsa(RsaKeySize::_2048), rsa(RsaKeySize::_2048));
        assert_eq!(found(&made(&old, &[], &[]), &made(&new, &[], &[])), None);
    }

    #[test]
    fn usages_may_be_added_and_not_taken_away() {
        let key = ec();
        let signing = made(&key, &[Usage::DigitalSignature], &[]);
        let more = made(&key, &[Usage::DigitalSignature, Usage::KeyAgreement], &[]);
        let none = made(&key, &[], &[]);
        assert_eq!(found(&signing, &more), None);
        for (old, new) in [(&more, &signing), (&signing, &none), (&none, &signing)] {
            assert_eq!(found(old, new), Some(Obstacle::KeyUsage));
        }
        let server = made(&key, &[], &[Purpose::ServerAuth]);
        let client = made(&key, &[], &[Purpose::ClientAuth]);
        for (old, new) in [(&server, &none), (&none, &server), (&server, &client)] {
            assert_eq!(found(old, new), Some(Obstacle::ExtendedKeyUsage));
        }
    }

    #[test]
    fn what_acm_lets_go_of_keeps_the_arn() {
        let both = [Purpose::ServerAuth, Purpose::ClientAuth];
        let key = ec();
        assert_eq!(found(&made(&key, &[], &both), &made(&key, &[], &both[..1])), None);
        let enciphering = [Usage::DigitalSignature, Usage::KeyEncipherment];
        let shrink = |key: &KeyPair| found(&made(key, &enciphering, &[]), &made(key, &enciphering[..1], &[]));
        assert_eq!(shrink(&key), None);
        assert_eq!(shrink(&rsa(RsaKeySize::_2048)), Some(Obstacle::KeyUsage));
    }
}
