//! What a certificate says about itself.

use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::{FromDer, GeneralName};

use crate::digest::sha256_hex;
use crate::failure::{FailureContext, Result};

pub(super) struct CertificateDetails {
    /// A DNS name that the certificate is valid for.
    pub(super) name: Option<String>,
    /// All DNS names, wildcards included.
    pub(super) names: Vec<String>,
    pub(super) not_before: OffsetDateTime,
    pub(super) not_after: OffsetDateTime,
    /// SHA-256 of the DER, lower-case hexadecimal.
    pub(super) fingerprint: String,
    pub(super) is_authority: bool,
    /// How messages refer to the certificate.
    pub(super) description: String,
}

impl CertificateDetails {
    pub(super) fn parse(der: &CertificateDer<'_>, description: &str) -> Result<Self> {
        let certificate = parse_certificate(der, description)?;
        let names = certificate.subject_alternative_name();
        let names = names.context(format!("cannot read the names in {description}"))?;
        let names = names.iter().flat_map(|names| &names.value.general_names);
        let names = names.filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        });
        let names: Vec<String> = names.collect();
        Ok(Self {
            // A wildcard stands for any one label.
            name: names.first().map(|name| name.replacen('*', "restctl", 1)),
            names,
            not_before: certificate.validity().not_before.to_datetime(),
            not_after: certificate.validity().not_after.to_datetime(),
            fingerprint: sha256_hex(der),
            is_authority: certificate.is_ca(),
            description: description.to_owned(),
        })
    }
}

pub(super) fn parse_certificate<'a>(
    der: &'a CertificateDer<'_>,
    description: &str,
) -> Result<X509Certificate<'a>> {
    let parsed = X509Certificate::from_der(der);
    parsed.map(|(_, certificate)| certificate).context(format!("cannot read {description}"))
}
