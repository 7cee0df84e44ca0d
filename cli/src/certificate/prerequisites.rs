//! What ACM demands of a certificate before it imports it: "Prerequisites for importing ACM certificates" in the ACM User
//! Guide, and "ImportCertificate" in the ACM API Reference.

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::oid_registry::OID_PKIX_ACCESS_DESCRIPTOR_OCSP;
use x509_parser::x509::X509Version;

use super::key_algorithm::key_algorithm;
use crate::failure::{Failure, Result};

/// ACM's names of the keys that it imports and that load balancers serve: these refuse RSA of 1,024 bits ("SSL certificates
/// for your Application Load Balancer").
const KEY_ALGORITHMS: [&str; 6] =
    ["RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"];

const MAX_OCSP_ADDRESS_LENGTH: usize = 1000;

/// Fails if ACM would refuse the certificate, or if load balancers would. `description` is how messages refer to it.
pub(super) fn check_prerequisites(certificate: &X509Certificate<'_>, description: &str) -> Result<()> {
    if certificate.version() != X509Version::V3 {
        return Err(Failure::usage(format!("{description} is not of X.509 version 3"))
            .why("ACM imports no other version")
            .next("have it issued again with the API's DNS name as a subject alternative name, which only version 3 has"));
    }
    if certificate.issuer().iter().next().is_none() {
        return Err(Failure::usage(format!("{description} does not name its issuer"))
            .why("ACM refuses a certificate whose issuer is empty")
            .next("have it issued by an authority that has a name"));
    }
    check_key(certificate, description)?;
    check_ocsp_addresses(certificate, description)
}

/// Checks the type and the size of the key, and that the issuer's key is of the same type: "The cryptographic algorithm of an
/// imported certificate must match the algorithm of the signing CA" ("ImportCertificate"; as of November 2026 the User Guide
/// no longer says so, and the API Reference does).
fn check_key(certificate: &X509Certificate<'_>, description: &str) -> Result<()> {
    let algorithm = key_algorithm(certificate.public_key());
    if !KEY_ALGORITHMS.contains(&algorithm.as_str()) {
        return Err(Failure::usage(format!("{description} has a key of the type {algorithm}"))
            .why("ACM and load balancers accept RSA of 2,048, 3,072 or 4,096 bits, and ECDSA with P-256, P-384 or P-521")
            .next("have it issued for such a key, such as that of: openssl req -new -newkey rsa:2048 -nodes …"));
    }
    let (own, other, options) = if algorithm.starts_with("RSA_") {
        ("RSA", "ECDSA", "ec -pkeyopt ec_paramgen_curve:P-256")
    } else {
        ("ECDSA", "RSA", "rsa:2048")
    };
    let signature = certificate.signature_algorithm.algorithm.to_id_string();
    match signing_key_type(&signature) {
        Some(issuer) if issuer == own => Ok(()),
        Some(_) => Err(Failure::usage(format!("{description} has an {own} key, but its issuer has an {other} key"))
            .why("ACM imports a certificate only if both keys are of the same type")
            .next(format!(
                "have it issued for an {other} key: openssl req -new -newkey {options} -nodes …;\nor by an issuer with an {own} key"
            ))),
        None => Err(Failure::usage(format!("{description} is signed with the algorithm {signature}"))
            .why("ACM imports a certificate only if its key and its issuer's key are both RSA or both ECDSA")
            .next(format!("have it issued by an issuer with an {own} key"))),
    }
}

/// Returns the type of the key that makes signatures of this algorithm, an object identifier of RFC 8017 or RFC 5758.
fn signing_key_type(signature: &str) -> Option<&'static str> {
    let types = [("1.2.840.113549.1.1.", "RSA"), ("1.2.840.10045.4.", "ECDSA")];
    types.into_iter().find_map(|(family, key)| signature.starts_with(family).then_some(key))
}

fn check_ocsp_addresses(certificate: &X509Certificate<'_>, description: &str) -> Result<()> {
    let access = certificate.extensions().iter().filter_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityInfoAccess(access) => Some(access.iter()),
        _ => None,
    });
    let is_too_long = access.flatten().any(|access| match access.access_location {
        GeneralName::URI(address) => {
            access.access_method == OID_PKIX_ACCESS_DESCRIPTOR_OCSP && address.len() > MAX_OCSP_ADDRESS_LENGTH
        }
        _ => false,
    });
    if !is_too_long {
        return Ok(());
    }
    Err(Failure::usage(format!("{description} has an OCSP address of more than 1,000 characters"))
        .why("ACM refuses a longer one")
        .next("have it issued with a shorter one, or with none"))
}

/// Fails if no name is fully qualified. Load balancers refuse such a certificate (`UnsupportedCertificate`).
pub(super) fn check_is_fully_qualified(names: &[String]) -> Result<()> {
    if names.iter().any(|name| name.contains('.')) {
        return Ok(());
    }
    Err(Failure::usage(format!("{} is not a fully qualified name", names.join(", ")))
        .why("load balancers refuse a certificate without one")
        .next("use a name such as api.example.com"))
}

