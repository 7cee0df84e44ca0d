//! A certificate that is in use already: what it says of itself, what it is for, and who issued it.

use rustls::client::verify_server_name;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use time::OffsetDateTime;

use super::reimport::key_algorithm;
use super::{Facts, parse};
use crate::failure::{FailureContext, Result};

pub(crate) struct Presented {
    /// Distinguished names (RFC 4514).
    pub(crate) subject: String,
    pub(crate) issuer: String,
    /// Its DNS names, stars as they stand.
    pub(crate) names: Vec<String>,
    /// In ACM's words where it has any, such as `RSA_2048`.
    pub(crate) key_algorithm: String,
    pub(crate) not_before: OffsetDateTime,
    pub(crate) not_after: OffsetDateTime,
    /// SHA-256 of its DER, lower-case hexadecimal.
    pub(crate) fingerprint: String,
}

impl Presented {
    pub(crate) fn of(der: &CertificateDer<'_>) -> Result<Self> {
        const WHICH: &str = "a certificate";
        let (facts, certificate) = (Facts::of(der, WHICH)?, parse(der, WHICH)?);
        Ok(Self {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            names: facts.names,
            key_algorithm: key_algorithm(certificate.public_key()),
            not_before: facts.not_before,
            not_after: facts.not_after,
            fingerprint: facts.fingerprint,
        })
    }

    /// Each certificate of a PEM text.
    pub(crate) fn all_of(pem: &str) -> Result<Vec<Self>> {
        CertificateDer::pem_slice_iter(pem.as_bytes())
            .map(|der| Self::of(&der.context("a certificate cannot be read")?))
            .collect()
    }
}

/// Whether the certificate is for this name, as a client would see it (RFC 9525).
pub(crate) fn covers(der: &CertificateDer<'_>, name: &str) -> bool {
    let (Ok(certificate), Ok(name)) = (ParsedCertificate::try_from(der), ServerName::try_from(name)) else {
        return false;
    };
    verify_server_name(&certificate, &name).is_ok()
}

/// Whether `issuer` signed `issued`, or a certificate itself.
pub(crate) fn did_issue(issuer: &CertificateDer<'_>, issued: &CertificateDer<'_>) -> Result<bool> {
    let (issuer, issued) = (parse(issuer, "a certificate")?, parse(issued, "a certificate")?);
    Ok(issued.verify_signature(Some(issuer.public_key())).is_ok())
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

    use super::*;

    fn made(names: &[&str]) -> CertificateDer<'static> {
        let params = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        params.unwrap().self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    #[test]
    fn a_star_stands_for_one_label() {
        let certificate = made(&["api.example.com", "*.example.org"]);
        for name in ["api.example.com", "API.example.com", "any.example.org"] {
            assert!(covers(&certificate, name), "{name}");
        }
        for name in ["example.org", "a.b.example.org", "www.example.com", "", "not a name"] {
            assert!(!covers(&certificate, name), "{name}");
        }
        let presented = Presented::of(&certificate).unwrap();
        assert_eq!(presented.names, ["api.example.com", "*.example.org"]);
        assert_eq!(presented.key_algorithm, "EC_prime256v1");
        assert_eq!(presented.fingerprint.len(), 64);
    }

    #[test]
    fn who_issued_a_certificate_is_told_by_its_signature() {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        let leaf = CertificateParams::new(["api.example.com".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap();
        assert!(did_issue(authority.der(), leaf.der()).unwrap());
        assert!(did_issue(authority.der(), authority.der()).unwrap());
        assert!(!did_issue(leaf.der(), authority.der()).unwrap());
        assert!(!did_issue(&made(&["api.example.com"]), leaf.der()).unwrap());
        assert!(did_issue(&CertificateDer::from(vec![0; 8]), leaf.der()).is_err());
    }
}
