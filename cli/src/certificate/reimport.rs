//! Whether ACM accepts a certificate as the successor of another under the same ARN: "Reimport a certificate" and
//! "Prerequisites for importing ACM certificates" in the ACM User Guide.

use std::collections::BTreeSet;
use std::fmt;

use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::oid_registry::Oid;

use super::key_algorithm::key_algorithm;

/// Why ACM refuses a certificate as the successor of another.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ReimportObstacle {
    /// ACM's names of both algorithms (`KeyAlgorithm`).
    Key {
        before: String,
        now: String,
    },
    KeyUsage,
    ExtendedKeyUsage,
}

impl fmt::Display for ReimportObstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReimportObstacle::Key { before, now } => {
                write!(f, "the key type changes from {before} to {now}")
            }
            ReimportObstacle::KeyUsage => f.write_str("the key usage changes"),
            ReimportObstacle::ExtendedKeyUsage => f.write_str("the extended key usage changes"),
        }
    }
}

/// Returns why ACM would refuse `new` as the successor of `old`. `None` if ACM accepts it.
pub(super) fn find_obstacle(
    old: &X509Certificate<'_>,
    new: &X509Certificate<'_>,
) -> Result<Option<ReimportObstacle>, X509Error> {
    let (before, now) = (key_algorithm(old.public_key()), key_algorithm(new.public_key()));
    if before != now {
        return Ok(Some(ReimportObstacle::Key { before, now }));
    }
    // RFC 5480 omits key encipherment for ECDSA, and ACM allows that.
    let dispensable = now.starts_with("EC_").then_some("key encipherment");
    if !may_replace(key_usage(old)?, key_usage(new)?, dispensable) {
        return Ok(Some(ReimportObstacle::KeyUsage));
    }
    // Authorities no longer issue certificates for client authentication, and ACM allows that too.
    let dispensable = Some("client authentication");
    if !may_replace(extended_key_usage(old)?, extended_key_usage(new)?, dispensable) {
        return Ok(Some(ReimportObstacle::ExtendedKeyUsage));
    }
    Ok(None)
}

type Usages = Option<BTreeSet<String>>;

/// Whether the usages `new` may replace `old`: usages may be added but not removed, except for `dispensable`. A missing
/// extension must stay missing.
fn may_replace(old: Usages, new: Usages, dispensable: Option<&str>) -> bool {
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
        // Only the usage that is looked for needs a name.
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

    fn self_signed(key: &KeyPair, usages: &[Usage], purposes: &[Purpose]) -> Vec<u8> {
        let mut params = CertificateParams::new(["api.example.com".to_owned()]).unwrap();
        params.key_usages = usages.to_vec();
        params.extended_key_usages = purposes.to_vec();
        params.self_signed(key).unwrap().der().to_vec()
    }

    fn obstacle_between(old: &[u8], new: &[u8]) -> Option<ReimportObstacle> {
        let [old, new] = [old, new].map(|der| X509Certificate::from_der(der).unwrap().1);
        find_obstacle(&old, &new).unwrap()
    }

    fn rsa_key(size: RsaKeySize) -> KeyPair {
        KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, size).unwrap()
    }

    fn ec_key() -> KeyPair {
        KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
    }

    #[test]
    fn a_different_key_type_or_size_needs_a_new_arn() {
        let with_key = |key: KeyPair| self_signed(&key, &[], &[]);
        let kinds = [
            ("EC_prime256v1", with_key(ec_key())),
            ("EC_secp384r1", with_key(KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap())),
            ("RSA_2048", with_key(rsa_key(RsaKeySize::_2048))),
            ("RSA_3072", with_key(rsa_key(RsaKeySize::_3072))),
        ];
        for (before, old) in &kinds {
            for (now, new) in &kinds {
                let expected = (before != now)
                    .then(|| ReimportObstacle::Key { before: (*before).to_owned(), now: (*now).to_owned() });
                assert_eq!(obstacle_between(old, new), expected);
            }
        }
    }

    #[test]
    fn a_new_key_of_the_same_type_and_size_keeps_the_arn() {
        assert_eq!(
            obstacle_between(&self_signed(&ec_key(), &[], &[]), &self_signed(&ec_key(), &[], &[])),
            None
        );
        let (old, new) = (rsa_key(RsaKeySize::_2048), rsa_key(RsaKeySize::_2048));
        assert_eq!(obstacle_between(&self_signed(&old, &[], &[]), &self_signed(&new, &[], &[])), None);
    }

    #[test]
    fn usages_may_be_added_but_not_removed() {
        let key = ec_key();
        let signing = self_signed(&key, &[Usage::DigitalSignature], &[]);
        let more = self_signed(&key, &[Usage::DigitalSignature, Usage::KeyAgreement], &[]);
        let none = self_signed(&key, &[], &[]);
        assert_eq!(obstacle_between(&signing, &more), None);
        for (old, new) in [(&more, &signing), (&signing, &none), (&none, &signing)] {
            assert_eq!(obstacle_between(old, new), Some(ReimportObstacle::KeyUsage));
        }
        let server = self_signed(&key, &[], &[Purpose::ServerAuth]);
        let client = self_signed(&key, &[], &[Purpose::ClientAuth]);
        for (old, new) in [(&server, &none), (&none, &server), (&server, &client)] {
            assert_eq!(obstacle_between(old, new), Some(ReimportObstacle::ExtendedKeyUsage));
        }
    }

    #[test]
    fn dispensable_usages_may_be_removed() {
        let both = [Purpose::ServerAuth, Purpose::ClientAuth];
        let key = ec_key();
        assert_eq!(
            obstacle_between(&self_signed(&key, &[], &both), &self_signed(&key, &[], &both[..1])),
            None
        );
        let enciphering = [Usage::DigitalSignature, Usage::KeyEncipherment];
        let shrink = |key: &KeyPair| {
            obstacle_between(&self_signed(key, &enciphering, &[]), &self_signed(key, &enciphering[..1], &[]))
        };
        assert_eq!(shrink(&key), None);
        assert_eq!(shrink(&rsa_key(RsaKeySize::_2048)), Some(ReimportObstacle::KeyUsage));
    }
}