#[cfg(test)]
mod tests {
    use rcgen::{
        CertificateParams, CustomExtension, DistinguishedName, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256,
        PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, RsaKeySize,
    };
    use x509_parser::prelude::FromDer;

    use super::*;

    fn params() -> CertificateParams {
        CertificateParams::new(["api.example.com".to_owned()]).unwrap()
    }

    fn rsa_key() -> KeyPair {
        KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap()
    }

    fn ec_key() -> KeyPair {
        KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
    }

    fn refusal(der: &[u8]) -> Option<String> {
        let (_, certificate) = X509Certificate::from_der(der).unwrap();
        let checked = check_prerequisites(&certificate, "the certificate in cert.pem");
        checked.err().map(|refusal| refusal.to_string())
    }

    fn refusal_of_issued(key: &KeyPair, issuer: KeyPair) -> Option<String> {
        let issuer = Issuer::new(params(), issuer);
        refusal(params().signed_by(key, &issuer).unwrap().der())
    }

    #[test]
    fn a_key_of_another_type_than_the_issuers_is_refused() {
        for (refused, words) in [
            (
                refusal_of_issued(&ec_key(), rsa_key()),
                ["an ECDSA key, but its issuer has an RSA key", "rsa:2048"],
            ),
            (
                refusal_of_issued(&rsa_key(), ec_key()),
                ["an RSA key, but its issuer has an ECDSA key", "P-256"],
            ),
            (
                refusal_of_issued(&ec_key(), KeyPair::generate_for(&PKCS_ED25519).unwrap()),
                ["signed with the algorithm 1.3.101.112", "an issuer with an ECDSA key"],
            ),
        ] {
            let refused = refused.expect("it was accepted");
            assert!(words.iter().all(|word| refused.contains(word)), "{refused}");
        }
        assert_eq!(
            refusal_of_issued(&ec_key(), KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap()),
            None
        );
        assert_eq!(refusal_of_issued(&rsa_key(), rsa_key()), None);
        assert_eq!(refusal(params().self_signed(&rsa_key()).unwrap().der()), None);
    }

    #[test]
    fn a_key_that_acm_does_not_know_is_refused() {
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let refused = refusal(params().self_signed(&key).unwrap().der()).expect("it was accepted");
        assert!(refused.contains("a key of the type 1.3.101.112") && refused.contains("2,048"), "{refused}");
    }

    #[test]
    fn a_certificate_of_version_1_is_refused() {
        const VERSION_3: [u8; 5] = [0xa0, 0x03, 0x02, 0x01, 0x02];
        let mut der = params().self_signed(&ec_key()).unwrap().der().to_vec();
        let version = der.windows(VERSION_3.len()).position(|bytes| bytes == VERSION_3).unwrap();
        der[version + 4] = 0;
        let refused = refusal(&der).expect("it was accepted");
        assert!(refused.contains("X.509 version 3") && refused.contains("alternative name"), "{refused}");
    }

    #[test]
    fn a_certificate_without_an_issuer_is_refused() {
        let mut nameless = params();
        nameless.distinguished_name = DistinguishedName::new();
        let refused = refusal(nameless.self_signed(&ec_key()).unwrap().der()).expect("it was accepted");
        assert!(refused.contains("does not name its issuer"), "{refused}");
    }

    #[test]
    fn a_long_ocsp_address_is_refused() {
        let with_address = |length: usize| {
            let mut params = params();
            params.custom_extensions.push(ocsp_access(&"a".repeat(length)));
            refusal(params.self_signed(&ec_key()).unwrap().der())
        };
        assert_eq!(with_address(MAX_OCSP_ADDRESS_LENGTH), None);
        let refused = with_address(MAX_OCSP_ADDRESS_LENGTH + 1).expect("it was accepted");
        assert!(refused.contains("OCSP address"), "{refused}");
    }

    /// Returns the extension of RFC 5280, section 4.2.2.1, with this address of an OCSP service.
    fn ocsp_access(address: &str) -> CustomExtension {
        let tagged = |tag: u8, content: &[u8]| {
            let length = u16::try_from(content.len()).unwrap().to_be_bytes();
            [&[tag, 0x82], &length[..], content].concat()
        };
        let method = [0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01];
        let description = tagged(0x30, &[&method[..], &tagged(0x86, address.as_bytes())].concat());
        CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], tagged(0x30, &description))
    }

    #[test]
    fn a_name_without_a_dot_is_refused() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(check_is_fully_qualified(&names(&["api", "*.example.com"])).is_ok());
        let refused = check_is_fully_qualified(&names(&["localhost"])).unwrap_err().to_string();
        assert!(refused.contains("localhost is not a fully qualified name"), "{refused}");
    }
}
