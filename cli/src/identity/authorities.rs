//! The certificates that connections to an identity provider trust instead of the system's.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::digest::sha256_hex;
use crate::failure::{Failure, FailureContext, Result};

/// A file of certificates has some kilobytes.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// The digits of a fingerprint that tell apart the certificates of one file.
const SHOWN_DIGITS: usize = 16;

/// Reads the certificates of a PEM file as the base64 of their DER.
pub(crate) fn read_authorities(file: &Path) -> Result<Vec<String>> {
    let unreadable = format!("cannot read the certificates in {}", file.display());
    let mut text = Vec::new();
    let read = File::open(file).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut text));
    read.context_of_argument(unreadable.clone())?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(Failure::usage(unreadable).why(format!("it has more than {MAX_FILE_BYTES} bytes")));
    }
    let certificates = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
    let certificates = certificates.context(unreadable.clone()).map_err(|failure| failure.next(FORMAT))?;
    if certificates.is_empty() {
        return Err(Failure::usage(unreadable).why("it has no certificate in PEM").next(FORMAT));
    }
    for certificate in &certificates {
        let parsed = x509_parser::parse_x509_certificate(certificate).context(unreadable.clone());
        parsed.map_err(|failure| failure.next(FORMAT))?;
    }
    let mut authorities: Vec<String> = Vec::new();
    for authority in certificates.iter().map(|certificate| STANDARD.encode(certificate)) {
        if !authorities.contains(&authority) {
            authorities.push(authority);
        }
    }
    Ok(authorities)
}

const FORMAT: &str = "--provider-ca FILE with certificates that begin with -----BEGIN CERTIFICATE-----";

/// Describes a certificate by its subject, its last day and the beginning of its SHA-256.
pub(crate) fn describe_authority(authority: &str) -> String {
    let Ok(der) = STANDARD.decode(authority) else { return "an unreadable certificate".to_owned() };
    let Ok((_, certificate)) = x509_parser::parse_x509_certificate(&der) else {
        return "an unreadable certificate".to_owned();
    };
    let expiry = certificate.validity().not_after.to_datetime().date();
    let fingerprint = &sha256_hex(&der)[..SHOWN_DIGITS];
    format!("{} (until {expiry}, SHA-256 {fingerprint}…)", certificate.subject())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn self_signed(name: &str) -> rcgen::Certificate {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.self_signed(&key).unwrap()
    }

    #[test]
    fn a_file_may_have_several_certificates() {
        let (one, other) = (self_signed("one"), self_signed("other"));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{}{}{}", one.pem(), other.pem(), one.pem())).unwrap();
        let authorities = read_authorities(file.path()).unwrap();
        assert_eq!(authorities, [&one, &other].map(|certificate| STANDARD.encode(certificate.der())));
        let described = describe_authority(&authorities[1]);
        assert!(described.starts_with("CN=other (until 4096-01-01, SHA-256 "), "{described}");
    }

    #[test]
    fn what_is_not_a_certificate_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned();
        for text in [String::new(), "certificate".to_owned(), broken, "x".repeat(MAX_FILE_BYTES as usize + 1)]
        {
            std::fs::write(file.path(), &text).unwrap();
            let refusal = read_authorities(file.path()).unwrap_err().to_string();
            assert!(refusal.contains("cannot read the certificates"), "{refusal}");
        }
    }
}
