//! A certificate in use: its details, the names it covers, and who issued it.

use rustls::client::verify_server_name;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use time::OffsetDateTime;

use super::details::{CertificateDetails, parse_certificate};
use super::key_algorithm::key_algorithm;
use crate::failure::{FailureContext, Result};

pub(crate) struct PresentedCertificate {
    /// Distinguished names (RFC 4514).
    pub(crate) subject: String,
    pub(crate) issuer: String,
    /// All DNS names, wildcards included.
    pub(crate) names: Vec<String>,
    /// ACM's name such as `RSA_2048`, or the object identifier if ACM has no name.
    pub(crate) key_algorithm: String,
    pub(crate) not_before: OffsetDateTime,
    pub(crate) not_after: OffsetDateTime,
    /// SHA-256 of the DER, lower-case hexadecimal.
    pub(crate) fingerprint: String,
}

impl PresentedCertificate {
    pub(crate) fn parse(der: &CertificateDer<'_>) -> Result<Self> {
        const DESCRIPTION: &str = "a certificate";
        let details = CertificateDetails::parse(der, DESCRIPTION)?;
        let certificate = parse_certificate(der, DESCRIPTION)?;
        Ok(Self {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            names: details.names,
            key_algorithm: key_algorithm(certificate.public_key()),
            not_before: details.not_before,
            not_after: details.not_after,
            fingerprint: details.fingerprint,
        })
    }

    /// Parses each certificate of a PEM text.
    pub(crate) fn parse_pem(pem: &str) -> Result<Vec<Self>> {
        CertificateDer::pem_slice_iter(pem.as_bytes())
            .map(|der| Self::parse(&der.context("cannot read a certificate")?))
            .collect()
    }
}

/// Whether a client would accept the certificate for this name (RFC 9525).
pub(crate) fn covers_name(der: &CertificateDer<'_>, name: &str) -> bool {
    let (Ok(certificate), Ok(name)) = (ParsedCertificate::try_from(der), ServerName::try_from(name)) else {
        return false;
    };
    verify_server_name(&certificate, &name).is_ok()
}

/// Whether `issuer` signed `issued`. Both may be the same certificate.
pub(crate) fn did_issue(issuer: &CertificateDer<'_>, issued: &CertificateDer<'_>) -> Result<bool> {
    let issuer = parse_certificate(issuer, "a certificate")?;
    let issued = parse_certificate(issued, "a certificate")?;
    Ok(issued.verify_signature(Some(issuer.public_key())).is_ok())
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

    use super::*;

    fn self_signed(names: &[&str]) -> CertificateDer<'static> {
        let params = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        params.unwrap().self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    #[test]
    fn a_wildcard_covers_one_label() {
        let certificate = self_signed(&["api.example.com", "*.example.org"]);
        for name in ["api.example.com", "API.example.com", "any.example.org"] {
            assert!(covers_name(&certificate, name), "{name}");
        }
        for name in ["example.org", "a.b.example.org", "www.example.com", "", "not a name"] {
            assert!(!covers_name(&certificate, name), "{name}");
        }
        let presented = PresentedCertificate::parse(&certificate).unwrap();
        assert_eq!(presented.names, ["api.example.com", "*.example.org"]);
        assert_eq!(presented.key_algorithm, "EC_prime256v1");
        assert_eq!(presented.fingerprint.len(), 64);
    }

    #[test]
    fn the_signature_shows_who_issued_a_certificate() {
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
        assert!(!did_issue(&self_signed(&["api.example.com"]), leaf.der()).unwrap());
        assert!(did_issue(&CertificateDer::from(vec![0; 8]), leaf.der()).is_err());
    }
}
