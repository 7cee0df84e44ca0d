//! A private certificate authority: a root, an intermediate, and the certificates it issues.

use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) struct Authority {
    pub(crate) root: Certificate,
    pub(crate) intermediate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

pub(crate) struct Issued {
    pub(crate) certificate: Certificate,
    pub(crate) key: KeyPair,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let (params, key) = (authority_params("root"), KeyPair::generate().unwrap());
        let root = params.self_signed(&key).unwrap();
        let root_issuer = Issuer::new(params, key);
        let (params, key) = (authority_params("intermediate"), KeyPair::generate().unwrap());
        let intermediate = params.signed_by(&key, &root_issuer).unwrap();
        Self { root, intermediate, issuer: Issuer::new(params, key) }
    }

    /// For a name, and from yesterday on until so many days from now, with a key of ECDSA P-256.
    pub(crate) fn issue_certificate(&self, name: &str, days: i64) -> Issued {
        self.issue_for_key(KeyPair::generate().unwrap(), name, days)
    }

    pub(crate) fn issue_for_key(&self, key: KeyPair, name: &str, days: i64) -> Issued {
        let certificate = server_params(name, days).signed_by(&key, &self.issuer).unwrap();
        Issued { certificate, key }
    }

    /// The certificates above what it issues, PEM.
    pub(crate) fn chain_pem(&self) -> String {
        format!("{}{}", self.intermediate.pem(), self.root.pem())
    }
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn server_params(name: &str, days: i64) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let now = SystemTime::now();
    let away = DAY * u32::try_from(days.unsigned_abs()).unwrap();
    params.not_after = if days < 0 { now - away } else { now + away }.into();
    params.not_before = (now - 30 * DAY).into();
    params
}

/// Writes a file, and answers its path as an argument.
pub(crate) fn put(folder: &Path, name: &str, text: &str) -> String {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    file.into_os_string().into_string().unwrap()
}
